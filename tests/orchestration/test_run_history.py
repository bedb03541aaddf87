"""The history of runs that nights of the command line leave is the one that the UI reads."""

import shutil
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from orchestration.night import COMMAND_CONFIG_NAME, dagster_home, run_dispatch
from orchestration.settings import load_settings


@dg.asset(check_specs=[dg.AssetCheckSpec("counted", asset="invoices")])
def invoices():
    check = dg.AssetCheckResult(check_name="counted", passed=True)
    return dg.MaterializeResult(metadata={"rows": 3}, check_results=[check])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    return str(dagster_home(load_settings({"TIEOUT_HOME": str(tmp_path)})))


@contextmanager
def opened_files():
    """How often each SQLite file is opened in the block."""
    files = Counter()

    def count(_connection, record):
        files[Path(record.connection.execute("pragma database_list").fetchone()[2]).stem] += 1

    event.listen(Engine, "connect", count)
    yield files
    event.remove(Engine, "connect", count)


def test_the_ui_reads_every_event_of_a_night(home):
    with dg.DagsterInstance.from_config(home, COMMAND_CONFIG_NAME) as night:
        run = dg.materialize([invoices], instance=night)
        told = night.all_logs(run.run_id)
    with dg.DagsterInstance.from_config(home) as ui:
        assert ui.all_logs(run.run_id) == told
        assert ui.get_run_by_id(run.run_id).is_success
        assert ui.get_latest_materialization_event(invoices.key).run_id == run.run_id
    kinds = {entry.dagster_event_type for entry in told if entry.is_dagster_event}
    assert dg.DagsterEventType.ASSET_CHECK_EVALUATION in kinds


def test_a_night_goes_on_with_the_history_that_the_ui_began(home):
    with dg.DagsterInstance.from_config(home) as ui:
        first = dg.materialize([invoices], instance=ui)
    with dg.DagsterInstance.from_config(home, COMMAND_CONFIG_NAME) as night:
        second = dg.materialize([invoices], instance=night)
        assert {run.run_id for run in night.get_runs()} == {first.run_id, second.run_id}
        materialized = night.fetch_materializations(invoices.key, limit=9).records
    assert [each.run_id for each in materialized] == [second.run_id, first.run_id]


def test_the_ui_lists_a_run_of_the_command_line_with_its_job_and_who_started_it(
    parsed_home, tmp_path, monkeypatch
):
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = shutil.copytree(parsed_home, tmp_path / "home")
    settings = load_settings({"TIEOUT_HOME": str(home), "TIEOUT_ACTOR": "ann"})
    result = run_dispatch(settings)  # with nothing to send
    asked = {".dagster/repository": "__repository__@orchestration.definitions"}  # by a job's page
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as ui:
        (run,) = ui.get_runs(dg.RunsFilter(job_name="dispatch", tags=asked))
    assert (run.run_id, run.tags["user"]) == (result.run_id, "ann")


def test_the_files_of_events_are_not_opened_for_each_event(home):
    with dg.DagsterInstance.from_config(home, COMMAND_CONFIG_NAME) as night:
        dg.materialize([invoices], instance=night)
        with opened_files() as files:
            run = dg.materialize([invoices], instance=night)
            assert len(night.all_logs(run.run_id)) > 10
    assert 1 <= files[run.run_id] <= 4
    assert files["index"] <= 4
