import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.host import courtesy, request_body
from local.host.http_trigger import HttpFunction, HttpTriggers
from local.host.invocation import Function
from local.host.routes import Route
from local.services import free_port

PROJECT = Path(__file__).parents[3]

APP = """
import asyncio, json, sys, threading

@app.route(route="echo/{id?}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = {
        "method": req.method, "url": req.url, "headers": dict(req.headers), "query": dict(req.params),
        "route": dict(req.route_params), "body": len(req.get_body()),
        "invocation": context.invocation_id, "function": context.function_name,
        "trace": context.trace_context.trace_parent, "thread": threading.current_thread() is threading.main_thread(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"X-One": "1"})

@app.route(route="sync")
def sync(req: func.HttpRequest) -> str:
    return str(threading.current_thread() is threading.main_thread())

@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    print("slow has begun", file=sys.stderr, flush=True)
    await asyncio.sleep(1)
    return "done"

together = threading.Barrier(5)

@app.route(route="blocking")
def blocking(req: func.HttpRequest) -> str:
    together.wait(30)
    return "done"

@app.route(route="result/{kind}")
async def result(req: func.HttpRequest):
    match req.route_params["kind"]:
        case "none": return None
        case "text": return "é"
        case "bytes": return b"\\x00"
        case "dict": return {"status": 200}
        case "error": raise RuntimeError("the handler's own words")
        case "empty": return func.HttpResponse(status_code=204)
        case "created": return func.HttpResponse("{}", status_code=201, headers={"Content-Type": "a/b"})

@app.route(route="function", auth_level=func.AuthLevel.FUNCTION)
async def function_level(req: func.HttpRequest) -> str:
    return "in"

@app.route(route="admin_level", auth_level=func.AuthLevel.ADMIN)
async def admin_level(req: func.HttpRequest) -> str:
    return "in"

@app.route()
async def NamedByFunction(req: func.HttpRequest) -> str:
    return "in"

@app.route(route="off")
async def off(req: func.HttpRequest) -> str:
    return "in"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app with space")


@pytest.fixture(scope="module")
def client(serve: Callable, folder: Path) -> Iterator[httpx.Client]:
    settings = {"FUNCTIONS_HOST_KEYS": "one,two", "FUNCTIONS_MASTER_KEYS": "master", "AzureWebJobs.off.Disabled": "1"}
    with serve(folder, APP, "--http-only", prefix="api", **settings) as client:
        yield client


def speak(client: httpx.Client, text: str, until: bytes = b"") -> bytes:
    """Send raw text and read until the peer closes, or until `until` has come."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(text.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if until and until in answer:
                break
    return answer


def test_a_request_arrives_as_the_python_worker_would_build_it(client: httpx.Client) -> None:
    headers = {"X-Mixed-Case": "a", "traceparent": "00-ab-cd-01"}
    seen = client.post("/api/echo/a%2Fb%20%C3%A9?x=1&X-y=%20", content=b"12345", headers=headers).json()
    assert seen["method"] == "POST"
    assert seen["url"] == f"{client.base_url}/api/echo/a%2Fb%20%C3%A9?x=1&X-y=%20"
    assert seen["route"] == {"id": "a%2Fb é"}
    assert seen["headers"]["x-mixed-case"] == "a"
    assert seen["query"] == {"x": "1", "X-y": " "}
    assert seen["body"] == 5
    assert seen["trace"] == "00-ab-cd-01"
    assert seen["function"] == "echo"
    assert re.fullmatch(r"[0-9a-f-]{36}", seen["invocation"])
    assert seen["thread"]


def test_each_invocation_has_its_own_id(client: httpx.Client) -> None:
    assert len({client.get("/api/echo").json()["invocation"] for _ in range(3)}) == 3


def test_empty_query_values_are_dropped_and_repeated_ones_joined(client: httpx.Client) -> None:
    assert client.get("/api/echo?a=&b=1&b=2&c").json()["query"] == {"b": "1,2"}


def test_repeated_headers_arrive_as_one_string(client: httpx.Client) -> None:
    seen = client.get("/api/echo", headers=[("a", "1"), ("A", "2")]).json()
    assert seen["headers"]["a"] == "1,2"


def test_a_chunked_body_arrives_empty(client: httpx.Client) -> None:
    seen = client.post("/api/echo", content=iter([b"12", b"345"])).json()
    assert seen["body"] == 0
    assert seen["headers"]["transfer-encoding"] == "chunked"


def test_a_connection_outlives_an_unread_chunked_body(client: httpx.Client) -> None:
    request = "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    answer = speak(client, request + "GET /api/sync HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"False")


def test_a_large_body_arrives_whole(client: httpx.Client) -> None:
    assert client.post("/api/echo", content=b"x" * 3_000_000).json()["body"] == 3_000_000


def test_a_client_that_goes_on_sending_for_a_while_sees_its_refusal(client: httpx.Client) -> None:
    request = "POST /api/function HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(request.encode())
        for _ in range(5):  # a connection that was closed would be reset by the first, and break at the second
            time.sleep(0.05)
            connection.sendall(bytes(10_000))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"\r\nconnection: close\r\n" in answer


def test_a_body_over_the_limit_is_refused_before_it_is_sent(client: httpx.Client) -> None:
    request = "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857601\r\n\r\n"
    assert speak(client, request, until=b"\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_a_body_that_breaks_off_calls_no_handler(client: httpx.Client, folder: Path) -> None:
    before = (folder / "stderr").read_text()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(b"POST /api/result/error HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
    client.get("/api/sync")
    assert (folder / "stderr").read_text() == before


def test_a_request_that_is_not_http_is_answered_with_400(client: httpx.Client) -> None:
    assert speak(client, "NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/echo"),
        ("GET", "/api/nothing"),
        ("GET", "/echo"),
        ("GET", "/api/echo/a/b"),
        ("GET", "/api/off"),
        ("POST", "/"),
    ],
)
def test_what_no_function_answers_is_404_without_a_body(client: httpx.Client, method: str, path: str) -> None:
    answer = speak(client, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(b"content-length: 0\r\nconnection: close\r\n\r\n")


@pytest.mark.parametrize("path", ["/API/Echo/x", "/api/namedbyfunction", "/api/sync/", "//api/sync", "/api//sync"])
def test_a_route_ignores_case_a_last_slash_and_doubled_ones(client: httpx.Client, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert speak(client, request).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "body"),
    [
        ("none", 200, None, b""),
        ("text", 200, "text/plain; charset=utf-8", "é".encode()),
        ("bytes", 200, "application/octet-stream", b"\x00"),
        ("dict", 500, None, b""),
        ("error", 500, None, b""),
        ("empty", 204, "text/plain; charset=utf-8", b""),
        ("created", 201, "a/b", b"{}"),
    ],
)
def test_what_a_handler_returns_is_what_is_sent(
    client: httpx.Client, kind: str, status: int, content_type: str | None, body: bytes
) -> None:
    response = client.get(f"/api/result/{kind}")
    assert (response.status_code, response.headers.get("content-type"), response.content) == (
        status,
        content_type,
        body,
    )
    assert ("content-length" in response.headers) == (status != 204)


def test_headers_of_an_answer_are_in_lower_case(client: httpx.Client) -> None:
    answer = speak(client, "GET /api/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"\r\nx-one: 1\r\n" in answer


def test_an_unhandled_error_is_told_on_stderr_only(client: httpx.Client, folder: Path) -> None:
    client.get("/api/result/error")
    told = [json.loads(line) for line in (folder / "stderr").read_text().splitlines()]
    failed = [line for line in told if line["message"] == "function result failed"]
    assert {line["level"] for line in failed} == {"ERROR"}
    assert failed[-1]["trace"].startswith("Traceback")
    assert "RuntimeError: the handler's own words" in failed[-1]["trace"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/function", {}, 401),
        ("/api/function", {"x-functions-key": "wrong"}, 401),
        ("/api/function", {"x-functions-key": "two"}, 200),
        ("/api/function", {"X-Functions-Key": "master"}, 200),
        ("/api/function?code=one", {}, 200),
        ("/api/function?code=one", {"x-functions-key": "wrong"}, 401),
        ("/api/admin_level?code=one", {}, 401),
        ("/api/admin_level?code=master", {}, 200),
        ("/api/nothing", {}, 404),
    ],
)
def test_a_key_is_asked_for_as_the_auth_level_says(client: httpx.Client, path: str, headers: dict, status: int) -> None:
    response = client.get(path, headers=headers)
    assert response.status_code == status
    assert (response.content == b"") == (status != 200)


