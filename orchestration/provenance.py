"""Which code and which rules a night was made with: hashes, kept in the audit as it is made."""

import datetime as dt
import hashlib
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import select

from orchestration.company_files import ROOT, own_files
from orchestration.settings import Settings
from reconcilers.state.audit import append_audit
from reconcilers.state.models import AuditEntry
from reconcilers.state.store import State

CODE = ("extractors", "reconcilers", "orchestration", "dbt_project")
WRITTEN_IN = {".py", ".sql", ".yml", ".toml", ".csv", ".j2", ".json"}
MADE = "night"


def keep_provenance(settings: Settings, state: State, day: dt.date) -> None:
    """Say in the audit what the findings of a night, which were just recorded, were made with."""
    body, now = provenance(settings), dt.datetime.now(dt.UTC)
    with state.begin() as session:
        append_audit(
            session, actor=settings.actor, action=MADE, subject=str(day), body=body, at=now
        )


def kept_provenance(state: State, day: dt.date) -> dict[str, Any] | None:
    """What the newest findings of a night were made with; None where that was not kept yet."""
    query = (
        select(AuditEntry.body)
        .where(AuditEntry.action == MADE, AuditEntry.subject == str(day))
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    )
    with state.read() as session:
        found: dict[str, Any] | None = session.scalar(query)
    return found


def provenance(settings: Settings) -> dict[str, Any]:
    """Code and rules as they are now."""
    return {
        "tieout_version": version("tieout"),
        "commit": commit(),
        "code_sha256": code_sha256(),
        "matrix_sha256": _sha256(settings.matrix_path.read_bytes()),
        "policy_sha256": _sha256(settings.policy_path.read_bytes()),
        "identity_overrides_sha256": _sha256(settings.overrides_path.read_bytes()),
        **_company_files(settings),
        **({"company": settings.company} if settings.company else {}),
    }


def _company_files(settings: Settings) -> dict[str, Any]:
    """The company's own files, which are no part of the code; nothing where it has none."""
    if settings.config_dir is None:
        return {}
    folder = settings.config_dir
    hashes = {name: _sha256((folder / name).read_bytes()) for name in own_files(folder)}
    return {"company_files_sha256": hashes}


def commit() -> str:
    """The commit that is checked out, marked where something was changed; '' outside of git."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"],  # noqa: S607  # the user's own git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def code_sha256() -> str:
    """One hash over everything that decides what a night finds, in the order of its paths."""
    digest = hashlib.sha256()
    for path in sorted(_code()):
        digest.update(f"{path.relative_to(ROOT)}\0{_sha256(path.read_bytes())}\n".encode())
    return digest.hexdigest()


def _code() -> Iterator[Path]:
    for name in CODE:
        for path in (ROOT / name).rglob("*"):
            if path.suffix in WRITTEN_IN and not {"target", "logs"} & set(path.parts):
                yield path


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
