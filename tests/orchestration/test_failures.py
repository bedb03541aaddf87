"""A night that fails is told, whatever else fails with it."""

import dagster as dg

from orchestration import failures
from orchestration.failures import say_what_failed
from orchestration.settings import load_settings
from tests.orchestration.test_init import OWN


def fail(step, tmp_path, tag="dagster/partition"):
    """A night that fails in a step, with nothing in its home to measure or to report."""
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f"#!/bin/sh\ncat > {told}\n")
    program.chmod(0o700)
    alerts = f"*=command:{program}"
    settings = load_settings(
        {**OWN, "TIEOUT_HOME": str(tmp_path / "home"), "TIEOUT_ALERTS": alerts}
    )

    @dg.op(name=step)
    def breaks():
        raise ValueError

    @dg.job(
        hooks={say_what_failed},
        resource_defs={"settings": dg.ResourceDefinition.hardcoded_resource(settings)},
    )
    def night():
        breaks()

    night.execute_in_process(tags={tag: "2026-06-30"}, raise_on_error=False)
    return told.read_text()


def test_people_hear_of_a_night_whose_report_cannot_be_written(tmp_path):
    assert "failed in reconciliation__tieouts" in fail("reconciliation__tieouts", tmp_path)


def test_people_hear_of_a_night_that_a_backfill_of_the_ui_started(tmp_path):
    told = fail("reconcile", tmp_path, tag="dagster/asset_partition_range_start")
    assert "The night of 2026-06-30 failed in reconcile" in told


def test_a_night_without_key_figures_has_its_report(tmp_path, monkeypatch):
    """What fails here in truth is the measuring: there is no warehouse."""
    written = []
    monkeypatch.setattr(
        failures, "write_night_report", lambda _settings, day: written.append(str(day))
    )
    assert "failed in reporting__kpis" in fail("reporting__kpis", tmp_path)
    assert written == ["2026-06-30"]
