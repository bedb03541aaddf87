"""The whole state store as one file, and back into an empty store on any database."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Date, Table, func, insert, select
from sqlalchemy.orm import Session

from reconcilers.canonical import canonical_json
from reconcilers.state.audit import ChainVerdict, append_audit, verify_chain
from reconcilers.state.models import AuditHead, Base
from reconcilers.state.store import State, revisions
from reconcilers.state.types import UtcDateTime

META = "backup.json"
AT_ONCE = 10_000  # rows between two calls to the database


class BackupError(RuntimeError):
    """The file cannot be restored, or not into this store; nothing was written."""


@dataclass(frozen=True)
class Backup:
    """What a file holds: whose store it was, its version, rows and hash per table."""

    taken_at: datetime
    heads: tuple[str, ...]
    rows: dict[str, int]
    sha256: dict[str, str]
    company: str = ""


def write_backup(state: State, path: Path, at: datetime | None = None, company: str = "") -> Backup:
    """Copy every table, as of one moment, into a file that `restore_backup` and people can read.

    The file is a zip of one JSON document per row and line; it appears whole or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    try:
        with state.read() as session, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as file:
            told = {t.name: _write_table(session, t, file) for t in Base.metadata.sorted_tables}
            made = Backup(
                taken_at=at or datetime.now(UTC),
                heads=_heads(session),
                rows={name: rows for name, (rows, _) in told.items()},
                sha256={name: digest for name, (_, digest) in told.items()},
                company=company,
            )
            file.writestr(META, json.dumps(made.__dict__ | {"taken_at": made.taken_at.isoformat()}))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return made


def restore_backup(
    state: State, path: Path, actor: str, at: datetime | None = None, company: str = ""
) -> ChainVerdict:
    """Fill an empty store from a file, and prove that the audit is whole; an audit line says so.

    Raises:
        BackupError: the store holds something, the file is damaged, of another version or of
            another company, or its audit does not verify.

    """
    with zipfile.ZipFile(path) as file, state.begin() as session:
        made = _read_meta(file)
        _require_same_version(session, made)
        if made.company and company and made.company != company:
            raise BackupError(f"the file is of {made.company}, this store of {company}")
        _require_empty(session)
        for table in Base.metadata.sorted_tables:
            _read_table(session, table, file, made)
        verdict = verify_chain(session)
        if not verdict.holds:
            raise BackupError(f"the audit in {path.name} breaks: {verdict.problem}")
        append_audit(
            session,
            actor=actor,
            action="state restored",
            subject=path.name,
            body={"taken_at": made.taken_at.isoformat(), "rows": made.rows},
            at=at or datetime.now(UTC),
        )
    return verdict


def _write_table(session: Session, table: Table, file: zipfile.ZipFile) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    ordered = select(table).order_by(*table.primary_key.columns)
    found = session.execute(ordered.execution_options(yield_per=AT_ONCE))
    with file.open(f"{table.name}.jsonl", "w") as stream:
        for row in found.mappings():
            line = canonical_json({name: _plain(row[name]) for name in row}).encode() + b"\n"
            stream.write(line)
            digest.update(line)
            count += 1
    return count, digest.hexdigest()


def _read_table(session: Session, table: Table, file: zipfile.ZipFile, made: Backup) -> None:
    if table.name == AuditHead.__tablename__:
        session.execute(table.delete())  # a new store has the head of an empty audit
    digest = hashlib.sha256()
    batch: list[dict[str, Any]] = []
    for line in _lines(file, f"{table.name}.jsonl"):
        digest.update(line)
        batch.append(_typed(table, json.loads(line)))
        if len(batch) == AT_ONCE:
            session.execute(insert(table), batch)
            batch = []
    if batch:
        session.execute(insert(table), batch)
    if digest.hexdigest() != made.sha256[table.name]:
        raise BackupError(f"{table.name} in the file was changed after it was written")


def _lines(file: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    try:
        with file.open(name) as stream:
            yield from stream
    except (KeyError, zipfile.BadZipFile) as error:
        raise BackupError(f"{name} cannot be read: {error}") from error


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(table.columns[name], value) for name, value in row.items()}


def _value(column: Column[Any], value: Any) -> Any:
    if value is not None and isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    return (
        date.fromisoformat(value) if value is not None and isinstance(column.type, Date) else value
    )


def _heads(session: Session) -> tuple[str, ...]:
    return tuple(sorted(revisions(session.connection())))


def _read_meta(file: zipfile.ZipFile) -> Backup:
    try:
        told = json.loads(file.read(META))
    except KeyError as error:
        raise BackupError(f"{file.filename} is no backup of a state store") from error
    moment = datetime.fromisoformat(told["taken_at"])
    return Backup(**told | {"taken_at": moment, "heads": tuple(told["heads"])})


def _require_same_version(session: Session, made: Backup) -> None:
    present = _heads(session)
    if made.heads != present:
        raise BackupError(
            f"the file is of version {', '.join(made.heads)}, this store of {', '.join(present)}: "
            "restore it with the Tieout that wrote it, and upgrade then"
        )


def _require_empty(session: Session) -> None:
    tables = [t for t in Base.metadata.sorted_tables if t.name != AuditHead.__tablename__]
    full = [t.name for t in tables if session.scalar(select(func.count()).select_from(t))]
    if full:
        raise BackupError(f"the store is not empty: {', '.join(full)}; give a new database")
