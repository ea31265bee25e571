"""The commands over a log of decisions about several slots."""

import json
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean

import pytest
from harness import slot_logs
from harness.evaluation import run
from harness.logs import encoded, log

from shared.vw import dsjson

SQUARE = "square=--ccb_explore_adf --squarecb --gamma_scale 30 -q ::"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "slots.dsjson"
    lines = [dsjson.encode(one) for one in slot_logs.log(900)]
    damaged = lines[450][:150] + b"\n"
    file.write_bytes(
        b"".join(lines[:450]) + damaged + encoded(log(5)).replace(b"e0000", b"single") + b"".join(lines[450:])
    )
    return file


def test_policies_are_compared_in_all_and_by_slot(file: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"out.{name}" for name in ("json", "html", "events")}
    wanted = [text for name, one in files.items() for text in (f"--{name}", one)]
    done = run("compare", "--log", file, "--policy", "multi-slot", "--policy", SQUARE, "--workers", "2", *wanted)
    assert done.status == 0, done.stderr
    assert "900 decisions from" in done.stdout
    assert "By slot:" in done.stdout
    assert "If what a slot earns depended on its own action alone: 0." in done.stdout
    assert "In each slot its baseline action" in done.stdout
    assert "5 events: of one slot, unlike the policies" in done.stdout
    assert "1 events: not JSON" in done.stdout
    found = json.loads(files["json"].read_bytes())
    policies = {one["name"]: one for one in found["policies"]}
    assert set(policies) == {"Online", "Baseline1", "BaselineRand", "multi-slot", "square"}
    assert [one["slot"] for one in found["slots"]] == ["top"] * 5 + ["side"] * 5
    assert policies["multi-slot"]["value"] > policies["Online"]["upper"]
    told = [json.loads(line) for line in files["events"].read_bytes().splitlines()]
    mine = [one for one in told if one["policy"] == "square"]
    weights = [one["p_eval"] / one["p_log"] for one in mine]
    earned = fmean(
        (weights[at] * mine[at]["reward"] + weights[at] * weights[at + 1] * mine[at + 1]["reward"]) / 2
        for at in range(0, len(mine), 2)
    )
    assert earned == pytest.approx(policies["square"]["ips"])
    page = HTMLParser()
    page.feed(files["html"].read_text())
    assert "By slot" in files["html"].read_text()


def test_one_worker_and_two_give_the_same_bits(file: Path, tmp_path: Path) -> None:
    one, two = (run("compare", "--log", file, "--workers", n, "--json", tmp_path / n) for n in ("1", "2"))
    assert (one.status, two.status) == (0, 0), one.stderr + two.stderr
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["compare", "--policy", "default"], "default decides about one slot"),
        (["compare", "--doubly-robust"], "leave out --doubly-robust"),
        (["optimise"], "only policies that are named are compared"),
        (["features"], "Features cannot be judged"),
        (["explore"], "on decisions about one slot alone"),
    ],
)
def test_what_is_done_for_one_slot_alone_is_said(command: list[str], said: str, file: Path) -> None:
    done = run(*command, "--log", file)
    assert (done.status, done.stdout) == (1, "")
    assert said in done.stderr
