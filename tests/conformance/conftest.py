"""Every test here runs once per connector, on the workbench of its system."""

import pytest
import stamina

from tests.conformance.benches import HAS_EVERYTHING, WORKBENCHES
from tests.conformance.reading import Reading

# A server in pure Python, on a database that takes one transaction at a time.
SLOW = {"tryton"}


def pytest_generate_tests(metafunc):
    if "system" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--connector") or list(WORKBENCHES)
    unknown = ", ".join(sorted(set(chosen) - set(WORKBENCHES)))
    if unknown:
        known = ", ".join(WORKBENCHES)
        raise pytest.UsageError(f"no workbench for {unknown}; there are those for {known}")
    wanted = [one for one in chosen if one in getattr(metafunc.module, "SYSTEMS", chosen)]
    marked = [pytest.param(one, marks=[pytest.mark.slow] if one in SLOW else []) for one in wanted]
    metafunc.parametrize("system", marked, scope="session")


def pytest_ignore_collect(collection_path, config):
    """The suite's own tests are about one connector; they are left out where it is not meant."""
    chosen = config.getoption("--connector")
    is_meant = not chosen or HAS_EVERYTHING in chosen
    return None if is_meant or collection_path.name != "test_suite.py" else True


@pytest.fixture(scope="session")
def filled_stores(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


@pytest.fixture
def bench(system, tmp_path, request):
    """The system of the test, with something to read."""
    with WORKBENCHES[system](request, tmp_path / "system") as bench:
        yield bench


@pytest.fixture
def reading(bench, tmp_path):
    return Reading(bench, tmp_path / "raw")


@pytest.fixture
def impatient():
    """Retries happen, waiting does not."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield
