"""Where everything lives and whom to talk to, read once from the environment.

This is the only module that reads environment variables; the rest takes `Settings`.
"""

import datetime as dt
import getpass
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from extractors.registry import CONNECTABLE, SOURCES
from orchestration.connections import config_of, given, given_to_write, mistakes, variables
from reconcilers.sealing import SealingKeyError, Seals

ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = ROOT / "dbt_project"

# The share of known records that may change their customer in one night without a person's word.
DEFAULT_IDENTITY_MAX_CHANGED = 0.005

# Deletions that a vendor tells nobody about show only when all keys are read.
DEFAULT_KEY_SCAN_DAYS = 7
DEFAULT_EVENTS_BATCH = 100


class SettingsError(Exception):
    """The configuration cannot work; the message lists every mistake and what to set."""


@dataclass(frozen=True)
class Settings:
    """One company's Tieout: its folders, its state store and its source systems."""

    home: Path
    state_url: str
    matrix_path: Path
    policy_path: Path
    overrides_path: Path
    memory_limit: str
    actor: str
    key_scan_days: int | None = DEFAULT_KEY_SCAN_DAYS
    events_url: str | None = field(default=None, repr=False)
    events_token: str | None = field(default=None, repr=False)
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)
    events_batch: int = DEFAULT_EVENTS_BATCH
    alert_urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    identity_max_changed: float = DEFAULT_IDENTITY_MAX_CHANGED
    exception_minutes: int | None = None
    hourly_rate_minor: int | None = None
    review_url: str = ""
    browser: str = ""
    connections_override: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    write_override: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def raw_dir(self) -> Path:
        return self.home / "raw"

    @property
    def event_log_dir(self) -> Path:
        return self.home / "events"

    @property
    def event_exports_dir(self) -> Path:
        return self.home / "exports" / "events"

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def sandbox_dir(self) -> Path:
        return self.home / "sandbox"

    @property
    def dbt_target_dir(self) -> Path:
        return self.home / "dbt" / "target"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def lock_path(self) -> Path:
        return self.home / "night.lock"

    @property
    def uses_sandbox(self) -> bool:
        """True when no real system that a night reconciles is configured."""
        return not self.connections_override.keys() & SOURCES.keys()

    def report_dir(self, day: dt.date) -> Path:
        return self.home / "reports" / day.isoformat()

    def connections(self) -> dict[str, dict[str, Any]]:
        """What each connector needs to reach its system.

        Raises:
            SettingsError: neither real systems nor a sandbox are configured.

        """
        real = {system: dict(values) for system, values in self.connections_override.items()}
        if not self.uses_sandbox:
            return real
        path = self.sandbox_dir / "connections.json"
        if not path.exists():
            raise SettingsError(
                f"no source systems: {path} does not exist and no SALESFORCE_URL, STRIPE_URL or "
                "NETSUITE_URL is set. Start the sandbox with `tieout sandbox up`, or fill in .env "
                "(see .env.example)."
            )
        return {**json.loads(path.read_text()), **real}

    def seals(self) -> Seals | None:
        """What personal values of corrections are sealed with; None where no key is set.

        Raises:
            SettingsError: a key is not one.

        """
        try:
            return Seals(self.sealing_keys) if self.sealing_keys else None
        except SealingKeyError as error:
            raise SettingsError(f"{error} (see .env.example).") from error

    def system_config(self, system: str) -> Any:
        """How to read a system: the configured one, or the sandbox's.

        Raises:
            SettingsError: neither is there.

        """
        return config_of(system, self._connection(system))

    def target_config(self, system: str) -> Any:
        """How to write to a system: as to read it, but for what is set for writing alone.

        Raises:
            SettingsError: the system is not configured.
            ValueError: the credentials for writing do not fit to the rest.

        """
        return config_of(
            system, {**self._connection(system), **self.write_override.get(system, {})}
        )

    def _connection(self, system: str) -> Mapping[str, Any]:
        connections = self.connections_override
        if system not in connections:
            connections = self.connections()
        if system not in connections:
            needed = ", ".join(variables(CONNECTABLE[system], required=True))
            raise SettingsError(f"{system} is not configured; set {needed} (see .env.example).")
        return connections[system]


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment, with a `.env` beside the project as its default.

    Raises:
        SettingsError: a real system is configured in part; every missing variable is named.

    """
    if environ is None:
        stored = {key: value for key, value in dotenv_values(ROOT / ".env").items() if value}
        environ = {**stored, **os.environ}
    home = Path(environ.get("TIEOUT_HOME") or ROOT / "data").expanduser().resolve()
    return Settings(
        home=home,
        state_url=environ.get("TIEOUT_STATE_URL") or f"sqlite:///{home / 'state.db'}",
        matrix_path=Path(
            environ.get("TIEOUT_MATRIX") or DBT_PROJECT_DIR / "seeds" / "system_of_record.csv"
        ),
        policy_path=Path(
            environ.get("TIEOUT_POLICY") or ROOT / "reconcilers" / "corrections" / "policy.toml"
        ),
        overrides_path=Path(
            environ.get("TIEOUT_IDENTITY_OVERRIDES")
            or ROOT / "reconcilers" / "identity" / "overrides.csv"
        ),
        memory_limit=environ.get("TIEOUT_MEMORY_LIMIT") or "4GB",
        actor=environ.get("TIEOUT_ACTOR") or getpass.getuser(),
        key_scan_days=_key_scan_days(environ.get("TIEOUT_KEY_SCAN_DAYS")),
        events_url=environ.get("TIEOUT_EVENTS_URL") or None,
        events_token=environ.get("TIEOUT_EVENTS_TOKEN") or None,
        sealing_keys=tuple((environ.get("TIEOUT_SEALING_KEYS") or "").replace(",", " ").split()),
        events_batch=_events_batch(environ.get("TIEOUT_EVENTS_BATCH")),
        alert_urls=_alert_urls(environ.get("TIEOUT_ALERTS")),
        browser=environ.get("TIEOUT_BROWSER") or "",
        review_url=_web_address(environ.get("TIEOUT_REVIEW_URL")),
        identity_max_changed=_max_changed(environ.get("TIEOUT_IDENTITY_MAX_CHANGED")),
        exception_minutes=_whole(environ, "TIEOUT_EXCEPTION_MINUTES"),
        hourly_rate_minor=_whole(environ, "TIEOUT_HOURLY_RATE_MINOR"),
        connections_override=_real_connections(environ),
        write_override=given_to_write(environ),
    )


def _key_scan_days(text: str | None) -> int | None:
    if not text:
        return DEFAULT_KEY_SCAN_DAYS
    if not text.isdecimal():
        raise SettingsError(
            f"TIEOUT_KEY_SCAN_DAYS is {text!r}; write a number of days, such as 7, or 0 for never."
        )
    return int(text) or None


def _events_batch(text: str | None) -> int:
    if not text:
        return DEFAULT_EVENTS_BATCH
    if not text.isdecimal() or not int(text):
        raise SettingsError(
            f"TIEOUT_EVENTS_BATCH is {text!r}; write how many events go into one request, such as "
            "100, or 1 for a request per event."
        )
    return int(text)


def _whole(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise SettingsError(f"{name} is {text!r}; write a whole number (see .env.example).")
    return int(text)


def _alert_urls(text: str | None) -> dict[str, tuple[str, ...]]:
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


def _max_changed(text: str | None) -> float:
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


def _web_address(text: str | None) -> str:
    """Where people review exceptions, for the links of the report; '' for none."""
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(
            f"TIEOUT_REVIEW_URL is {text!r}; write the address of the review page, such as "
            "https://tieout.example.com."
        )
    return (text or "").rstrip("/")


def _real_connections(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    connections = given(environ)
    found = list(mistakes(connections))
    if found:
        raise SettingsError(
            "some source systems are configured, others are not, or not wholly; "
            + "; ".join(found)
            + " (see .env.example), or unset all of them to use the sandbox."
        )
    return connections
