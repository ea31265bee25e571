"""What pages of the dashboard cost: the server, bytes over the wire, first paint in a browser, and Rank beside them."""

import asyncio
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from shutil import which
from threading import Event, Thread
from typing import NamedTuple

import httpx
import msgspec

from benchmarks import client, command, hostile, load, models, parts, traffic
from benchmarks.figures import Figure, at_most
from benchmarks.host import Host
from benchmarks.summaries import START, decisions, summarised
from shared.loops import checkpoint, monitoring_names, stored, summary, summary_names
from shared.loops.blob_names import DEFAULT_HOME, home_of
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.config import DEFAULT_LOOP, LoopConfig
from shared.loops.registry import BLOB, LoopRecord
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.loops.summary_names import DAYS, HOURS
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.loop_round import LoopRound
from shared.storage import Storage
from shared.training import summary_merging

LOOPS, DAYS_READ, MADE = 100, 30, "2026-01-01T00:00:00Z"
OVERVIEW = f"/dashboard/loops/{DEFAULT_LOOP}?period=30d"
LARGEST_KB = 120.0
FIRST_PAINT = "performance.getEntriesByName('first-paint').map(one => one.startTime)[0] ?? null"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Size(NamedTuple):
    """times: that each page is asked for; decisions: of a day; seconds: a stream of ranks; pairs: of streams."""

    times: int
    decisions: int
    seconds: float
    pairs: int


