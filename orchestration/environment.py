"""What the variables of the environment may say, read one by one; a mistake says what to write."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from orchestration.company_files import ROOT

ENV_FILE = ROOT / ".env"

# The share of known records that may change their customer in one night without a person's word.
DEFAULT_IDENTITY_MAX_CHANGED = 0.005

# Deletions that a vendor tells nobody about show only when all keys are read.
DEFAULT_KEY_SCAN_DAYS = 7
DEFAULT_EVENTS_BATCH = 100

ENGINES = ("duckdb", "spark")
LOG_FORMS = ("text", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """The configuration cannot work; the message lists every mistake and what to set."""


def environment(env_file: Path | None = None) -> dict[str, str]:
    """What is set, in the process or else in the `.env` beside the project."""
    return {**stored(env_file or env_file_of(os.environ)), **os.environ}


def env_file_of(environ: Mapping[str, str]) -> Path:
    """The `.env` beside the project, or the file that stands in for it."""
    return Path(environ.get("TIEOUT_ENV_FILE") or ENV_FILE).expanduser().resolve()


def stored(env_file: Path) -> dict[str, str]:
    return {key: value for key, value in dotenv_values(env_file).items() if value}


def home_of(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("TIEOUT_HOME") or ROOT / "data").expanduser().resolve()


def key_scan_days(text: str | None) -> int | None:
    if not text:
        return DEFAULT_KEY_SCAN_DAYS
    if not text.isdecimal():
        raise SettingsError(
            f"TIEOUT_KEY_SCAN_DAYS is {text!r}; write a number of days, such as 7, or 0 for never."
        )
    return int(text) or None


def events_batch(text: str | None) -> int:
    if not text:
        return DEFAULT_EVENTS_BATCH
    if not text.isdecimal() or not int(text):
        raise SettingsError(
            f"TIEOUT_EVENTS_BATCH is {text!r}; write how many events go into one request, such as "
            "100, or 1 for a request per event."
        )
    return int(text)


def alert_urls(text: str | None) -> dict[str, tuple[str, ...]]:
    """Addresses by channel; they may hold secrets, so a mistake is told without them."""
    found: dict[str, tuple[str, ...]] = {}
    for number, word in enumerate(shlex.split(text or ""), start=1):
        channel, is_given, address = word.partition("=")
        if not channel or not is_given or ":" not in address:
            raise SettingsError(
                f"TIEOUT_ALERTS, word {number}: write channel=address, such as "
                "*=mailto://... or finance-ops=command:/usr/local/bin/tell"
            )
        found[channel] = (*found.get(channel, ()), address)
    return found


def max_changed(text: str | None) -> float:
    if not text:
        return DEFAULT_IDENTITY_MAX_CHANGED
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise SettingsError(
            f"TIEOUT_IDENTITY_MAX_CHANGED is {text!r}; write a share between 0 and 1, "
            "such as 0.005."
        )
    return share


def engine(environ: Mapping[str, str]) -> str:
    """What builds the models."""
    return _one_of(ENGINES, environ, "TIEOUT_ENGINE", "duckdb")


def log_form(environ: Mapping[str, str]) -> str:
    """How log lines look, `text` or `json`."""
    return _one_of(LOG_FORMS, environ, "TIEOUT_LOG", "text")


def log_level(environ: Mapping[str, str]) -> str:
    """A person is told what is amiss; whoever collects lines wants to know what was done, too."""
    default = "INFO" if log_form(environ) == "json" else "WARNING"
    return _one_of(LOG_LEVELS, environ, "TIEOUT_LOG_LEVEL", default)


def _one_of(words: tuple[str, ...], environ: Mapping[str, str], name: str, default: str) -> str:
    word = environ.get(name) or default
    if word not in words:
        raise SettingsError(f"{name} is {word!r}; write one of {', '.join(words)}.")
    return word


def whole(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise SettingsError(f"{name} is {text!r}; write a whole number (see .env.example).")
    return int(text)


def web_address(text: str | None) -> str:
    """Where people review exceptions, for the links of the report; '' for none."""
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(
            f"TIEOUT_REVIEW_URL is {text!r}; write the address of the review page, such as "
            "https://tieout.example.com."
        )
    return (text or "").rstrip("/")