def test_the_hosts_own_pages(client: httpx.Client) -> None:
    assert "Functions" in client.get("/").text
    assert client.get("/admin/host/status").status_code == 401
    assert client.get("/admin/host/status?code=master").json()["state"] == "Running"
    assert client.get("/admin/elsewhere?code=master").status_code == 404


def test_sync_handlers_run_beside_each_other_in_threads(client: httpx.Client) -> None:
    assert client.get("/api/sync").text == "False"
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: httpx.get(f"{client.base_url}/api/blocking", timeout=60).text, range(5)))
    assert answers == ["done"] * 5


def test_sigterm_lets_a_request_finish(serve: Callable, tmp_path: Path) -> None:
    with serve(tmp_path, APP, "--http-only") as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.get, f"{client.base_url}/slow")
        lines_of(tmp_path / "stderr", 1)
        os.kill(int(client.headers["x-pid"]), signal.SIGTERM)
        assert answer.result().text == "done"


TIMERS = """
import asyncio, pathlib, time
ran = pathlib.Path(__file__).with_name("ran")
busy = 0

@app.timer_trigger(schedule="%EVERY%", arg_name="tick")
{define} train(tick: func.TimerRequest, context: func.Context) -> None:
    global busy
    busy += 1
    with ran.open("a") as file:
        file.write(f"{{busy}} {{tick.past_due}} {{context.function_name}} {{tick.schedule_status['Next']}}\\n")
    {nap}(1.5)
    busy -= 1
    raise RuntimeError("a failed run")

@app.route(route="hello")
async def hello(req: func.HttpRequest) -> str:
    return "hello"
"""


ASYNC_TIMERS = TIMERS.format(define="async def", nap="await asyncio.sleep")


def lines_of(path: Path, count: int) -> list[str]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return lines
        time.sleep(0.05)
    raise AssertionError(f"{path} has not got {count} lines")


@pytest.mark.parametrize(("define", "nap"), [("async def", "await asyncio.sleep"), ("def", "time.sleep")])
def test_a_timer_runs_alone_and_survives_failures(serve: Callable, tmp_path: Path, define: str, nap: str) -> None:
    with serve(tmp_path, TIMERS.format(define=define, nap=nap), "--timers-only", EVERY="* * * * * *") as client:
        lines = lines_of(tmp_path / "ran", 3)
        assert client.get("/hello").status_code == 404
    assert [line.split()[:3] for line in lines] == [["1", "False", "train"]] * len(lines)
    assert (tmp_path / "stderr").read_text().count("RuntimeError: a failed run") >= 2


def test_a_timer_can_be_started_by_hand(serve: Callable, tmp_path: Path) -> None:
    with serve(tmp_path, ASYNC_TIMERS, EVERY="0 0 0 1 1 *", FUNCTIONS_MASTER_KEYS="master") as client:
        assert client.get("/hello").text == "hello"
        key = {"x-functions-key": "master"}
        assert client.post("/admin/functions/Train", headers=key).status_code == 202
        assert client.post("/admin/functions/train", headers=key).status_code == 202
        assert client.post("/admin/functions/hello", headers=key).status_code == 404
        for refused in ({}, {"x-functions-key": "other"}):
            assert client.post("/admin/functions/train", headers=refused).status_code == 401
        lines = lines_of(tmp_path / "ran", 2)
    assert [line.split()[0] for line in lines] == ["1", "1"]


def test_http_only_runs_no_timer(serve: Callable, tmp_path: Path) -> None:
    with serve(tmp_path, ASYNC_TIMERS, "--http-only", EVERY="* * * * * *", FUNCTIONS_MASTER_KEYS="m") as client:
        assert client.post("/admin/functions/train?code=m").status_code == 404


def test_without_master_keys_nobody_starts_timers(serve: Callable, tmp_path: Path) -> None:
    with serve(tmp_path, ASYNC_TIMERS, EVERY="0 0 0 1 1 *") as client:
        assert client.post("/admin/functions/train").status_code == 401
        assert client.post("/admin/functions/train?code=").status_code == 401


