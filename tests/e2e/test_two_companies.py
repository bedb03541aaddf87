"""Two companies through one code location: each finds what is wrong with itself, and no more."""

import dagster as dg
import pytest

from extractors.sandbox import control
from orchestration.assembly import build_defs
from orchestration.evaluate import compare, reconcilable_day
from orchestration.night import dagster_home, run_night
from orchestration.partitions import night_key
from orchestration.settings import load_deployment, load_settings
from orchestration.stores import opened_state
from reconcilers.corrections.approval import approve
from reconcilers.state.views import list_corrections, list_exceptions

pytestmark = pytest.mark.slow

CUSTOMERS = 60
# Company -> the seed of its sandbox, and what is wrong there.
COMPANIES = {
    "acme": (11, {"INV-MISS-01": 2, "CUS-ATTR-01": 1}),
    "globex": (12, {"INV-AMT-01": 1, "CUS-ATTR-01": 2}),
}


def files_of(folder):
    """What a sandbox that is down holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    home = tmp_path_factory.mktemp("deployment")
    environ = {
        "TIEOUT_ENV_FILE": str(home / ".env"),
        "TIEOUT_HOME": str(home),
        "TIEOUT_ACTOR": "controller",
        "TIEOUT_COMPANIES": " ".join(COMPANIES),
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environ.items():
            patched.setenv(name, value)
        companies = {name: load_settings(company=name) for name in COMPANIES}
        for name, (seed, plants) in COMPANIES.items():
            sandbox = companies[name].sandbox_dir
            control.up(sandbox, seed=seed, customers=CUSTOMERS)
            for number, (code, count) in enumerate(plants.items()):
                control.plant(sandbox, code, count, seed=number)
        yield companies
        for settings in companies.values():
            control.down(settings.sandbox_dir)


def run(job, key):
    """A run as Dagster's daemon starts it: of the whole deployment, for one partition."""
    settings = load_deployment()
    definition = build_defs(settings).resolve_job_def(job)
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        return definition.execute_in_process(partition_key=key, instance=instance)


@pytest.fixture(scope="module")
def nights(deployment):
    """One company's by the code location, the other's by the command line."""
    acme, globex = deployment["acme"], deployment["globex"]
    assert run("nightly", night_key("acme", reconcilable_day(acme))).success
    result = run_night(globex, reconcilable_day(globex))
    assert result.ok, f"{result.failed_step}: {result.reason}"
    return deployment


def test_each_company_finds_its_own_truth_alone(nights):
    for name, (seed, _) in COMPANIES.items():
        result = compare(nights[name], seed, CUSTOMERS, reconcilable_day(nights[name]))
        assert (result.false_rows, result.missed_rows) == ((), ())
        assert result.tieouts_hold
    found = {}
    for name, settings in nights.items():
        with opened_state(settings) as state:
            found[name] = {one.exception_key for one in list_exceptions(state)}
    assert all(found.values())
    assert found["acme"].isdisjoint(found["globex"])


def test_nothing_of_a_night_lies_outside_of_its_companys_home(nights):
    home = nights["acme"].dagster_home.parent
    assert {path.name for path in home.iterdir()} == {"companies", "dagster", "dbt"}
    assert not any(path.suffix in {".duckdb", ".db"} for path in (home / "dbt").rglob("*"))
    for settings in nights.values():
        there = {path.name for path in settings.home.iterdir()}
        assert {"raw", "warehouse.duckdb", "state.db", "reports", "events", "exports"} <= there


def test_dispatch_of_one_company_reaches_no_system_of_another(nights):
    acme, globex = nights["acme"], nights["globex"]
    control.down(globex.sandbox_dir)
    before = files_of(globex.sandbox_dir)
    with opened_state(acme) as state:
        waiting = [one.correction_id for one in list_corrections(state, states=("proposed",))]
        approve(state, waiting, "ann", "checked")
    assert run("dispatch", "acme").success
    with opened_state(acme) as state:
        assert list_corrections(state, states=("accepted",))
    with opened_state(globex) as state:
        assert {one.state for one in list_corrections(state)} <= {"proposed", "approved", "refused"}
    assert files_of(globex.sandbox_dir) == before


def test_both_nights_stand_in_one_history(nights):
    with dg.DagsterInstance.from_config(str(dagster_home(nights["acme"]))) as instance:
        told = instance.get_materialized_partitions(dg.AssetKey(["reporting", "nightly_report"]))
    assert told == {night_key(name, reconcilable_day(one)) for name, one in nights.items()}
