"""What Dagster is told when a step fails, and what is left behind for the morning.

No step is ever retried here: stamina around one HTTP call is the only retry layer.
"""

import datetime as dt

import dagster as dg

from extractors.errors import SourceError
from orchestration.alerting import tell
from orchestration.kpis import keep_kpis
from orchestration.night_report import write_night_report
from orchestration.partitions import day_of, key_of
from orchestration.sending import business_clock
from orchestration.settings import Settings
from reconcilers.alerts import night_failed

# When one of these steps fails, the exceptions of the night are already recorded.
RECORDED = {"reconciliation__tieouts", "corrections__plan", "reporting__kpis"}


def as_failure(error: SourceError) -> dg.Failure:
    """A source's error as a final failure; its text names system, object and what to do."""
    return dg.Failure(
        description=str(error),
        metadata={"kind": type(error).__name__, "system": getattr(error, "system", "")},
        allow_retries=False,
    )


@dg.failure_hook(name="say_what_failed", required_resource_keys={"settings"})
def say_what_failed(context: dg.HookContext) -> None:
    """Log what a person can act on, and write the report of a night that was recorded.

    A night whose tie-outs break is such a night: its report says which, and that it is BROKEN.
    """
    context.log.error(
        "step %s failed: %s. A night writes nothing to source systems. "
        "Run the same day again: what was published before the failure is kept.",
        context.op.name,
        context.op_exception,
    )
    run, settings = context.instance.get_run_by_id(context.run_id), context.resources.settings
    if run is None:
        return
    day = day_of(key_of(run.tags))
    try:
        if context.op.name in RECORDED:
            _report_broken(context, settings, day)
    finally:  # whatever else goes wrong, people are told
        tell(settings, business_clock(settings)(), also=[night_failed(day, context.op.name)])


def _report_broken(context: dg.HookContext, settings: Settings, day: dt.date) -> None:
    try:
        keep_kpis(settings, day)
    except Exception:
        context.log.exception("the report of the broken night is without its key figures")
    files = write_night_report(settings, day)
    context.log.error("the report of the broken night is %s", files.html)


@dg.failure_hook(name="say_what_was_not_sent")
def say_what_was_not_sent(context: dg.HookContext) -> None:
    """Dispatching again is safe: what was sent is never sent twice."""
    context.log.error(
        "step %s failed: %s. Some corrections may have been sent before; "
        "`tieout corrections list` says which. Dispatching again sends none of them twice.",
        context.op.name,
        context.op_exception,
    )
