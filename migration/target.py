"""The loop that is imported into: its blobs, and its operations over HTTP."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from local import services
from local.__main__ import DEFAULTS, lock
from local.azurite import PROJECT, connection_string
from local.packages import InstallError
from local.supervisor import StartError, Supervisor
from shared import settings
from shared.auth import Keys
from shared.loops import stored
from shared.loops.blob_names import Home, home_of
from shared.loops.config import DEFAULT_LOOP, LoopConfig, new_loop
from shared.loops.registry import Registry
from shared.settings import Settings
from shared.storage import Storage

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

API_VERSION = "v1.1-preview.3"
TIMEOUT_SECONDS = 120  # a model is tried before it is taken
# Settings that the function app needs and this command does not.
_UNUSED = {"APP_KEYS": "unused", "ADMIN_KEYS": "not used", "EVENT_HUBS_CONNECTION_STRING": "unused"}


class TargetError(Exception):
    """The target cannot be used; the text says what to do."""


class Refused(Exception):
    """The service did not take what it was sent; the text says why."""


class Loop:
    """One loop's blobs."""

    def __init__(self, storage: Storage, name: str, home: Home, initial: LoopConfig) -> None:
        self.storage, self.name, self.home, self._initial = storage, name, home, initial

    async def config(self) -> tuple[LoopConfig, str | None]:
        """The configuration and its ETag, which is None if nobody has configured the loop; raises Damaged."""
        found = await stored.read_config(self.storage, self.home)
        return found.value or self._initial, found.etag


@asynccontextmanager
async def blobs(data: Path | None, loop: str) -> AsyncIterator[Loop]:
    """The loop in the storage of a local run (`data`), or in that of the settings in the environment; TargetError."""
    async with _settings(data) as chosen, _credential(chosen) as credential:
        storage = Storage(chosen, credential)
        try:
            yield Loop(storage, loop, await _home(storage, loop), new_loop(chosen))
        finally:
            await storage.close()


@asynccontextmanager
async def _credential(chosen: Settings) -> AsyncIterator["AsyncTokenCredential | None"]:
    """The sign-in of whoever runs this: of the environment, a managed identity, the Azure CLI."""
    if chosen.storage_connection_string:
        yield None
        return
    from azure.identity.aio import DefaultAzureCredential

    async with DefaultAzureCredential() as credential:
        yield credential


@asynccontextmanager
async def _settings(data: Path | None) -> AsyncIterator[Settings]:
    if data is None:
        yield _loaded(os.environ)
        return
    data = _local(data)
    try:
        held = lock(data)
    except StartError:
        port = services.storage_port(data)
        if port is None:
            raise TargetError(f"{data} is in use and does not say where its storage is; start it again") from None
        yield _loaded({"STORAGE_CONNECTION_STRING": connection_string(port)})
        return
    with held:
        supervisor = Supervisor(PROJECT, data / "logs", held.fileno(), print)
        try:
            server = services.storage(data)
            await supervisor.start(server)
            yield _loaded(server.settings)
        except (StartError, InstallError) as error:
            raise TargetError(str(error)) from None
        finally:
            await supervisor.stop()


def _local(data: Path) -> Path:
    if not (data / "azurite").is_dir():
        raise TargetError(f"{data} is not the data folder of a local run; name the one that was given to make run")
    return data.resolve()


def _loaded(environment: Mapping[str, str]) -> Settings:
    unused = dict(_UNUSED)
    if environment.get("EVENT_HUBS_NAMESPACE"):
        del unused["EVENT_HUBS_CONNECTION_STRING"]
    try:
        return settings.load(unused | {name: value for name, value in environment.items() if value})
    except settings.SettingsError as error:
        raise TargetError(f"{error} Or name the data folder of a local run: --data .data") from None


async def _home(storage: Storage, loop: str) -> Home:
    registry = Registry(storage, Keys())
    try:
        await registry.refresh()
    except ValueError as error:
        raise TargetError(f"STORAGE_CONNECTION_STRING is malformed: {error}") from None
    created = registry.created(loop)
    if created is None:
        raise TargetError(f"There is no loop {loop}; make it first: PUT /loops/{loop} with an owner's key.")
    return home_of(loop, created)


class Api:
    """The administrators' operations of one loop, as an async context manager. Calls raise Refused."""

    def __init__(self, endpoint: str, key: str | None, loop: str) -> None:
        path = "" if loop == DEFAULT_LOOP else f"/loops/{loop}"
        key = key or os.environ.get("ADMIN_KEYS", "").partition(",")[0] or DEFAULTS["ADMIN_KEYS"]
        self._base = f"{endpoint.rstrip('/')}{path}/personalizer/{API_VERSION}/"
        self._session = ClientSession(
            headers={"Ocp-Apim-Subscription-Key": key}, timeout=ClientTimeout(TIMEOUT_SECONDS)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str) -> dict[str, Any]:
        return _object(await self._call("GET", path, None))

    async def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _object(await self._call("PUT", path, msgspec.json.encode(body)))

    async def send(self, path: str, data: bytes) -> None:
        await self._call("PUT", path, data)

    async def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        binary = path == "model"
        headers = {"Content-Type": "application/octet-stream" if binary else "application/json"}
        try:
            async with self._session.request(method, self._base + path, data=body, headers=headers) as response:
                answer = await response.read()
                if response.status >= 300:
                    raise Refused(f"{response.status} {_reason(answer)}")
                return answer
        except (ClientError, TimeoutError) as error:
            raise Refused(f"{self._base} does not answer: {error or type(error).__name__}") from None


def _object(answer: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError:
        raise Refused(f"not an answer of this service: {answer[:80]!r}") from None


class _Error(msgspec.Struct):
    code: str
    message: str


class _Answer(msgspec.Struct):
    error: _Error


def _reason(answer: bytes) -> str:
    try:
        error = msgspec.json.decode(answer, type=_Answer).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer[:200].decode(errors="replace").strip() or "without a reason"
    return f"{error.code}: {error.message}"
