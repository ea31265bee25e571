"""The app needs no more than infra/app/roles.bicep grants: it may use its container, and not make one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from harness.metrics import key, scraped
from harness.system import ADMIN_KEY, CONFIGURATION, CONTAINER, System, wait_until

from local import azurite

SECRET = ("APP_KEYS", "ADMIN_KEYS", "STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")
RANK = {"actions": [{"id": "a", "features": [{"x": 1}]}, {"id": "b", "features": [{"x": 2}]}]}


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A system as infra/ sets it up: the container is there, and the trainer has a consumer group of its own."""
    data: Path = tmp_path_factory.mktemp("granted")
    system = System(data, EVENT_HUBS_CONSUMER_GROUP="trainer", LONGEST_REWARD_WAIT_HOURS="12")
    whole = system.settings["STORAGE_CONNECTION_STRING"]
    token = generate_container_sas(
        azurite.ACCOUNT,
        CONTAINER,
        azurite.ACCOUNT_KEY,
        permission=ContainerSasPermissions(read=True, write=True, create=True, delete=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    endpoint = whole.partition("BlobEndpoint=")[2].partition(";")[0]
    narrow = f"BlobEndpoint={endpoint};SharedAccessSignature={token}"
    for part in (system.http, system.timers):
        part.service.settings["STORAGE_CONNECTION_STRING"] = narrow
    try:
        system.storage.start()
        system.storage.ready()
        with BlobServiceClient.from_connection_string(whole) as account:
            account.create_container(CONTAINER)
        system.storage.end()
        system.start()
        yield system
    finally:
        system.end()


def test_a_model_is_learned(granted: System) -> None:
    granted.configure(rewardWaitTime="PT1S", modelExportFrequency="PT1S")
    with granted.client() as client:
        for _ in range(5):
            event = client.post("rank", json=RANK).raise_for_status().json()["eventId"]
            client.post(f"events/{event}/reward", json={"value": 1}).raise_for_status()
    learned = key("ranks_total", loop="default", fate="learned")
    wait_until(lambda: scraped(granted)[learned] == 5, "all are learned")
    assert scraped(granted)[key("observations_total", loop="default", fate="on_time")] == 5
    assert any(name == "personalizer_model_info" for name, _ in scraped(granted))


@pytest.mark.parametrize(("wait", "status"), [("PT12H", 200), ("PT12H1S", 400)])
def test_a_wait_beyond_what_the_event_hubs_keep_is_refused(granted: System, wait: str, status: int) -> None:
    with granted.client(ADMIN_KEY) as admin:
        answer = admin.put("configurations/service", json=CONFIGURATION | {"rewardWaitTime": wait})
    assert answer.status_code == status
    if status == 400:
        error = answer.json()["error"]
        assert error["code"] == "InvalidRewardWaitTime"
        assert "at most PT12H" in error["message"]


def test_no_log_line_holds_a_secret(granted: System) -> None:
    """Neither in good days nor when the storage is away."""
    granted.storage.stop()
    with granted.client(ADMIN_KEY) as admin, granted.client("a-wrong-key") as stranger:
        assert admin.put("configurations/service", json=CONFIGURATION).status_code >= 500
        assert stranger.get("configurations/service").status_code == 401
    secrets = [*(granted.http.service.settings[name] for name in SECRET), "a-wrong-key"]
    secrets += [secret.partition("sig=")[2] for secret in secrets if "sig=" in secret]
    logs = granted.http.log() + granted.timers.log()
    assert logs
    assert [secret for secret in secrets if secret in logs] == []
