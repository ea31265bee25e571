import gc

import pytest

from shared.imports import lasting


def test_imports_collect_nothing_and_what_they_make_is_not_looked_at_again() -> None:
    frozen = gc.get_freeze_count()
    with lasting():
        assert not gc.isenabled()
        made = [[] for _ in range(100_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= frozen + len(made)
    gc.unfreeze()


def test_an_import_that_fails_leaves_collections_on() -> None:
    with pytest.raises(ModuleNotFoundError), lasting():
        import a_module_that_nobody_has  # noqa: F401
    assert gc.isenabled()
    gc.unfreeze()
