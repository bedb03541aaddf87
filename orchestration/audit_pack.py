"""Gathers the pack of a night: what the state store knows, manifests, report and rules."""

import datetime as dt
import hashlib
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from extractors.raw_zone import RawZone
from orchestration.settings import ROOT, Settings
from orchestration.stores import opened_state
from reconcilers.audit_pack.archive import PackVerdict, write_pack
from reconcilers.audit_pack.contents import members
from reconcilers.state.audit import append_audit

CODE = ("extractors", "reconcilers", "orchestration", "dbt_project")
WRITTEN_IN = {".py", ".sql", ".yml", ".toml", ".csv", ".j2", ".json"}
PACKED = "audit_pack"


def pack_path(settings: Settings, day: dt.date) -> Path:
    return settings.home / "exports" / f"audit-{day}.zip"


def make_pack(settings: Settings, day: dt.date, at: dt.datetime | None = None) -> PackVerdict:
    """Write the pack of a recorded night whose report is written; the audit keeps its hash.

    Raises LookupError when the night was not recorded, or has no report.
    """
    with opened_state(settings) as state:
        made = members(
            state,
            day,
            identity(settings, day),
            RawZone(settings.raw_dir).manifests(day),
            _files(settings, day),
        )
        verdict = write_pack(pack_path(settings, day), made)
        body = {"sha256": verdict.sha256, "head": verdict.head, "files": verdict.files}
        with state.begin() as session:
            append_audit(
                session,
                actor=settings.actor,
                action=PACKED,
                subject=day.isoformat(),
                body=body,
                at=at or dt.datetime.now(dt.UTC),
            )
    return verdict


def identity(settings: Settings, day: dt.date) -> dict[str, Any]:
    """What made the night, in hashes, and the command that makes it again from the raw zone."""
    return {
        "tieout_version": version("tieout"),
        "commit": commit(),
        "code_sha256": code_sha256(),
        "matrix_sha256": _sha256(settings.matrix_path.read_bytes()),
        "policy_sha256": _sha256(settings.policy_path.read_bytes()),
        "identity_overrides_sha256": _sha256(settings.overrides_path.read_bytes()),
        "again": f"tieout nightly {day}",
    }


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


def _files(settings: Settings, day: dt.date) -> dict[str, bytes]:
    folder = settings.report_dir(day)
    if not (folder / "report.html").exists():
        raise LookupError(f"the night of {day} has no report; `tieout report {day}` writes it")
    report = {
        f"report/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    rules = (settings.matrix_path, settings.policy_path)
    return report | {f"rules/{path.name}": path.read_bytes() for path in rules}


def _code() -> Iterator[Path]:
    for name in CODE:
        for path in (ROOT / name).rglob("*"):
            if path.suffix in WRITTEN_IN and not {"target", "logs"} & set(path.parts):
                yield path


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
