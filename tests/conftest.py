"""`pytest --connector NAME`: the conformance suite alone, for one connector or several."""

from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).parent / "conformance"
NIGHTS = Path(__file__).parent / "e2e"


def pytest_addoption(parser):
    parser.addoption(
        "--connector",
        action="append",
        default=[],
        metavar="NAME",
        help="run the conformance suite, and nothing else, for this connector (repeatable)",
    )


def pytest_ignore_collect(collection_path, config):
    if not config.getoption("--connector"):
        return None
    is_inside = CONFORMANCE in (collection_path, *collection_path.parents)
    return None if is_inside or collection_path in CONFORMANCE.parents else True


def pytest_collection_modifyitems(items):
    """Whole nights first: begun last, everybody else would wait for them."""
    items.sort(key=lambda item: NIGHTS not in item.path.parents)


@pytest.fixture(scope="session")
def tryton_server(tmp_path_factory):
    """A real Tryton; the first test that wants one installs it."""
    from tests.conformance.tryton.server import running

    with running(tmp_path_factory.mktemp("tryton")) as server:
        yield server
