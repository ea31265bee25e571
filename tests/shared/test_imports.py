import gc
import sys
from pathlib import Path

import pytest

from shared.imports import lasting


def test_imports_collect_nothing_and_what_they_make_is_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_for_this_test.py").write_text("made = [[] for _ in range(100_000)]")
    monkeypatch.syspath_prepend(tmp_path)
    frozen = gc.get_freeze_count()
    with lasting():
        assert not gc.isenabled()
        import made_for_this_test  # type: ignore[import-not-found]  # noqa: F401
    assert gc.isenabled()
    assert gc.get_freeze_count() >= frozen + 100_000
    gc.unfreeze()
    del sys.modules["made_for_this_test"]


def test_what_was_imported_before_sets_nothing_aside() -> None:
    """As when a client connects anew, again and again: garbage would stay each time."""
    frozen = gc.get_freeze_count()
    with lasting():
        import shared.imports  # noqa: F401
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_an_import_that_fails_leaves_collections_on() -> None:
    with pytest.raises(ModuleNotFoundError), lasting():
        import a_module_that_nobody_has  # noqa: F401
    assert gc.isenabled()
