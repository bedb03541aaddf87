"""Gathers the pack of a night: what the state store knows, manifests, report and rules."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from extractors.raw_zone import RawZone
from extractors.registry import READ
from orchestration.company_files import SEEDS, own_files
from orchestration.exports import publish_file
from orchestration.extraction import mirrored
from orchestration.provenance import kept_provenance, provenance
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.audit_pack.archive import PackVerdict, write_pack
from reconcilers.audit_pack.contents import members
from reconcilers.state.audit import append_audit
from reconcilers.state.models import AuditEntry
from reconcilers.state.store import State

PACKED = "audit_pack"


def pack_path(settings: Settings, day: dt.date) -> Path:
    name = "-".join(filter(None, ("audit", settings.company, str(day))))
    return settings.home / "exports" / f"{name}.zip"


def make_pack(settings: Settings, day: dt.date, at: dt.datetime | None = None) -> PackVerdict:
    """Write the pack of a recorded night whose report is written; the audit keeps its hash.

    Raises LookupError when the night was not recorded, or has no report.
    """
    with mirrored(settings, *READ), opened_state(settings) as state:
        made = members(
            state,
            day,
            {
                "night_made_with": kept_provenance(state, day),
                "pack_made_with": provenance(settings),
                "again": f"tieout nightly {day}",
            },
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
    publish_file(settings, pack_path(settings, day))
    return verdict


def _files(settings: Settings, day: dt.date) -> dict[str, bytes]:
    folder = settings.report_dir(day)
    if not (folder / "report.html").exists():
        raise LookupError(f"the night of {day} has no report; `tieout report {day}` writes it")
    report = {
        f"report/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    own = SEEDS.keys() & set(own_files(settings.config_dir) if settings.config_dir else ())
    # Last what a variable may name elsewhere: it goes before the company's folder.
    rules = [settings.company_file(name) for name in sorted(own)]
    rules += [settings.matrix_path, settings.policy_path, settings.passes_path]
    return report | {f"rules/{path.name}": path.read_bytes() for path in rules}


def is_known(state: State, sha256: str) -> bool | None:
    """Whether the audit here tells of a pack with this hash; None when it tells of no pack.

    Who makes a changed pack whole again cannot make the audit tell of it.
    """
    with state.read() as session:
        made: Sequence[Any] = session.scalars(
            select(AuditEntry.body).where(AuditEntry.action == PACKED)
        ).all()
    return any(body["sha256"] == sha256 for body in made) if made else None
