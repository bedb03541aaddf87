"""Where everything lives and whom to talk to, read once from the environment.

This is the only module that reads environment variables; the rest takes `Settings`.
"""

import datetime as dt
import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = ROOT / "dbt_project"

# Variable -> key of the connection it sets. A system whose URL is set is a real one.
CONNECTION_VARIABLES: Mapping[str, Mapping[str, str]] = {
    "salesforce": {
        "SALESFORCE_URL": "base_url",
        "SALESFORCE_CLIENT_ID": "client_id",
        "SALESFORCE_CLIENT_SECRET": "client_secret",
    },
    "stripe": {"STRIPE_URL": "base_url", "STRIPE_API_KEY": "api_key"},
    "netsuite": {
        "NETSUITE_URL": "base_url",
        "NETSUITE_ACCOUNT": "account",
        "NETSUITE_CLIENT_ID": "client_id",
        "NETSUITE_CERTIFICATE_ID": "certificate_id",
        "NETSUITE_PRIVATE_KEY_PATH": "private_key_path",
    },
}


# Deletions that a vendor tells nobody about show only when all keys are read.
DEFAULT_KEY_SCAN_DAYS = 7


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
    connections_override: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def raw_dir(self) -> Path:
        return self.home / "raw"

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
        """True when no real system is configured."""
        return not self.connections_override

    def report_dir(self, day: dt.date) -> Path:
        return self.home / "reports" / day.isoformat()

    def connections(self) -> dict[str, dict[str, Any]]:
        """What each connector needs to reach its system.

        Raises:
            SettingsError: neither real systems nor a sandbox are configured.

        """
        if self.connections_override:
            return {system: dict(values) for system, values in self.connections_override.items()}
        path = self.sandbox_dir / "connections.json"
        if not path.exists():
            raise SettingsError(
                f"no source systems: {path} does not exist and no SALESFORCE_URL, STRIPE_URL or "
                "NETSUITE_URL is set. Start the sandbox with `tieout sandbox up`, or fill in .env "
                "(see .env.example)."
            )
        return json.loads(path.read_text())


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
        connections_override=_real_connections(environ),
    )


def _key_scan_days(text: str | None) -> int | None:
    if not text:
        return DEFAULT_KEY_SCAN_DAYS
    if not text.isdecimal():
        raise SettingsError(
            f"TIEOUT_KEY_SCAN_DAYS is {text!r}; write a number of days, such as 7, or 0 for never."
        )
    return int(text) or None


def _real_connections(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    known = [name for variables in CONNECTION_VARIABLES.values() for name in variables]
    if not any(environ.get(name) for name in known):
        return {}
    missing = [name for name in known if not environ.get(name)]
    if missing:
        raise SettingsError(
            "some source systems are configured, others are not; set also: "
            + ", ".join(missing)
            + " (see .env.example), or unset all of them to use the sandbox."
        )
    return {
        system: {key: environ[name] for name, key in variables.items()}
        for system, variables in CONNECTION_VARIABLES.items()
    }
