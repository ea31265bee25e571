"""The command `import`: everything that was exported of a loop, in the order in which one part needs the other."""

import argparse
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import msgspec

from migration import documents, in_effect, logs, rehearsal, report
from migration.documents import UnusableDocument
from migration.logs import Destination
from migration.report import Section
from migration.target import Api, TargetError, blobs
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.config import Aggregation, LoopConfig, Policy


async def run(given: argparse.Namespace) -> int:
    """Imports and prints the report; the exit status."""
    named = given.service or given.policy or given.model or given.retention_days is not None
    if named and not given.endpoint and not given.dry_run:
        raise TargetError("Name the service to put it into: --endpoint http://127.0.0.1:7071 for a local run")
    async with AsyncExitStack() as stack:
        api = None
        if named and not given.dry_run:
            api = await stack.enter_async_context(Api(given.endpoint, given.key, given.loop))
        sections = await _sections(given, api, stack)
    print("\nDry run: nothing was changed.\n" if given.dry_run else "")
    report.show(sections)
    return int(any(section.failed for section in sections))


async def _sections(given: argparse.Namespace, api: Api | None, stack: AsyncExitStack) -> list[Section]:
    """The configuration first, because it says how long logs are kept; the model last, so that it is tried on them."""
    sections: list[Section] = []
    service = policy = None
    if given.service or given.retention_days is not None:
        service, section = await _service(given, api)
        sections.append(section)
    if given.policy:
        policy, section = await _policy(given.policy, api)
        sections.append(section)
    if given.logs:
        to = await _destination(given, service, policy, stack)
        asked = given.retention_days is not None
        sections.append(await logs.bring_in(given.logs, to, write=not given.dry_run, fallback=given.at, asked=asked))
    if given.model:
        sections.append(await _model(given.model, api, replace=given.replace_model))
    if api is not None:
        await in_effect.tell(api, sections, service)
    return sections


async def _service(given: argparse.Namespace, api: Api | None) -> tuple[dict[str, Any] | None, Section]:
    """The configuration, None if it is refused or would be."""
    try:
        content = documents.service(given.service, given.retention_days)
    except UnusableDocument as error:
        return None, _unusable(in_effect.SERVICE, given.service, error)
    section = await documents.put_service(api, content)
    if api is None:
        rehearsal.service(section, content)
    return None if section.failed else content, section


async def _policy(file: Path, api: Api | None) -> tuple[dict[str, Any] | None, Section]:
    try:
        content = documents.policy(file)
    except UnusableDocument as error:
        return None, _unusable(in_effect.POLICY, file, error)
    section = await documents.put_policy(api, content)
    if api is None:
        await rehearsal.policy(section, content)
    return content, section


async def _model(file: Path, api: Api | None, *, replace: bool) -> Section:
    try:
        data, rows = documents.model(file)
    except UnusableDocument as error:
        return _unusable("model", file, error)
    if api is not None and not replace and await _has_learned_here(api):
        kept = "kept the loop's own, which has learned here since it was made; --replace-model puts this one over it"
        return Section("model", kept, rows=rows)
    section = await documents.put_model(api, data, rows)
    if api is None:
        await rehearsal.model(section, data)
    return section


async def _has_learned_here(api: Api) -> bool:
    """True if the loop has learned since its first model: so repeating an import does not undo what came of it."""
    made = await api.get("model/properties")
    return made.get("creationTime") != made.get("lastModifiedTime")


def _unusable(title: str, file: Path, error: UnusableDocument) -> Section:
    return Section(title, f"{file} cannot be used: {error}", failed=True)


async def _destination(
    given: argparse.Namespace,
    service: dict[str, Any] | None,
    policy: dict[str, Any] | None,
    stack: AsyncExitStack,
) -> Destination:
    """Where logs go. A dry run takes the policy and the retention of the files named, for they are not in effect yet;
    without any storage it takes the loop for a new one."""
    storage, home, config = None, DEFAULT_HOME, LoopConfig()
    if given.data or _has_storage() or not given.dry_run:
        loop = await stack.enter_async_context(blobs(given.data, given.loop))
        (config, _), storage, home = await loop.config(), loop.storage, loop.home
    return Destination(storage, home, _as_named(config, service, policy) if given.dry_run else config)


def _as_named(config: LoopConfig, service: dict[str, Any] | None, policy: dict[str, Any] | None) -> LoopConfig:
    """What a configuration would be if the files named were put."""
    put = in_effect.known(service or {})
    how = put.get("rewardAggregation", config.aggregation)
    return msgspec.structs.replace(
        config,
        policy=Policy("named", policy["arguments"]) if policy else config.policy,
        retention_days=int(put.get("logRetentionDays", config.retention_days)),
        default_reward=float(put.get("defaultReward", config.default_reward)),
        aggregation=how.lower()
        if isinstance(how, str) and how.lower() in get_args(Aggregation)
        else config.aggregation,
    )


def _has_storage() -> bool:
    return any(os.environ.get(name) for name in ("STORAGE_CONNECTION_STRING", "STORAGE_ACCOUNT_URL"))
