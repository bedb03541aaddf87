"""Where everything lives and whom to talk to, read once from the environment.

Environment variables are read here and in `environment`; the rest takes `Settings`.
"""

import csv
import datetime as dt
import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from extractors.systems import RECONCILED
from orchestration import companies as many
from orchestration import environment as read
from orchestration.company_files import (
    MATRIX,
    OVERRIDES,
    PASSES,
    POLICY,
    company_file,
    dbt_seed_path,
    laid_over_seeds,
)
from orchestration.connections import config_of, given, given_to_write, mistakes, variables
from orchestration.environment import SettingsError
from reconcilers.sealing import SealingKeyError, Seals

__all__ = ["Settings", "SettingsError", "load_deployment", "load_settings"]


@dataclass(frozen=True)
class Settings:
    """One company's Tieout: its folders, its state store and its source systems.

    `company` is its name where the deployment has several, which are all of `companies`. Without
    a name, but with companies, they are the deployment's, of which no night can be.
    """

    home: Path
    state_url: str
    matrix_path: Path
    policy_path: Path
    overrides_path: Path
    passes_path: Path
    memory_limit: str
    actor: str
    engine: str = "duckdb"
    spark_options: str = ""
    company: str = ""
    companies: tuple[str, ...] = ()
    env_file: Path = read.ENV_FILE
    state_schema: str = ""
    key_scan_days: int | None = read.DEFAULT_KEY_SCAN_DAYS
    events_url: str | None = field(default=None, repr=False)
    events_token: str | None = field(default=None, repr=False)
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)
    events_batch: int = read.DEFAULT_EVENTS_BATCH
    alert_urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    identity_max_changed: float = read.DEFAULT_IDENTITY_MAX_CHANGED
    log_form: str = "text"
    config_dir: Path | None = None
    exception_minutes: int | None = None
    hourly_rate_minor: int | None = None
    review_url: str = ""
    raw_url: str = ""
    exports_url: str = ""
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
        """One for all companies, of which one code location is."""
        return (self.home.parent.parent if self.company else self.home) / "dagster"

    @property
    def spark_dir(self) -> Path:
        return self.home / "spark"

    @property
    def lock_path(self) -> Path:
        return self.home / "night.lock"

    @property
    def uses_sandbox(self) -> bool:
        """True when no real system that a night reconciles is configured."""
        return not self.connections_override.keys() & {*RECONCILED}

    def practising_in(self, home: Path) -> "Settings":
        """The same in another folder, with the sandbox alone, of which nobody hears."""
        return replace(
            self,
            home=home,
            company="",
            companies=(),
            state_url=f"sqlite:///{home / 'state.db'}",
            state_schema="",
            connections_override={},
            write_override={},
            raw_url="",
            exports_url="",
            events_url=None,
            alert_urls={},
        )

    def company_file(self, name: str) -> Path:
        """The company's own file of this name, or the shipped one."""
        return company_file(self.config_dir, name)

    def exponents(self) -> dict[str, int]:
        """Decimals of each currency, by the file: the warehouse may be locked by a night."""
        with self.company_file("currencies.csv").open(encoding="utf-8") as file:
            return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file)}

    def dbt_seeds(self) -> str | None:
        """Where dbt finds the seeds with the company's laid over them; None: the shipped ones.

        Raises:
            CompanyFilesError: the folder of the company's files cannot be used.

        """
        if self.config_dir is None:
            return None
        return dbt_seed_path(laid_over_seeds(self.config_dir, self.home / "dbt" / "seeds"))

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
                "NETSUITE_URL is set. Start the sandbox with `tieout sandbox up`, or fill in "
                f"{self.env_file.name} (see .env.example)."
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
            needed = ", ".join(variables(system, required=True))
            raise SettingsError(f"{system} is not configured; set {needed} (see .env.example).")
        return connections[system]


def load_settings(environ: Mapping[str, str] | None = None, company: str = "") -> Settings:
    """Read the environment, with a `.env` beside the project as its default.

    Where the deployment has several companies they are those of the one that is named, here or by
    TIEOUT_COMPANY.

    Raises:
        SettingsError: a real system is configured in part; every missing variable is named. Or
            it cannot be told which company is meant, or what is its own.

    """
    environ = read.environment() if environ is None else environ
    environ = {**environ, many.COMPANY: company} if company else environ
    names = many.companies_of(environ)
    chosen = many.chosen_company(environ, names)
    if not chosen:
        return _settings(environ)
    return replace(
        _settings(many.environment_of(environ, chosen)),
        company=chosen,
        companies=names,
        env_file=many.company_env_file(environ, chosen),
        state_schema=many.state_schema(chosen, environ.get("TIEOUT_STATE_URL") or ""),
    )


def load_deployment(environ: Mapping[str, str] | None = None) -> Settings:
    """What the code location is made with: where there are several companies, what is of none.

    Raises:
        SettingsError: as of `load_settings`; a mistake of one of several companies is none here.

    """
    environ = read.environment() if environ is None else environ
    names = many.companies_of(environ)
    if not names:
        return load_settings(environ)
    return replace(_settings(many.deployment(environ)), companies=names)


def _settings(environ: Mapping[str, str]) -> Settings:
    home = read.home_of(environ)
    config = environ.get("TIEOUT_CONFIG")
    config_dir = Path(config).expanduser().resolve() if config else None
    return Settings(
        home=home,
        env_file=read.env_file_of(environ),
        state_url=environ.get("TIEOUT_STATE_URL") or f"sqlite:///{home / 'state.db'}",
        matrix_path=Path(environ.get("TIEOUT_MATRIX") or company_file(config_dir, MATRIX)),
        policy_path=Path(environ.get("TIEOUT_POLICY") or company_file(config_dir, POLICY)),
        overrides_path=Path(
            environ.get("TIEOUT_IDENTITY_OVERRIDES") or company_file(config_dir, OVERRIDES)
        ),
        passes_path=company_file(config_dir, PASSES),
        config_dir=config_dir,
        memory_limit=environ.get("TIEOUT_MEMORY_LIMIT") or "4GB",
        engine=read.engine(environ),
        spark_options=environ.get("TIEOUT_SPARK_OPTIONS") or "",
        actor=environ.get("TIEOUT_ACTOR") or getpass.getuser(),
        key_scan_days=read.key_scan_days(environ.get("TIEOUT_KEY_SCAN_DAYS")),
        events_url=environ.get("TIEOUT_EVENTS_URL") or None,
        events_token=environ.get("TIEOUT_EVENTS_TOKEN") or None,
        sealing_keys=tuple((environ.get("TIEOUT_SEALING_KEYS") or "").replace(",", " ").split()),
        events_batch=read.events_batch(environ.get("TIEOUT_EVENTS_BATCH")),
        alert_urls=read.alert_urls(environ.get("TIEOUT_ALERTS")),
        identity_max_changed=read.max_changed(environ.get("TIEOUT_IDENTITY_MAX_CHANGED")),
        log_form=read.log_form(environ),
        exception_minutes=read.whole(environ, "TIEOUT_EXCEPTION_MINUTES"),
        hourly_rate_minor=read.whole(environ, "TIEOUT_HOURLY_RATE_MINOR"),
        browser=environ.get("TIEOUT_BROWSER") or "",
        raw_url=environ.get("TIEOUT_RAW_URL") or "",
        exports_url=environ.get("TIEOUT_EXPORTS_URL") or "",
        review_url=read.web_address(environ.get("TIEOUT_REVIEW_URL")),
        connections_override=_real_connections(environ),
        write_override=given_to_write(environ),
    )


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
