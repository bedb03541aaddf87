"""Run one night, or several, in this process, the way the schedule would.

The command line, the demo and the evaluation all start nights through here.
"""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from orchestration.assembly import build_defs
from orchestration.partitions import FIRST_DAY, night_key, snapshot_days
from orchestration.settings import Settings, SettingsError

INSTANCE_CONFIG = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
  runs:
    max_concurrent_runs: 1
"""
# Nights of the command line share the run history with the UI, but start no processes that copy
# their output: those outlive a night that is killed.
COMMAND_CONFIG = (
    INSTANCE_CONFIG
    + """\
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
storage:
  custom:
    module: orchestration.run_history
    class: OpenHistory
    config:
      base_dir:
        env: DAGSTER_HOME
"""
)
COMMAND_CONFIG_NAME = "command.yaml"
# By it the UI knows which job of which code location a run is of; runs it starts itself have it.
OF_CODE_LOCATION = {".dagster/repository": "__repository__@orchestration.definitions"}


@dataclass(frozen=True)
class NightResult:
    """How one night ended. `failed_step` is empty when it went through.

    `kind` is the class of the error, for whoever decides whether to go on.
    """

    day: dt.date
    run_id: str
    ok: bool
    failed_step: str
    kind: str
    reason: str


def dagster_home(settings: Settings) -> Path:
    """The folder of run history, with its configuration as this version wants it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    for name, config in (("dagster.yaml", INSTANCE_CONFIG), (COMMAND_CONFIG_NAME, COMMAND_CONFIG)):
        (home / name).write_text(_a_slot_each(config, settings))
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _a_slot_each(config: str, settings: Settings) -> str:
    """Each company has a warehouse: none waits for the slot of another's night that was killed."""
    return config.replace("default_limit: 1", f"default_limit: {len(settings.companies) or 1}")


def run_night(settings: Settings, day: dt.date) -> NightResult:
    """Materialise every asset of the `nightly` job for one day.

    Raises:
        SettingsError: the day is not over, or lies before the first partition.

    """
    if not snapshot_days.has_partition_key(day.isoformat()):
        raise SettingsError(
            f"{day} cannot be reconciled: the days go from {FIRST_DAY} to yesterday (UTC)"
        )
    return _run(settings, "nightly", day)


def run_replay(settings: Settings, day: dt.date) -> NightResult:
    """Rebuild the day from the raw zone and record its exceptions; no source system is called."""
    return _run(settings, "replay", day)


def run_dispatch(settings: Settings) -> NightResult:
    """Send the approved corrections."""
    return _run(settings, "dispatch", None)


def run_backfill(settings: Settings, first: dt.date, last: dt.date) -> Iterator[NightResult]:
    """Each day in order.

    A day that was never read whole cannot be read any more: it is reported, and the days behind
    it are replayed all the same. Any other failure ends the backfill.

    Raises:
        SettingsError: the range is empty, or holds a day that is not over.

    """
    if last < first:
        raise SettingsError(f"the backfill ends ({last}) before it begins ({first})")
    for offset in range((last - first).days + 1):
        result = run_night(settings, first + dt.timedelta(days=offset))
        yield result
        if not result.ok and result.kind != "LateExtraction":
            return


def _run(settings: Settings, job: str, day: dt.date | None) -> NightResult:
    home = dagster_home(settings)
    definition = build_defs(settings).resolve_job_def(job)
    # dbt's lines belong in a file; whoever started the night watches the steps instead.
    log = settings.home / "dbt" / "night.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        dg.DagsterInstance.from_config(str(home), COMMAND_CONFIG_NAME) as instance,
        log.open("a", encoding="utf-8") as lines,
        redirect_stdout(lines),
    ):
        result = definition.execute_in_process(
            partition_key=night_key(settings.company, day) if day else settings.company or None,
            instance=instance,
            run_config={"loggers": _loggers(settings)},
            tags={"user": settings.actor, **OF_CODE_LOCATION},
            raise_on_error=False,
        )
    failed = [event for event in result.all_events if event.is_step_failure]
    return NightResult(
        day=day or dt.datetime.now(dt.UTC).date(),
        run_id=result.run_id,
        ok=result.success,
        failed_step=failed[0].step_key or "" if failed else "",
        kind=_kind(failed[0]) if failed else "",
        reason=_reason(failed[0]) if failed else "",
    )


def _loggers(settings: Settings) -> dict[str, dict[str, object]]:
    """A person sees the steps on the screen; of JSON lines nothing is left out."""
    return {"progress": {}, **({"console": {}} if settings.log_form == "json" else {})}


def _kind(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data.user_failure_data
    told = failure.metadata.get("kind") if failure else None
    return str(told.value) if told else ""


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    # Dagster wraps what was raised; what is behind that again is how it came about.
    while error is not None and error.cause is not None and _is_wrapper(error.cls_name):
        error = error.cause
    return error.message.strip() if error else "unknown"


def _is_wrapper(cls_name: str | None) -> bool:
    return cls_name is not None and cls_name.startswith("Dagster")
