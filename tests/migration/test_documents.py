"""Exported configuration, policy and model: what is in effect, what is not, and what was refused is told."""

import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from harness.exports import POLICY, SERVICE, write
from harness.migration import Aside, Done, run
from harness.system import PROJECT, System

from migration import documents, in_effect
from shared.admin.configuration_body import ServiceConfiguration

MODEL = (PROJECT / "tests" / "data" / "vw-9.1.0.vw").read_bytes()


@pytest.fixture
def endpoint(system: System) -> str:
    return system.url


def file(folder: Path, content: object) -> Path:
    if isinstance(content, bytes):
        (folder / "file").write_bytes(content)
        return folder / "file"
    return write(folder / "file.json", [content])


def row(done: Done, member: str) -> str:
    """The line of the report about a member."""
    return next(line for line in done.stdout.splitlines() if line.strip().startswith(member))


def test_a_service_configuration_is_put(system: System, aside: Aside, tmp_path: Path) -> None:
    exported = file(tmp_path, SERVICE)
    done = aside.run("import", "--endpoint", system.url, "--service", exported, "--retention-days", "30")
    with system.client(aside.settings["ADMIN_KEYS"]) as admin:
        configuration = admin.get("configurations/service").json()
    system.configure()
    assert done.status == 0, done.stdout
    assert configuration["rewardWaitTime"] == "PT10M"
    assert configuration["modelExportFrequency"] == "PT5M"
    assert configuration["logRetentionDays"] == 30
    assert "skipped: no member of the API" in row(done, "latencyMode")
    assert row(done, "rewardWaitTime").split() == ["rewardWaitTime", "00:10:00"]


def test_members_that_are_not_exported_stay_as_they_were(system: System, aside: Aside, tmp_path: Path) -> None:
    done = aside.run("import", "--endpoint", system.url, "--service", file(tmp_path, {"defaultReward": 0.5}))
    with system.client(aside.settings["ADMIN_KEYS"]) as admin:
        configuration = admin.get("configurations/service").json()
    system.configure()
    assert (configuration["defaultReward"], configuration["rewardWaitTime"]) == (0.5, "PT2S")
    assert "not exported; in effect here" in row(done, "rewardWaitTime")


@pytest.mark.parametrize(
    ("option", "content", "reason"),
    [
        ("--service", {"defaultReward": 5}, "refused: 400 InvalidServiceConfiguration"),
        ("--service", {"rewardWaitTime": "P3D"}, "refused: 400 InvalidRewardWaitTime"),
        ("--service", {"rewardWaitTime": "soon"}, "is not a duration"),
        ("--service", {"logRetentionDays": "many"}, "logRetentionDays must be a whole number."),
        (
            "--service",
            {"rewardWaitTime": "soon", "defaultReward": 5, "logRetentionDays": None, "learningMode": "off"},
            "2 faults: rewardWaitTime: 'soon' is not a duration; write ISO 8601 such as PT10M, or hh:mm:ss. "
            "defaultReward must be at most 1.",
        ),
        ("--service", POLICY, "no ServiceConfiguration"),
        ("--service", "[]", "not a JSON object"),
        ("--policy", SERVICE, "no PolicyContract"),
        ("--policy", POLICY | {"arguments": "--cb_explore_adf -f /tmp/x"}, "refused: 4"),
        ("--service", SERVICE | {"RewardWaitTime": "00:20:00"}, "rewardWaitTime is given more than once"),
        ("--policy", POLICY | {"Name": "other"}, "name is given more than once"),
        ("--model", "hello", "neither a model of VW nor a zip"),
        ("--model", MODEL[:-1], "truncated"),
    ],
)
def test_what_is_wrong_is_told(
    endpoint: str, aside: Aside, tmp_path: Path, option: str, content: object, reason: str
) -> None:
    done = aside.run("import", "--endpoint", endpoint, "--replace-model", option, file(tmp_path, content))
    assert (done.status, reason in done.stdout) == (1, True), done.stdout
    dry = run("import", "--dry-run", option, file(tmp_path, content))
    assert (dry.status, reason in dry.stdout) == (1, True), dry.stdout


def test_a_key_that_is_not_valid_is_told(endpoint: str, aside: Aside, tmp_path: Path) -> None:
    done = aside.run("import", "--endpoint", endpoint, "--key", "wrong", "--service", file(tmp_path, SERVICE))
    assert (done.status, "refused: 401 Unauthorized" in done.stdout) == (1, True), done.stdout


def test_a_service_that_does_not_answer_is_told(aside: Aside, tmp_path: Path) -> None:
    done = aside.run("import", "--endpoint", "http://127.0.0.1:9", "--service", file(tmp_path, SERVICE))
    assert (done.status, "does not answer" in done.stdout) == (1, True), done.stdout
    unnamed = aside.run("import", "--service", file(tmp_path, SERVICE))
    assert (unnamed.status, "--endpoint" in unnamed.stderr) == (1, True)


