"""Whether this machine, and the company's files, are fit for a night."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb

from extractors.findings import Finding, Level
from extractors.object_store import probe
from orchestration.company_files import SHIPPED, TO_ADAPT, company_file, own_files
from orchestration.pdf import NoBrowserError, browser_path
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.identity.overrides import load_overrides
from reconcilers.match import load_pairings
from reconcilers.ownership import load_ownership
from reconcilers.rules.codes import CODES
from reconcilers.state.audit import verify_audit

GB = 10**9
# A small company's night needs less than the first; the second is a month of a large one's.
LEAST_FREE, COMFORTABLE = 1 * GB, 10 * GB
OTHERS_MAY = 0o077


def machine(settings: Settings) -> Iterator[Finding]:
    """Folders, space, warehouse, state store, secrets."""
    yield checked("home", lambda: _home(settings.home), "choose another folder with TIEOUT_HOME")
    yield _disk(settings.home)
    yield _warehouse(settings)
    yield checked("state store", lambda: _state(settings), "restore the state store from a backup")
    yield _browser(settings)
    for subject, url in (
        ("raw zone's store", settings.raw_url),
        ("exports' store", settings.exports_url),
    ):
        if url:
            yield checked(subject, partial(probe, url), "compare the variables of the store")
    if not settings.uses_sandbox:
        yield from _for_real(settings)


def files(settings: Settings) -> Iterator[Finding]:
    """What the company says of itself can be read, and is its own."""
    if settings.config_dir is not None:
        folder = settings.config_dir
        yield checked(
            "company's files", lambda: _own(folder), "correct the folder that TIEOUT_CONFIG names"
        )
    yield checked("matrix", lambda: _matrix(settings), f"correct {settings.matrix_path}")
    yield checked("policy", lambda: _policy(settings), f"correct {settings.policy_path}")
    yield checked(
        "identity overrides", lambda: _overrides(settings), f"correct {settings.overrides_path}"
    )
    yield checked(
        "matching passes",
        lambda: f"{len(load_pairings(settings.passes_path))} pairings",
        f"correct {settings.passes_path}",
    )
    if not settings.uses_sandbox:
        yield _adapted(settings)


def checked(subject: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(subject, "ok", look())
    except Exception as error:  # noqa: BLE001  # whatever is wrong, the person should read it
        return Finding(subject, "error", str(error), remedy)


def _home(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    probe = home / ".writable"
    probe.touch()
    probe.unlink()
    return str(home)


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(home if home.exists() else home.parent).free
    level: Level = "error" if free < LEAST_FREE else "warning" if free < COMFORTABLE else "ok"
    return Finding(
        "disk space",
        level,
        f"{free / GB:.1f} GB free for {home}",
        "" if level == "ok" else "make room: a night that runs out of it stops, and can go on",
    )


def _warehouse(settings: Settings) -> Finding:
    """The file can be made again at any time; one that a night holds is left alone."""
    path = settings.warehouse_path
    if not path.exists():
        return Finding("warehouse", "ok", "not built yet: the first night does")
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            day = con.sql("select max(snapshot_date) from raw.build").fetchall()[0][0]
        return Finding("warehouse", "ok", f"built for {day}")
    except duckdb.IOException as error:
        if "lock" in str(error):
            return Finding("warehouse", "ok", "in use: a night is running")
        told = str(error)
    except duckdb.Error as error:
        told = str(error)
    return Finding("warehouse", "error", told, f"delete {path}: the next night builds it again")


def _state(settings: Settings) -> str:
    """Opening it brings its tables up to date."""
    with opened_state(settings) as state:
        verdict = verify_audit(state)
    if not verdict.holds:
        raise ValueError(f"the audit chain is broken: {verdict.problem}")
    return f"reachable, tables up to date, audit chain of {verdict.entries} entries holds"


def _browser(settings: Settings) -> Finding:
    try:
        return Finding("browser", "ok", browser_path(settings.browser))
    except NoBrowserError as error:
        told = f"{error}; reports are written, but not as PDF"
        return Finding("browser", "warning", told, "install chromium where a PDF is wanted")


def _for_real(settings: Settings) -> Iterator[Finding]:
    yield checked(
        "sealing keys", lambda: _seals(settings), "see TIEOUT_SEALING_KEYS in .env.example"
    )
    if not settings.sealing_keys:
        yield Finding(
            "sealing keys",
            "warning",
            "none: corrections of names, e-mail addresses and tax ids are refused",
            "`tieout init` makes one (TIEOUT_SEALING_KEYS); keep a copy where backups are kept",
        )
    if not settings.alert_urls:
        told = "nobody is told of a night that failed"
        yield Finding("alerts", "warning", told, "set TIEOUT_ALERTS")
    file = settings.env_file
    if file.exists() and file.stat().st_mode & OTHERS_MAY:
        told = f"other users of this machine may read {file}"
        yield Finding("secrets", "error", told, f"chmod 600 {file}")


def _seals(settings: Settings) -> str:
    settings.seals()
    return f"{len(settings.sealing_keys)} in use"


def _adapted(settings: Settings) -> Finding:
    """The shipped ones describe the practice company; with them postings would be wrong."""
    shipped = [
        name
        for name in TO_ADAPT
        if company_file(settings.config_dir, name).read_bytes() == SHIPPED[name].read_bytes()
        and name != "currencies.csv"
    ]
    if not shipped:
        return Finding(
            "your own company", "ok", "entities, accounts, tax codes and rates are yours"
        )
    told = f"{', '.join(shipped)} still describe the practice company"
    remedy = "adapt them in the folder of TIEOUT_CONFIG (`tieout init` makes it)"
    return Finding("your own company", "error", told, remedy)


def _own(folder: Path) -> str:
    return f"{', '.join(own_files(folder)) or 'none'} in {folder}"


def _matrix(settings: Settings) -> str:
    rows = load_ownership(settings.matrix_path)
    attributes = {(row.entity, row.attribute) for row in rows}
    compared = {(row.entity, row.attribute) for row in rows if row.status == "compared"}
    return f"{len(attributes)} attributes, {len(compared)} of them compared"


def _policy(settings: Settings) -> str:
    policy = load_policy(settings.policy_path)
    for code in CODES:
        policy.rule(code, None)
    return f"covers {len(CODES)} drift codes"


def _overrides(settings: Settings) -> str:
    overrides = load_overrides(settings.overrides_path, dt.datetime.now(dt.UTC).date())
    return f"{len(overrides.links)} links, {len(overrides.never)} never-links"
