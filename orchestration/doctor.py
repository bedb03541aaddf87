"""Is everything in place for a night? Each finding that fails says what to do."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from extractors.errors import SourceError, Unauthorized
from extractors.registry import SOURCES, open_reader
from extractors.sandbox import control
from orchestration.settings import Settings, SettingsError
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.identity.overrides import load_overrides
from reconcilers.ownership import load_ownership
from reconcilers.rules.codes import CODES
from reconcilers.state.audit import verify_audit


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Configuration first, then the state store, then each system."""
    yield _checked("home", lambda: _home(settings.home), "choose another folder with TIEOUT_HOME")
    yield _checked(
        "matrix",
        lambda: _matrix(settings),
        f"correct {settings.matrix_path}",
    )
    yield _checked("policy", lambda: _policy(settings), f"correct {settings.policy_path}")
    yield _checked(
        "identity overrides",
        lambda: _overrides(settings),
        f"correct {settings.overrides_path}",
    )
    yield _checked("state store", lambda: _state(settings), "restore the state store from a backup")
    for system in dict.fromkeys([*SOURCES, *settings.connections_override]):
        yield _system(settings, system)


def _checked(subject: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(subject, ok=True, detail=look())
    except Exception as error:  # noqa: BLE001  # whatever is wrong, the person should read it
        return Finding(subject, ok=False, detail=str(error), remedy=remedy)


def _matrix(settings: Settings) -> str:
    rows = load_ownership(settings.matrix_path)
    attributes = {(row.entity, row.attribute) for row in rows}
    compared = {(row.entity, row.attribute) for row in rows if row.status == "compared"}
    return f"{len(attributes)} attributes, {len(compared)} of them compared"


def _home(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    probe = home / ".writable"
    probe.touch()
    probe.unlink()
    return str(home)


def _policy(settings: Settings) -> str:
    policy = load_policy(settings.policy_path)
    for code in CODES:
        policy.rule(code, None)
    return f"covers {len(CODES)} drift codes"


def _overrides(settings: Settings) -> str:
    overrides = load_overrides(settings.overrides_path, dt.datetime.now(dt.UTC).date())
    return f"{len(overrides.links)} links, {len(overrides.never)} never-links"


def _state(settings: Settings) -> str:
    with opened_state(settings) as state:
        verdict = verify_audit(state)
    if not verdict.holds:
        raise ValueError(f"the audit chain is broken: {verdict.problem}")
    return f"audit chain of {verdict.entries} entries holds"


def _system(settings: Settings, system: str) -> Finding:
    is_played = settings.uses_sandbox and system not in settings.connections_override
    if is_played and not control.is_running(settings.sandbox_dir):
        return Finding(
            system,
            ok=False,
            detail="the sandbox is not running and no real system is configured",
            remedy="`tieout sandbox up`, or fill in .env (see .env.example)",
        )
    try:
        detail = asyncio.run(_probe(settings, system))
        return Finding(system, ok=True, detail=detail)
    except SettingsError as error:
        return Finding(system, ok=False, detail=str(error), remedy="see .env.example")
    except Unauthorized as error:
        return Finding(
            system,
            ok=False,
            detail=str(error),
            remedy="check the credentials and permissions in .env against docs/connect.md",
        )
    except SourceError as error:
        return Finding(
            system, ok=False, detail=str(error), remedy="check the URL and that it can be reached"
        )


async def _probe(settings: Settings, system: str) -> str:
    """Read a little of every object: what is refused here would stop the night."""
    async with open_reader(settings.system_config(system)) as (reader, _):
        for spec in reader.objects.values():
            await reader.begin(spec, dt.datetime.now(dt.UTC))
        return f"log-in works, all {len(reader.objects)} objects can be read"