def test_a_zip_without_a_signature_is_told(endpoint: str, aside: Aside, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("model.vw", b"hello")
    (tmp_path / "model.zip").write_bytes(packed.getvalue())
    done = aside.run("import", "--endpoint", endpoint, "--replace-model", "--model", tmp_path / "model.zip")
    assert (done.status, "lacks signer.der, sha512_signature.bin" in done.stdout) == (1, True), done.stdout


def test_a_dry_run_needs_no_service(tmp_path: Path) -> None:
    done = run("import", "--dry-run", "--service", file(tmp_path, SERVICE), "--retention-days", "-1")
    assert done.status == 0, done.stderr
    assert row(done, "logRetentionDays").split() == ["logRetentionDays", "-1"]
    assert json.dumps(SERVICE["defaultReward"]) in row(done, "defaultReward")


def test_what_the_policy_and_the_model_decide_anew_is_told(system: System, aside: Aside, tmp_path: Path) -> None:
    exported = write(tmp_path / "service.json", [{"explorationPercentage": 0.3, "defaultReward": 0.25}])
    policy = write(tmp_path / "policy.json", [{"name": "own", "arguments": "--cb_explore_adf --epsilon 0.1 --cover 2"}])
    (tmp_path / "model.vw").write_bytes(MODEL)
    parts = ("--service", exported, "--policy", policy)
    done = aside.run("import", "--endpoint", system.url, *parts)
    model = ("--model", tmp_path / "model.vw")
    with_model = aside.run("import", "--endpoint", system.url, *parts, *model, "--replace-model")
    with system.client(aside.settings["ADMIN_KEYS"]) as admin:
        arguments = admin.get("configurations/policy").json()["arguments"]
        again = aside.run("import", "--endpoint", system.url, *parts)
        admin.delete("configurations/policy")
        admin.delete("model")
    system.configure()
    assert "1 member in effect, 1 not" in done.stdout
    assert "the policy's --epsilon decides; in effect: 0.1" in row(done, "explorationPercentage")
    assert "learning policy: in effect" in done.stdout
    assert "learning policy: replaced by what the model says" in with_model.stdout, with_model.stdout
    assert "is replaced by one that learns the log anew; the log has about" in row(again, "the loop's model")
    assert "learning policy: in effect" in again.stdout
    assert row(with_model, "in effect").split(maxsplit=2) == ["in", "effect", arguments]


def test_what_gives_access_to_a_storage_account_is_not_shown(system: System, aside: Aside, tmp_path: Path) -> None:
    exported = file(tmp_path, {"logMirrorSasUri": "https://old.blob.core.windows.net/logs?sp=rwl&sig=secret"})
    for options in (("--dry-run",), ("--endpoint", system.url)):
        done = aside.run("import", *options, "--service", exported)
        assert "https://old.blob.core.windows.net/logs?..." in row(done, "logMirrorSasUri")
        assert "secret" not in done.stdout
    system.configure()
    with system.client(aside.settings["ADMIN_KEYS"]) as admin:
        admin.put("configurations/service", json=admin.get("configurations/service").json() | {"logMirrorSasUri": ""})


def test_exports_that_begin_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    exported = tmp_path / "policy.json"
    exported.write_text(json.dumps(POLICY), encoding="utf-8-sig")
    done = run("import", "--dry-run", "--policy", exported)
    assert (done.status, "learning policy: to be put" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_documents_are_read_in_every_encoding_that_shows_itself(tmp_path: Path, encoding: str) -> None:
    named = tmp_path / "policy.json"
    named.write_bytes(json.dumps(POLICY | {"name": "Århus 😀"}, ensure_ascii=False).encode(encoding))
    assert documents.policy(named) == POLICY | {"name": "Århus 😀"}


def test_a_document_in_another_encoding_says_which_one_is_taken(tmp_path: Path) -> None:
    named = tmp_path / "policy.json"
    named.write_bytes(json.dumps(POLICY | {"name": "Århus"}, ensure_ascii=False).encode("latin-1"))
    with pytest.raises(documents.UnusableDocument, match=r"not in UTF-8: .*; save it in UTF-8"):
        documents.policy(named)


def test_members_are_read_in_any_case(system: System, aside: Aside, tmp_path: Path) -> None:
    exported = file(tmp_path, {"ReWardWaitTime": "00:20:00", "DefaultReward": 0.5, "LatencyMode": "Fast"})
    policy = write(tmp_path / "policy.json", [{"Name": "own", "Arguments": POLICY["arguments"]}])
    done = aside.run("import", "--endpoint", system.url, "--service", exported, "--policy", policy)
    with system.client(aside.settings["ADMIN_KEYS"]) as admin:
        configuration, put = admin.get("configurations/service").json(), admin.get("configurations/policy").json()
        admin.delete("configurations/policy")
    system.configure()
    assert done.status == 0, done.stdout
    assert (configuration["rewardWaitTime"], configuration["defaultReward"]) == ("PT20M", 0.5)
    assert put["name"] == "own"
    assert row(done, "rewardWaitTime").split() == ["rewardWaitTime", "00:20:00"]
    assert "skipped: no member of the API" in row(done, "LatencyMode")


def test_a_damaged_zip_of_a_model_says_so(tmp_path: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in documents.SIGNED_MODEL:
            archive.writestr(name, random.Random(name).randbytes(2_000).hex())
    exported = tmp_path / "model.zip"
    for place in range(60, 1_500, 7):
        damaged = bytearray(target.getvalue())
        damaged[place] ^= 0xFF
        exported.write_bytes(damaged)
        with pytest.raises(documents.UnusableDocument, match=r"the zip is damaged|neither a model of VW"):
            documents.model(exported)


def test_the_members_that_are_imported_are_those_of_the_api() -> None:
    assert set(in_effect.MEMBERS) == {field.alias for field in ServiceConfiguration.model_fields.values()}


def test_what_is_told_to_be_without_effect_is_what_the_api_says_so_of() -> None:
    fields = ServiceConfiguration.model_fields.values()
    assert set(in_effect.IDLE) == {field.alias for field in fields if "without effect" in (field.description or "")}