async def _fill(storage: Storage, size: Size) -> list[str]:
    """Stores 30 days of a loop, up to the last whole hour, and headlines of 100; the blobs that its overview needs."""
    now = round(time.time() * 1000)
    end, made = now - now % HOUR_MS, summarised(decisions(size.decisions, DAY_MS // size.decisions))
    names = []
    for day in range(end - end % DAY_MS - DAYS_READ * DAY_MS, end, DAY_MS):
        whole = summary.Summary(
            stretches={at - START + day: slots for at, slots in made.stretches.items()},
            hours={at - START + day: hour for at, hour in made.hours.items()},
            features={at - START + day: sample for at, sample in made.features.items()},
        )
        if day + DAY_MS <= end:
            parts_of_day = [(DAYS, day, whole)]
        else:
            hours = range(day, end, HOUR_MS)
            parts_of_day = [(HOURS, hour, whole.within(hour, hour + HOUR_MS)) for hour in hours]
        for kind, at, one in parts_of_day:
            names.append(summary_names.rolled_up(DEFAULT_HOME, kind, at, Summarised()))
            await storage.put(names[-1], summary.encode(summary_merging.shown_by(one, kind)))
    await _commit(storage, end)
    await LoopRound(storage, DEFAULT_LOOP, DEFAULT_HOME, LoopConfig()).turn(Heartbeat(), now / 1000)
    loops = {f"loop-{number}": LoopRecord(MADE) for number in range(LOOPS - 1)}
    await storage.put(BLOB, msgspec.json.encode(loops))
    headline = await storage.read(monitoring_names.headline(DEFAULT_HOME))
    assert headline is not None
    for name in loops:
        await storage.put(monitoring_names.headline(home_of(name, MADE)), headline.data)
    about = [checkpoint.name, stored.config_name, monitoring_names.headline, monitoring_names.alarms]
    return [*(name(DEFAULT_HOME) for name in about), *names]


async def _commit(storage: Storage, cut: int) -> None:
    state = Checkpoint(cut=cut, summarised=Summarised())
    await storage.put(checkpoint.name(DEFAULT_HOME), checkpoint.encode(state))


async def _milliseconds(work: Awaitable[object]) -> float:
    begun = time.perf_counter()
    await work
    return (time.perf_counter() - begun) * 1e3


async def _served(environment: dict[str, str], url: str, size: Size) -> list[Figure]:
    storage = Storage(parts.settings(environment))
    blobs = await _fill(storage, size)
    headlines = [monitoring_names.headline(home_of(f"loop-{number}", MADE)) for number in range(LOOPS - 1)]
    now = round(time.time() * 1000)
    async with httpx.AsyncClient(base_url=url, timeout=60) as visitor:
        await _log_in(visitor, environment)
        ask = partial(_page, visitor)
        asked: dict[str, Callable[[], Awaitable[object]]] = {
            "after a run": partial(ask, OVERVIEW),
            "asked for again": partial(ask, OVERVIEW),
            "first": partial(ask, "/dashboard"),
            "blobs": lambda: asyncio.gather(*map(storage.read, blobs)),
            "headlines": lambda: asyncio.gather(*map(storage.read, headlines)),
        }
        found: dict[str, list[float]] = {name: [] for name in asked}
        for turn in range(size.times + 1):
            await _commit(storage, now - now % HOUR_MS + turn)
            for name, work in asked.items():
                found[name].append(await _milliseconds(work()))
        ms = {name: statistics.median(times[1:]) for name, times in found.items()}
        size_kb = await _wire(visitor)
    await storage.close()
    days = f"overview of {DAYS_READ} days"
    return [
        at_most(f"{days}, the first after a run / its blob reads", ms["after a run"], ms["blobs"], 2, "ms"),
        at_most(f"{days}, asked for again / its blob reads", ms["asked for again"], ms["blobs"], 2, "ms"),
        at_most(f"first page with {LOOPS} loops / their headline blobs", ms["first"], ms["headlines"], 2, "ms"),
        at_most(f"{days}, all over the wire / the bound", size_kb, LARGEST_KB, 1, "KB"),
    ]


async def _log_in(visitor: httpx.AsyncClient, environment: dict[str, str]) -> None:
    form = {"key": environment["ADMIN_KEYS"], "to": "/dashboard"}
    answer = await visitor.post("/dashboard/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303, answer.text


async def _page(visitor: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await visitor.get(path)
    answer.raise_for_status()
    return answer


def _assets(page: str) -> list[str]:
    """What a page loads: AssertionError without any, for every page has a style."""
    found = sorted(set(re.findall(r'"(/dashboard/assets/[^"]+)"', page)))
    assert found
    return found


async def _wire(visitor: httpx.AsyncClient) -> float:
    """KB of the bodies of the overview and of all that it loads, as they are sent."""
    page = (await _page(visitor, OVERVIEW)).text
    sent = 0
    for path in (OVERVIEW, *_assets(page)):
        async with visitor.stream("GET", path) as answer:
            answer.raise_for_status()
            sent += sum([len(piece) async for piece in answer.aiter_raw()])
    return sent / 1024


@contextmanager
def _static(pages: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """A server of these bodies by path, each with its type."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = pages.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def _painted(environment: dict[str, str], url: str, size: Size) -> list[Figure]:
    """First paint of the overview and of the same page as a file, in the same browser; nothing without a browser."""
    browser = next((path for name in BROWSERS if (path := which(name))), None)
    if browser is None:
        print("no browser, no first paint ...", end=" ", flush=True)
        return []
    from playwright.sync_api import sync_playwright

    with httpx.Client(base_url=url, timeout=60) as visitor, sync_playwright() as playwright:
        form = {"key": environment["ADMIN_KEYS"], "to": "/dashboard"}
        visitor.post("/dashboard/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        same = {OVERVIEW: ("text/html; charset=utf-8", visitor.get(OVERVIEW).content)}
        for path in _assets(visitor.get(OVERVIEW).text):
            answer = visitor.get(path)
            same[path] = (answer.headers["content-type"], answer.content)
        cookies = [{"name": name, "value": value, "url": url} for name, value in visitor.cookies.items()]
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        ours, theirs = list[float](), list[float]()
        with _static(same) as static:
            for _ in range(size.times + 1):
                for base, times in ((url, ours), (static, theirs)):
                    context = chromium.new_context()
                    context.add_cookies(cookies)  # type: ignore[arg-type]
                    page = context.new_page()
                    page.goto(base + OVERVIEW)
                    while (painted := page.evaluate(FIRST_PAINT)) is None:
                        page.wait_for_timeout(10)
                    times.append(painted)
                    context.close()
        chromium.close()
    paint = statistics.median(ours[1:]), statistics.median(theirs[1:])
    return [at_most("first paint of the overview / of the same page as a file", *paint, 2, "ms")]


@contextmanager
def _watching(environment: dict[str, str], url: str) -> Iterator[None]:
    """Somebody who loads the overview once a second."""
    ended = Event()

    def watch() -> None:
        with httpx.Client(base_url=url, timeout=60) as visitor:
            form = {"key": environment["ADMIN_KEYS"], "to": "/dashboard"}
            visitor.post("/dashboard/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
            while not ended.wait(1):
                visitor.get(OVERVIEW).raise_for_status()

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _ranked(environment: dict[str, str], host: Host, size: Size) -> list[Figure]:
    """Rank's p99 at 20 a second with somebody who watches and without, the median of the pairs."""
    requests = [client.rank(traffic.request(10, 5, seed)) for seed in range(50)]
    pairs = list[tuple[float, float]]()
    with load.generator() as users:

        def p99() -> float:
            latencies = users.submit(hostile.steady, host.port, requests, size.seconds).result()
            return latencies[len(latencies) * 99 // 100]

        p99()
        for _ in range(size.pairs):
            alone = p99()
            with _watching(environment, f"http://127.0.0.1:{host.port}"):
                pairs.append((p99(), alone))
    watched, alone = (statistics.median(column) for column in zip(*pairs, strict=True))
    one = at_most("rank at 20 a second, p99, overview once a second / without", watched, alone, 1.5, "ms", digits=2)
    ratio = statistics.median(with_it / without for with_it, without in pairs)
    return [one._replace(ratio=ratio, reached=ratio <= 1.5)]


def run(quick: bool = False) -> list[Figure]:
    size = Size(3, 500, 3, 1) if quick else Size(9, 2_000, 15, 5)
    with parts.servers() as environment:
        models.publish(environment)
        with Host(environment, "--http-only") as host:
            url = f"http://127.0.0.1:{host.port}"
            pages = [*asyncio.run(_served(environment, url, size)), *_painted(environment, url, size)]
            return [*pages, *_ranked(environment, host, size)]


if __name__ == "__main__":
    command.main("dashboard", __doc__, run)
