"""Which step a night is in, for whoever watches the command line, and for logs and traces.

Dagster hands every event to its loggers; these turn them into callbacks, spans and JSON lines.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.logs import log_handler
from orchestration.run_spans import RunSpans

Listener = Callable[[str, str], None]
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener(step, event)` for each step event of runs in this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class _Events(logging.Handler):
    """The events of runs, one run after the other, for listeners and for the trace."""

    def __init__(self) -> None:
        super().__init__()
        self._spans = RunSpans()

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event")
        if event is None:
            return
        self._spans.note(event, meta)
        if event.step_key is None or not event.is_step_event:
            return
        for listener in _listeners:
            listener(event.step_key, event.event_type_value)


# Dagster makes its loggers several times in a run: what the run has open is kept here.
_EVENTS = _Events()


@dg.logger({}, description="Tells the command line which step runs.")
def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.getLogger("tieout.progress")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [_EVENTS]
    return logger


@dg.logger({}, description="Dagster's own lines as JSON, one a line.")
def json_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.getLogger("dagster.lines")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [log_handler("json")]
    return logger


def loggers(form: str) -> dict[str, dg.LoggerDefinition]:
    """Dagster's console in the form of all other log lines, and who follows the steps."""
    lines = json_logger if form == "json" else dg.colored_console_logger
    return {"console": lines, "progress": progress_logger}
