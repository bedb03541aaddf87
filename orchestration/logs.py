"""How log lines look: JSON for whoever collects them, or words for people.

They go to the error output, and carry the facts of what is being worked on.
"""

import datetime as dt
import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from extractors.facts import facts
from orchestration.environment import log_form, log_level

OURS = ("extractors", "reconcilers", "orchestration")
_HANDLER = "tieout"
# What every record has; what it has besides is what the line was given as `extra`.
_COMMON = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_DAGSTER = {"dagster_meta", "dagster_event"}


def start_logging(environ: Mapping[str, str]) -> None:
    """Log from now on as the environment says.

    Raises:
        SettingsError: TIEOUT_LOG or TIEOUT_LOG_LEVEL is none of the known words.

    """
    level, root = log_level(environ), logging.getLogger()
    handler = log_handler(log_form(environ))
    handler.addFilter(_is_not_told_by_the_run)
    root.handlers = [handler, *(one for one in root.handlers if one.name != _HANDLER)]
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def _is_not_told_by_the_run(record: logging.LogRecord) -> bool:
    """What Dagster's own code says in a run is among the lines of the run, too."""
    return not (record.name.startswith("dagster") and "run_id" in facts())


def log_handler(form: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(_HANDLER)
    handler.setFormatter(JsonLines() if form == "json" else Words())
    return handler


class JsonLines(logging.Formatter):
    """One object a line: time (UTC), level, logger, message, facts, and what the line adds."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_told(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Words(logging.Formatter):
    """The message, and in brackets what is being worked on."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        known = ", ".join(f"{name} {value}" for name, value in facts().items())
        return f"{record.levelname.lower()}: {record.message}{f' ({known})' if known else ''}"


def _told(record: logging.LogRecord) -> dict[str, Any]:
    """The facts, and what the line was given; of what Dagster gives its own, what ran."""
    added = {name: value for name, value in vars(record).items() if name not in _COMMON | _DAGSTER}
    meta = getattr(record, "dagster_meta", None) or {}
    ran = {"run_id": meta.get("run_id"), "step": meta.get("step_key")}
    return {**facts(), **{name: value for name, value in ran.items() if value}, **added}


def _message(record: logging.LogRecord) -> str:
    """Dagster writes into a message who says it and how long it took, over several lines."""
    meta = getattr(record, "dagster_meta", None) or {}
    return meta.get("orig_message") or record.getMessage()
