"""What the assets are handed: the settings, the night's lock, the warehouse, the state, dbt."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import dagster as dg
import duckdb
from filelock import FileLock, Timeout

from orchestration.dbt import dbt_client, dbt_project
from orchestration.partitions import company_of
from orchestration.settings import Settings, load_settings
from orchestration.stores import opened_state
from reconcilers.engine import open_warehouse
from reconcilers.state import State

# Every step that opens the DuckDB file is in this pool: the file has one user at a time.
WAREHOUSE_POOL = "warehouse"
# Longer than anybody may look into the warehouse (see glance.py).
LOOKING_SECONDS = 60
# How long the dbt of a killed night may still hold the file.
ORPHAN_SECONDS = 60


@dataclass(frozen=True)
class Night:
    """The run that holds the night's lock, and with it the right to rebuild the warehouse."""

    settings: Settings

    def warehouse(
        self, *, read_only: bool = True
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return open_warehouse(
            self.settings.warehouse_path,
            read_only=read_only,
            memory_limit=self.settings.memory_limit,
            wait_seconds=ORPHAN_SECONDS,
        )

    def state(self) -> AbstractContextManager[State]:
        return opened_state(self.settings)


@contextmanager
def night_lock(settings: Settings) -> Iterator[Night]:
    """Hold the one lock of this home; the system frees it when the process dies.

    Raises:
        dagster.Failure: another night runs on the same home.

    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.lock_path, timeout=LOOKING_SECONDS):
            yield Night(settings)
    except Timeout as error:
        raise dg.Failure(
            f"another night is running on {settings.home} (it holds {settings.lock_path.name}); "
            "wait for it to end, or stop it, then start this one again.",
            allow_retries=False,
        ) from error


def free_slots_of_the_dead(
    instance: dg.DagsterInstance, run_id: str | None, settings: Settings
) -> None:
    """Give back the warehouse's slot that a killed night still holds in Dagster's books.

    Whoever holds the night's lock is the only one who may use the warehouse, so every other run
    that claims it is dead, and so is one of another company whose lock nobody holds; without this
    the new night would wait for it for ever.
    """
    storage = instance.event_log_storage
    claims = storage.get_concurrency_info(WAREHOUSE_POOL)
    claimants = claims.active_run_ids | claims.pending_run_ids | claims.assigned_run_ids
    for claimant in claimants - {run_id}:
        run = instance.get_run_by_id(claimant)
        if run is not None and _is_anothers(settings, company_of(run.tags)):
            continue
        storage.free_concurrency_slots_for_run(claimant)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "the process of this run was killed")


def _is_anothers(settings: Settings, company: str) -> bool:
    """Whether a night of another company is going on."""
    if company in ("", settings.company):
        return False
    other = settings.home.with_name(company) / settings.lock_path.name
    if not other.exists():
        return False
    try:
        with FileLock(other, timeout=0):
            return False
    except Timeout:
        return True


@dg.resource(
    required_resource_keys={"settings"}, description="The lock that lets one night run at a time."
)
@contextmanager
def night_resource(context: dg.InitResourceContext) -> Iterator[Night]:
    settings = context.resources.settings
    with night_lock(settings) as held:
        if context.instance is not None:
            free_slots_of_the_dead(context.instance, context.run_id, settings)
        yield held


def settings_of(settings: Settings, tags: Mapping[str, str]) -> Settings:
    """Those of the company that a run with these tags is for; read anew for each run.

    Raises:
        dagster.Failure: the run is for no company, or for another one.
        SettingsError: what is said of the company cannot work.

    """
    company = company_of(tags)
    if company and settings.companies and not settings.company:
        return load_settings(company=company)
    if company != settings.company or (settings.companies and not company):
        named = settings.company or f"one of {', '.join(settings.companies)}"
        raise dg.Failure(f"this run is for {company or 'no company'}, and not for {named}")
    return settings


def settings_resource(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="Where everything of the run's company lives.")
    def chosen(context: dg.InitResourceContext) -> Settings:
        return settings_of(settings, context.run.tags if context.run else {})

    return chosen


def default_resources(settings: Settings) -> dict[str, object]:
    return {
        "settings": settings_resource(settings),
        "night": night_resource,
        "dbt": dbt_client(dbt_project(settings)),
    }
