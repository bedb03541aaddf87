"""One code location for several companies: each night is a company's, and each run's settings."""

import datetime as dt
import os
import shutil

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.base_asset_graph import AssetKeyPartitionKey
from dagster._core.definitions.automation_tick_evaluation_context import (
    build_run_requests_with_backfill_policies,
)
from filelock import FileLock

from orchestration.assembly import build_defs
from orchestration.dbt import enter_dbt_environment
from orchestration.night import COMMAND_CONFIG_NAME, dagster_home
from orchestration.partitions import company_of, day_of, facts_of, key_of, night_key
from orchestration.resources import (
    WAREHOUSE_POOL,
    free_slots_of_the_dead,
    settings_of,
    settings_resource,
)
from orchestration.settings import load_deployment, load_settings
from orchestration.stores import opened_state
from reconcilers.state.backup import BackupError, restore_backup, write_backup

DAY = dt.date(2026, 7, 1)
SEVEN = dt.datetime(2026, 7, 2, 7, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def environ(parsed_home, tmp_path_factory):
    home = tmp_path_factory.mktemp("companies")
    shutil.copytree(parsed_home / "dbt", home / "dbt")
    for name in ("acme", "globex"):
        (home / "config" / name).mkdir(parents=True)
    return {
        "TIEOUT_ENV_FILE": str(home / ".env"),
        "TIEOUT_HOME": str(home),
        "TIEOUT_CONFIG": str(home / "config"),
        "TIEOUT_COMPANIES": "acme globex",
    }


@pytest.fixture(autouse=True)
def in_the_environment(monkeypatch, environ):
    """A code location reads of a company when one of its runs begins."""
    monkeypatch.setattr(os, "environ", {**os.environ, **environ})


@pytest.fixture(scope="module")
def defs(environ):
    return build_defs(load_deployment(environ))


@pytest.fixture(scope="module")
def graph(defs):
    return defs.resolve_asset_graph()


def requests(defs, name, at):
    tick = dg.build_schedule_context(
        scheduled_execution_time=at, repository_def=defs.get_repository_def()
    )
    return defs.resolve_schedule_def(name).evaluate_tick(tick).run_requests


def test_every_asset_is_partitioned_by_company(graph):
    dimensions = {
        key.to_user_string(): tuple(
            one.name for one in getattr(graph.get(key).partitions_def, "partitions_defs", ())
        )
        for key in graph.materializable_asset_keys
    }
    attempts = graph.get(dg.AssetKey(["corrections", "attempts"])).partitions_def
    assert dimensions.pop("corrections/attempts") == ()
    assert attempts.get_partition_keys() == ["acme", "globex"]
    assert {*dimensions.values()} == {("company", "day")}


def test_at_two_each_company_has_its_night(defs):
    found = requests(defs, "nightly_at_two", SEVEN.replace(hour=2))
    assert [one.partition_key for one in found] == ["acme|2026-07-01", "globex|2026-07-01"]
    assert len({one.run_key for one in found}) == 2


def test_at_seven_each_company_is_looked_after(defs):
    found = requests(defs, "watch_at_seven", SEVEN)
    assert [one.partition_key for one in found] == ["acme", "globex"]


def test_a_backfill_runs_the_days_of_each_company_in_order(graph):
    keys = [
        night_key(company, DAY + dt.timedelta(days=n))
        for company in ("globex", "acme")
        for n in (2, 0, 1)
    ]
    asset = dg.AssetKey(["reconciliation", "exceptions"])
    asked = build_run_requests_with_backfill_policies(
        [AssetKeyPartitionKey(asset, key) for key in keys],
        graph,
        dg.DagsterInstance.ephemeral(),
    )
    days = {"acme": [], "globex": []}
    for one in asked:
        days[company_of(one.tags)].append(day_of(key_of(one.tags)))
    in_order = [DAY + dt.timedelta(days=n) for n in range(3)]
    assert days == {"acme": in_order, "globex": in_order}


def test_a_partition_says_whose_it_is():
    for key, known in {
        night_key("acme", DAY): {"company": "acme", "night": "2026-07-01"},
        night_key("", DAY): {"night": "2026-07-01"},
        "acme": {"company": "acme"},
    }.items():
        tags = {"dagster/partition": str(key)}
        assert facts_of(tags) == known
        assert company_of(tags) == known.get("company", "")
    assert facts_of({}) == {}


def test_a_run_has_the_settings_of_its_company(environ):
    seen = []

    @dg.op(required_resource_keys={"settings"})
    def look(context):
        seen.append(context.resources.settings.home.name)

    @dg.job(
        resource_defs={"settings": settings_resource(load_deployment(environ))},
        partitions_def=dg.StaticPartitionsDefinition(["acme", "globex"]),
    )
    def looks():
        look()

    for company in ("acme", "globex"):
        assert looks.execute_in_process(partition_key=company).success
    assert seen == ["acme", "globex"]


def test_a_run_for_no_company_or_another_one_is_refused(environ):
    acme = load_settings(environ, "acme")
    assert settings_of(acme, {"dagster/partition": "acme|2026-07-01"}) is acme
    for settings, key in [
        (load_deployment(environ), "2026-07-01"),
        (acme, "globex|2026-07-01"),
        (acme, "2026-07-01"),
        (load_settings({"TIEOUT_HOME": "/srv"}), "acme|2026-07-01"),
    ]:
        with pytest.raises(dg.Failure, match="this run is for"):
            settings_of(settings, {"dagster/partition": key})


def test_dbt_sees_nothing_of_the_company_before(environ, tmp_path):
    acme, globex = (load_settings(environ, name) for name in ("acme", "globex"))
    enter_dbt_environment(acme)
    named = {name for name in os.environ if "acme" in os.environ[name]}
    assert {"TIEOUT_WAREHOUSE", "TIEOUT_SEEDS", "DBT_LOG_PATH"} <= named
    enter_dbt_environment(globex)
    assert not {name for name in os.environ if "acme" in os.environ[name]} - {*environ}
    enter_dbt_environment(globex.practising_in(tmp_path))
    assert not {name for name in os.environ if "globex" in os.environ[name]} - {*environ}


@pytest.mark.parametrize("is_alive", [True, False])
def test_only_a_dead_night_of_another_company_loses_its_slot(environ, tmp_path, is_alive):
    acme, globex = (load_settings(environ, name) for name in ("acme", "globex"))
    globex.home.mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = dg.DagsterRun("nightly", tags={"dagster/partition": "globex|2026-07-01"})
        instance.add_run(run)
        instance.event_log_storage.set_concurrency_slots(WAREHOUSE_POOL, 1)
        instance.event_log_storage.claim_concurrency_slot(WAREHOUSE_POOL, run.run_id, "step")
        lock = FileLock(globex.lock_path)
        if is_alive:
            lock.acquire()
        free_slots_of_the_dead(instance, "our run", acme)
        lock.release()
        held = instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL).active_run_ids
    assert held == ({run.run_id} if is_alive else set())


def test_no_company_waits_for_the_warehouse_of_another(environ):
    for settings in (load_deployment(environ), load_settings(environ, "acme")):
        home = dagster_home(settings)
        with dg.DagsterInstance.from_config(str(home), COMMAND_CONFIG_NAME) as instance:
            storage = instance.event_log_storage
            storage.initialize_concurrency_limit_to_default(WAREHOUSE_POOL)
            assert storage.get_concurrency_info(WAREHOUSE_POOL).slot_count == 2


def test_the_backup_of_a_company_does_not_become_the_state_of_another(environ, tmp_path):
    acme, globex = (load_settings(environ, name) for name in ("acme", "globex"))
    with opened_state(acme) as state:
        write_backup(state, tmp_path / "acme.zip", company=acme.company)
    with (
        opened_state(globex) as state,
        pytest.raises(BackupError, match="the file is of acme, this store of globex"),
    ):
        restore_backup(state, tmp_path / "acme.zip", "ann", company=globex.company)
