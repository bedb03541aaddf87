"""Which step a night is in, for whoever watches the command line.

Dagster hands every event to its loggers; this one turns step events into a callback.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

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


class _Steps(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event") if isinstance(meta, dict) else None
        event = event or getattr(record, "dagster_event", None)
        if event is None or event.step_key is None or not event.is_step_event:
            return
        for listener in _listeners:
            listener(event.step_key, event.event_type_value)


@dg.logger({}, description="Tells the command line which step runs.")
def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.getLogger("tieout.progress")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [_Steps()]
    return logger