@pytest.mark.parametrize(("host", "status"), [
    ("localhost:7071", 200), ("LOCALHOST", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("tunnel.example:443", 200),
    ("evil.example", 421), ("127.0.0.1.evil.example:7071", 421), ("localhost:evil", 421), ("", 421),
])  # fmt: skip
def test_only_who_calls_this_machine_by_its_own_name_is_served(
    serve: Callable, tmp_path: Path, host: str, status: int
) -> None:
    with serve(tmp_path, ASYNC_TIMERS, EVERY="0 0 0 1 1 *", FUNCTIONS_HOST_NAMES="tunnel.example") as client:
        assert client.get("/hello", headers={"Host": host}).status_code == status


def test_a_body_that_does_not_come_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "SECONDS", 0.05)
    monkeypatch.setattr(request_body, "LINGERING_SECONDS", 0.05)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError("it was waited for")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def handler(req: object) -> None:
        raise AssertionError("it was called")

    function = HttpFunction(Function("echo", handler, "req", ThreadPoolExecutor(1)), "anonymous")
    triggers = HttpTriggers([Route("echo", None, function)])
    scope = {"type": "http", "method": "POST", "raw_path": b"/echo", "query_string": b"", "scheme": "http"}
    asyncio.run(triggers(scope | {"headers": [(b"host", b"localhost"), (b"content-length", b"9")]}, receive, send))
    assert [message.get("status") for message in sent] == [408, None, None]
    assert [message.get("more_body", False) for message in sent] == [False, True, False]
    assert (b"connection", b"close") in sent[0]["headers"]


HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("", "must hold exactly one FunctionApp, it holds 0"),
        (HEAD + "other = func.FunctionApp()", "it holds 2"),
        (HEAD + "@app.timer_trigger(schedule='%GONE%', arg_name='t')\ndef t(t): ...", "the setting GONE is not set"),
        (HEAD + "@app.timer_trigger(schedule='* *', arg_name='t')\ndef t(t): ...", "2 fields"),
        (HEAD + "@app.route(route='{x')\ndef t(req): ...", "the route segment {x"),
    ],
)
def test_an_app_that_cannot_be_served_is_refused(tmp_path: Path, source: str, complaint: str) -> None:
    script = tmp_path / "function_app.py"
    script.write_text(source)
    result = host_command("--port", "0", "--app", str(script))
    assert result.returncode == 1
    assert "cannot start" in result.stderr
    assert complaint in result.stderr


def test_a_missing_script_and_a_taken_port_are_told(client: httpx.Client, tmp_path: Path) -> None:
    missing = host_command("--port", "0", "--app", str(tmp_path / "none.py"))
    assert missing.returncode == 1
    assert "--app" in missing.stderr
    taken = host_command("--port", str(client.base_url.port))
    assert taken.returncode == 1
    assert "choose another with --port" in taken.stderr


def test_a_port_that_others_take_while_the_app_is_loaded_is_told(tmp_path: Path) -> None:
    source = """import socket
import sys
other = socket.socket()
other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
other.bind(("127.0.0.1", int(sys.argv[2])))
other.listen()
"""
    script = tmp_path / "function_app.py"
    script.write_text(source + HEAD)
    result = host_command("--port", str(free_port()), "--app", str(script))
    assert result.returncode == 1
    assert "cannot start: its port: Address already in use; choose another with --port" in result.stderr


def host_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.host", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_option() -> None:
    text = host_command("--help").stdout
    assert all(option in text for option in ("--port", "--app", "--http-only", "--timers-only", "FUNCTIONS_HOST_KEYS"))


def test_sigterm_ends_with_status_0(serve: Callable, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.host", "--port", "0", "--app", str(tmp_path / "function_app.py")]
    (tmp_path / "function_app.py").write_text("import azure.functions as f\napp = f.FunctionApp()\n")
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert json.dumps(process.stdout.readline()).startswith('"ready: http://127.0.0.1:')
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system binds no process to cores")
def test_a_host_that_gives_way_leaves_a_core_to_others(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import azure.functions as f\napp = f.FunctionApp()\n")
    command = [sys.executable, "-m", "local.host", "--nice", "--port", "0", "--app", str(tmp_path / "function_app.py")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("ready")
        threads = map(int, os.listdir(f"/proc/{process.pid}/task"))
        bound = {frozenset(os.sched_getaffinity(thread)) for thread in threads}
        niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
        process.terminate()
    first, *others = sorted(os.sched_getaffinity(0))
    assert bound == {frozenset(others or [first])}
    assert niceness == min(19, os.getpriority(os.PRIO_PROCESS, 0) + courtesy.NICENESS)
