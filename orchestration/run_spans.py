"""A run of Dagster and its steps as facts of the log and spans of the trace, from its events."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import dagster as dg
from opentelemetry import trace

from extractors.telemetry import failed, traced
from orchestration.partitions import facts_of

_STEP_ENDS = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}
_RUN_ENDS = {
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
}
_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


class RunSpans:
    """What the run that goes on has open. Its steps run one after the other, in one thread."""

    def __init__(self) -> None:
        self._run = ExitStack()
        self._step = ExitStack()

    def note(self, event: dg.DagsterEvent, meta: Mapping[str, Any]) -> None:
        kind = event.event_type
        if kind is dg.DagsterEventType.RUN_START:
            self._close()  # what a run that was killed left open
            about = facts_of(meta.get("job_tags") or {})
            self._run.enter_context(
                traced(event.job_name, run_id=meta.get("run_id") or "", **about)
            )
        elif kind is dg.DagsterEventType.STEP_START and event.step_key:
            self._step.enter_context(traced(event.step_key, step=event.step_key))
        elif kind in _STEP_ENDS | _RUN_ENDS:
            if kind in _FAILURES:
                failed(trace.get_current_span(), kind.value)
            self._step.close()
            if kind in _RUN_ENDS:
                self._close()

    def _close(self) -> None:
        self._step.close()
        self._run.close()
