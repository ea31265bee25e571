"""Export, import and end of a model, over HTTP, against the whole service."""

import base64
import io
import subprocess
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import vowpalwabbit
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.system import ADMIN_KEY, CONFIGURATION, System, wait_until

from shared.admin import signing
from shared.vw import model_header

DATA = Path(__file__).parents[1] / "data"
EXPORTED = (DATA / "vw-9.1.0.vw").read_bytes()
# It prefers a in the morning, and b or c at night.
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abc"]
EXAMPLES = 400
HISTORIC = "--cb_explore_adf --epsilon 0.2 --power_t 0 -l 0.001 --cb_type mtr -q ::"


@pytest.fixture(scope="module")
def stranger() -> rsa.RSAPrivateKey:
    """The key of a signer that nobody has listed."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def loop(system: System) -> Iterator[httpx.Client]:
    """An administrator's client of a new loop."""
    name, headers = f"model-{uuid.uuid4().hex[:8]}", {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    url = f"{system.url}/loops/{name}"
    assert httpx.put(url, headers=headers, timeout=30).status_code == 201
    with httpx.Client(base_url=f"{url}/personalizer/v1.1-preview.3/", headers=headers, timeout=60) as client:
        assert client.put("configurations/service", json=CONFIGURATION).status_code == 200
        yield client
    assert httpx.delete(url, headers=headers, timeout=30).status_code == 204


@pytest.fixture
def default(configured: System) -> Iterator[httpx.Client]:
    """An administrator's client of the loop default, which is left without model and policy of its own."""
    with configured.client(ADMIN_KEY) as client:
        yield client
        assert client.delete("model").status_code == 204
        assert client.delete("configurations/policy").status_code == 200


def probabilities(loop: httpx.Client, time: str = "morning", event_id: str | None = None) -> dict[str, float]:
    body = {"actions": ACTIONS, "contextFeatures": [{"time": time}], "eventId": event_id}
    answer = loop.post("rank", json=body)
    assert answer.status_code == 201, answer.text
    return {one["id"]: round(one["probability"], 4) for one in answer.json()["ranking"]}


def learn(loop: httpx.Client) -> str:
    """Waits until the loop has a new model; when that was made."""
    before = loop.get("model/properties").json()["lastModifiedTime"]

    def learned() -> bool:
        event = str(uuid.uuid4())
        probabilities(loop, event_id=event)
        assert loop.post(f"events/{event}/reward", json={"value": 1}).status_code == 204
        return bool(loop.get("model/properties").json()["lastModifiedTime"] != before)

    wait_until(learned, "a new model")
    made: str = loop.get("model/properties").json()["lastModifiedTime"]
    return made


def examples(model: bytes) -> float:
    """How many a model has learned."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(model)
        file.flush()
        workspace = vowpalwabbit.Workspace(arg_list=["-i", file.name, "--preserve_performance_counters", "--quiet"])
        count: float = workspace.get_weighted_examples()
        workspace.finish()
        return count


def code(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    text: str = answer.json()["error"]["code"]
    return text


def test_an_untrained_model_is_exported_and_may_be_imported(loop: httpx.Client) -> None:
    answer = loop.get("model")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert model_header.read(answer.content).version
    assert parsedate_to_datetime(answer.headers["last-modified"]).year == 1970
    assert loop.put("model", content=loop.get("model?signed=true").content).status_code == 204
    assert loop.get("model/properties").json().keys() == {"creationTime", "lastModifiedTime"}
    assert probabilities(loop).keys() == set("abc")


@pytest.mark.parametrize("query", ["", "?signed=false", "?signed=True"])
def test_head_tells_age_and_size(loop: httpx.Client, query: str) -> None:
    loop.put("model", content=loop.get("model?signed=TRUE").content)
    head, got = loop.head(f"model{query}"), loop.get(f"model{query}")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("last-modified", "content-length", "content-type"):
        assert head.headers[name] == got.headers[name]
    assert int(head.headers["content-length"]) == len(got.content)
    assert parsedate_to_datetime(head.headers["last-modified"]).year > 2000


def test_signed_is_true_or_false(loop: httpx.Client) -> None:
    assert code(loop.get("model?signed=perhaps")) == "InvalidRequest"


def test_openssl_verifies_the_signature(loop: httpx.Client, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(loop.get("model?signed=true").content)) as archive:
        assert archive.namelist() == ["model.vw", "signer.der", "sha512_signature.bin"]
        archive.extractall(tmp_path)
    assert (tmp_path / "sha512_signature.bin").stat().st_size == 256
    key = ["openssl", "x509", "-inform", "DER", "-in", "signer.der", "-pubkey", "-noout", "-out", "key.pem"]
    verify = ["openssl", "dgst", "-sha512", "-verify", "key.pem", "-signature", "sha512_signature.bin", "model.vw"]
    try:
        subprocess.run(key, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl; tests/shared/admin/test_signing.py verifies without it")
    assert subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True).stdout == b"Verified OK\n"


def test_a_model_of_personalizer_predicts_goes_on_learning_and_comes_back(
    default: httpx.Client, stranger: rsa.RSAPrivateKey
) -> None:
    assert default.put("model", content=signing.pack(EXPORTED, stranger)).status_code == 204
    assert default.get("model").content == EXPORTED
    assert probabilities(default, "morning")["a"] == pytest.approx(0.8667, abs=1e-3)
    assert probabilities(default, "night")["a"] == pytest.approx(0.0667, abs=1e-3)
    policy = default.get("configurations/policy").json()
    assert policy["arguments"] == (
        "--cb_explore_adf --cb_type mtr --epsilon 0.2 --learning_rate 0.001 --power_t 0 --quadratic ::"
    )
    imported = default.get("model/properties").json()
    assert imported["verified"] is False
    made = learn(default)
    assert made > imported["lastModifiedTime"]
    learned = default.get("model").content
    assert model_header.read(learned).version != "9.1.0"
    assert examples(learned) > EXAMPLES  # the log was not learned anew
    assert default.get("configurations/policy").json() == policy
    assert default.get("model/properties").json()["verified"] is False
    other = {"name": "other", "arguments": "--cb_explore_adf --squarecb"}
    assert default.put("configurations/policy", json=other).status_code == 200
    learn(default)  # a run that was planned before goes on with the policy of then
    if "verified" in default.get("model/properties").json():
        learn(default)
    assert "verified" not in default.get("model/properties").json()  # nothing is left of what was imported


def test_a_loop_with_the_model_s_policy_keeps_its_own_words(loop: httpx.Client, stranger: rsa.RSAPrivateKey) -> None:
    assert loop.put("configurations/policy", json={"name": "mine", "arguments": HISTORIC}).status_code == 200
    assert loop.put("configurations/service", json=CONFIGURATION | {"explorationPercentage": 0.3}).status_code == 200
    assert loop.put("model", content=signing.pack(EXPORTED, stranger)).status_code == 204
    expected = {"name": "mine", "arguments": HISTORIC.replace("0.2", "0.3")}
    assert loop.get("configurations/policy").json() == expected
    assert probabilities(loop)["a"] == pytest.approx(0.8, abs=1e-3)


def test_a_model_is_deleted_and_does_not_come_back(default: httpx.Client, stranger: rsa.RSAPrivateKey) -> None:
    assert default.put("model", content=signing.pack(EXPORTED, stranger)).status_code == 204
    learn(default)
    assert default.delete("model").status_code == 204
    assert set(probabilities(default).values()) == {0.3333}
    assert default.get("model/properties").json()["creationTime"].startswith("0001-01-01")
    learn(default)
    assert 0 < examples(default.get("model").content) < EXAMPLES
    assert default.get("model/properties").json().keys() == {"creationTime", "lastModifiedTime"}


OPTIONS = b"--cb_adf --cb_explore_adf"
UNFIT = {
    "empty": b"",
    "text": b"not a model",
    "cut": EXPORTED[:100],
    "no exploration": EXPORTED.replace(b"--cb_explore_adf", b"--cb_explore_ad!"),
    "writes a file": EXPORTED.replace(OPTIONS, b"--cb_explore_adf -f a.txt"),
    "no such weights": EXPORTED[:-24] + b"\xff" * 24,
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_is_no_model_changes_nothing(loop: httpx.Client, stranger: rsa.RSAPrivateKey, kind: str) -> None:
    assert len(UNFIT["writes a file"]) == len(EXPORTED)
    before = loop.get("model/properties").json(), loop.get("configurations/policy").json()
    body = signing.pack(UNFIT[kind], stranger)
    assert code(loop.put("model", content=body)) == "InvalidModelImportFormat"
    assert (loop.get("model/properties").json(), loop.get("configurations/policy").json()) == before


def test_what_is_not_signed_well_changes_nothing(loop: httpx.Client, stranger: rsa.RSAPrivateKey) -> None:
    good = signing.pack(EXPORTED, stranger)
    assert code(loop.put("model", content=EXPORTED)) == "InvalidModelImportSignature"
    assert code(loop.put("model", content=good[: len(good) // 2])) == "InvalidModelImportFormat"
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
    for changed, expected in (
        ({"model.vw": EXPORTED + b"\0"}, "InvalidModelImportSignature"),
        ({"sha512_signature.bin": None}, "InvalidModelImportSignature"),
        ({"signer.der": base64.b64encode(members["signer.der"])}, "InvalidModelImportSignature"),
        ({"model.vw": None}, "InvalidModelImportFormat"),
    ):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, data in (members | changed).items():
                if data is not None:
                    archive.writestr(name, data)
        assert code(loop.put("model", content=target.getvalue())) == expected
    assert loop.get("model/properties").json()["creationTime"].startswith("0001-01-01")


def test_a_model_of_another_problem_type_is_refused(loop: httpx.Client, stranger: rsa.RSAPrivateKey) -> None:
    arguments = HISTORIC.replace("--cb_explore_adf", "--ccb_explore_adf")
    assert loop.put("configurations/policy", json={"name": "slots", "arguments": arguments}).status_code == 200
    body = loop.get("model?signed=true").content
    answer = loop.put("model", content=signing.pack(EXPORTED, stranger))
    assert code(answer) == "InvalidModelImportFormat"
    assert "single-slot" in answer.json()["error"]["message"]
    assert loop.delete("configurations/policy").status_code == 200
    answer = loop.put("model", content=body)
    assert code(answer) == "InvalidModelImportFormat"
    assert "multi-slot" in answer.json()["error"]["message"]
