"""What all tests share: `pytest --connector NAME`, and what a run makes once for its workers."""

import gc
import logging
import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

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


OURS = ("extractors", "reconcilers", "orchestration")
# What processes that are killed import, once for all of them: it takes longer than what they do.
DYING = ["tests.conformance.proof", "tests.chaos.dying"]


def pytest_configure():
    """Look for garbage a hundred times less often: worlds and books are large, and no rings."""
    gc.set_threshold(70_000, 20, 20)
    multiprocessing.set_forkserver_preload(DYING)


def pytest_ignore_collect(collection_path, config):
    if not config.getoption("--connector"):
        return None
    is_inside = CONFORMANCE in (collection_path, *collection_path.parents)
    return None if is_inside or collection_path in CONFORMANCE.parents else True


def pytest_collection_modifyitems(items):
    """Whole nights first: begun last, everybody else would wait for them."""
    items.sort(key=lambda item: NIGHTS not in item.path.parents)


@pytest.fixture(autouse=True)
def logging_as_python_has_it():
    """The command line and the code location set up logging for their process: here for all."""
    root = logging.getLogger()
    root.handlers = [one for one in root.handlers if one.name != "tieout"]
    for name, logger in [*root.manager.loggerDict.items()]:
        if name.startswith(OURS) and isinstance(logger, logging.Logger) and logger.level:
            logger.setLevel(logging.NOTSET)


@pytest.fixture
def state():
    """A state store of the test's own, empty."""
    from reconcilers.state import open_state

    opened = open_state("sqlite://")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """One folder for all workers of a run: what is made there once, under a lock, all can use."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def parsed_home(shared_folder) -> Path:
    """A home in which nothing happened but that the dbt project was parsed, as for a night."""
    from orchestration.dbt import dbt_project, ensure_manifest
    from orchestration.settings import load_settings

    home = shared_folder / "parsed"
    with FileLock(shared_folder / "parsed.lock"):
        ensure_manifest(dbt_project(load_settings({"TIEOUT_HOME": str(home)})))
    return home


@pytest.fixture(scope="session")
def vendor_secrets(shared_folder):
    """Credentials of a sandbox; making its keys takes longer than most tests with them."""
    from tests.wire.vendors import make_secrets

    with FileLock(shared_folder / "secrets.lock"):
        return make_secrets(shared_folder / "secrets")


@pytest.fixture(scope="session")
def tryton_server(tmp_path_factory):
    """A real Tryton; the first test that wants one installs it."""
    from tests.conformance.tryton.server import running

    with running(tmp_path_factory.mktemp("tryton")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url():
    """A PostgreSQL server on loopback; where none is installed, its tests are skipped."""
    from tests import postgres

    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed: the state store is tested on SQLite alone")
    # not in pytest's own folder, which is closed to the user that the server runs as
    with tempfile.TemporaryDirectory(prefix="tieout-postgres-") as folder:
        Path(folder).chmod(0o755)
        with postgres.running(Path(folder) / "cluster") as url:
            yield url
