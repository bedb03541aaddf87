"""Corrections that wait for a person out as a CSV, and the same CSV back with decisions."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandera.polars as pa
from sqlalchemy import select

from reconcilers.corrections.approval import (
    DECIDABLE,
    ApprovalRefusedError,
    Decision,
    Word,
    decide,
)
from reconcilers.corrections.outbox import lock
from reconcilers.corrections.states import WrongStateError
from reconcilers.edited_csv import EditedFileError, Mistake, Row, one_of, optional, read_checked
from reconcilers.sealing import veiled
from reconcilers.spreadsheet import table
from reconcilers.state.models import Approval, CorrectionRecord
from reconcilers.state.store import State
from reconcilers.state.views import CorrectionView, list_corrections

# What the reader fills in; all other columns inform, and say which plan was looked at.
FILLED_IN = ("decision", "comment")
COLUMNS = (
    "correction_id",
    *FILLED_IN,
    "code",
    "severity",
    "state",
    "state_reason",
    "reason",
    "system",
    "object",
    "record_id",
    "before",
    "after",
    "impact_minor",
    "currency",
    "impact_reporting_minor",
    "approved_by",
    "assignee",
    "snapshot_date",
    "planned_at",
    "expires_at",
)
_REQUIRED = ("correction_id", "planned_at")
_SCHEMA = pa.DataFrameSchema(
    {name: pa.Column(str, nullable=name not in _REQUIRED) for name in COLUMNS}
    | {"decision": optional(one_of(("approve", "reject")))}
)


@dataclass(frozen=True)
class Decided:
    """What the words of a returned file did; `blank` counts the rows without a decision."""

    decisions: tuple[Decision, ...]
    blank: int


@dataclass(frozen=True)
class _Line:
    """A correction as one row of the file: its columns are looked up by their names."""

    view: CorrectionView
    approved_by: tuple[str, ...]
    decision: str = ""
    comment: str = ""

    def __getattr__(self, name: str) -> object:
        value = getattr(self.view, name)
        if isinstance(value, datetime):
            return value.isoformat()
        return json.dumps(veiled(value), ensure_ascii=False) if isinstance(value, dict) else value


def export_waiting(state: State, path: Path) -> int:
    """Write all corrections that a person may decide on, the dearest first, and count them."""
    views = list_corrections(state, states=[each.value for each in DECIDABLE])
    ranked = sorted(views, key=lambda view: (-abs(view.impact_reporting_minor or 0), view.code))
    said_yes = _approvers(state)
    lines = [_Line(view, tuple(said_yes[view.correction_id])) for view in ranked]
    path.parent.mkdir(parents=True, exist_ok=True)
    # the mark at the beginning tells spreadsheets that this is UTF-8
    path.write_bytes(b"\xef\xbb\xbf" + table(COLUMNS, lines).encode())
    return len(lines)


def take_decisions(state: State, path: Path, actor: str, at: datetime | None = None) -> Decided:
    """Take all decisions of a returned file in the name of `actor`, or none of them.

    Raises EditedFileError that names line and column: a word that is no decision, a correction that
    is not there, was planned anew or decided on since the export, or may not be decided by `actor`.
    """
    rows = read_checked(path, _SCHEMA)
    spoken = [(line, row) for line, row in rows if row["decision"]]
    lines_of = Counter(row["correction_id"] for _, row in spoken)
    mistakes = [
        Mistake(line, "correction_id", "stands on more than one line")
        for line, row in spoken
        if lines_of[row["correction_id"]] > 1
    ]
    decisions = []
    with state.begin() as session:
        lock(session, (row["correction_id"] or "" for _, row in spoken))
        for line, row in spoken:
            try:
                decisions.append(decide(session, _word(row), actor, at))
            except (ApprovalRefusedError, WrongStateError, LookupError, ValueError) as error:
                mistakes.append(Mistake(line, "decision", str(error)))
        if mistakes:
            raise EditedFileError(path, mistakes)
    return Decided(tuple(decisions), len(rows) - len(spoken))


def _word(row: Row) -> Word:
    return Word(
        correction_id=row["correction_id"] or "",
        decision=row["decision"] or "",
        comment=row["comment"] or "",
        planned_at=datetime.fromisoformat(row["planned_at"] or ""),
    )


def _approvers(state: State) -> defaultdict[str, list[str]]:
    """Who said yes already to what waits, as it is planned now, by correction."""
    query = (
        select(Approval.correction_id, Approval.actor)
        .join(CorrectionRecord, CorrectionRecord.correction_id == Approval.correction_id)
        .where(
            CorrectionRecord.state.in_([each.value for each in DECIDABLE]),
            Approval.decision == "approve",
            Approval.decided_at >= CorrectionRecord.planned_at,
        )
        .order_by(Approval.correction_id, Approval.actor)
    )
    said_yes: defaultdict[str, list[str]] = defaultdict(list)
    with state.read() as session:
        for correction_id, actor in session.execute(query).tuples():
            said_yes[correction_id].append(actor)
    return said_yes
