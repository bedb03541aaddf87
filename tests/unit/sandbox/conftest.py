"""Worlds are built once per session and copied for each test that changes one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from extractors.sandbox.store import Store
from extractors.sandbox.world import build_world

SMALL = 150


def build(path: Path, seed: int, customers: int) -> Path:
    store = Store(path)
    build_world(store, seed, customers)
    store.query("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.fixture(scope="session")
def blueprint(tmp_path_factory) -> Callable[[int, int], Path]:
    """(seed, customers) -> file of a built world that nobody changes."""
    folder = tmp_path_factory.mktemp("worlds")
    built: dict[tuple[int, int], Path] = {}

    def path_of(seed: int, customers: int) -> Path:
        if (seed, customers) not in built:
            built[seed, customers] = build(folder / f"{seed}-{customers}.db", seed, customers)
        return built[seed, customers]

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
