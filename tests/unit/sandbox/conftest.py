"""Worlds are built once, for all workers of a run, and copied for each test that changes one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from extractors.sandbox.store import Store
from extractors.sandbox.world import build_world

SMALL = 150


def build(path: Path, seed: int, customers: int) -> None:
    draft = path.with_suffix(".draft")
    store = Store(draft)
    build_world(store, seed, customers)
    store.query("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    draft.rename(path)


@pytest.fixture(scope="session")
def blueprint(shared_folder) -> Callable[[int, int], Path]:
    """(seed, customers) -> file of a built world that nobody changes."""

    def path_of(seed: int, customers: int) -> Path:
        path = shared_folder / f"world-{seed}-{customers}.db"
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                build(path, seed, customers)
        return path

    return path_of


@pytest.fixture
def world(blueprint, tmp_path) -> Iterator[Callable[..., Store]]:
    """Opens a private copy of a built world."""
    opened: list[Store] = []

    def copy(seed: int = 1, customers: int = SMALL) -> Store:
        path = tmp_path / f"copy-{len(opened)}.db"
        shutil.copy(blueprint(seed, customers), path)
        opened.append(Store(path))
        return opened[-1]

    yield copy
    for store in opened:
        store.close()
