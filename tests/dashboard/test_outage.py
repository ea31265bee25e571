"""The storage is away while somebody looks: the page says so, asks again by itself, and is back."""

from pathlib import Path

import httpx
from harness.pages import log_in, text, visitor
from harness.system import ADMIN_KEY, running, wait_until


def test_storage_that_is_away_is_told_and_the_page_comes_back(tmp_path: Path) -> None:
    with running(tmp_path) as system, visitor(system.url) as client:
        system.configure()
        assert client.get("/loops/default").status_code == 200
        system.storage.kill()
        page, twin = client.get("/loops/default", timeout=120), client.get("/loops/default.json", timeout=120)
        assert page.status_code == twin.status_code == 503
        assert "The storage is away, so that nothing can be read." in text(page.text)
        assert 'http-equiv="refresh"' in page.text
        assert twin.json()["error"]["code"] == "OperationNotAllowed"
        with httpx.Client(base_url=f"{system.url}/dashboard", timeout=120) as other:
            assert log_in(other, ADMIN_KEY).status_code == 303
        system.storage.start()
        system.storage.ready()
        wait_until(lambda: client.get("/loops/default").status_code == 200, "the page is back")
