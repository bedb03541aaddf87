"""Open exceptions out as a CSV, and the same CSV back with what people say of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

import pandera.polars as pa
from sqlalchemy.orm import Session

from reconcilers import triage
from reconcilers.edited_csv import (
    EditedFileError,
    Mistake,
    NumberedRow,
    Row,
    one_of,
    optional,
    read_checked,
)
from reconcilers.spreadsheet import cell, table
from reconcilers.state.store import State
from reconcilers.state.views import ExceptionView, list_exceptions
from reconcilers.triage import Said, Standing, TriageRefusedError
from reconcilers.waivers import WaiverRefusedError

DECISIONS = (triage.ASSIGN, triage.COMMENT, triage.ASK, "grant_waiver")
# What the reader fills in; all other columns inform.
FILLED_IN = ("decision", "to", "expires_on", "text")
COLUMNS = (
    "exception_key",
    *FILLED_IN,
    "assignee",
    "comments",
    "waiver_asked_by",
    *(item.name for item in fields(ExceptionView) if item.name != "exception_key"),
)
MONEY = "impact_reporting_minor"
OVER_MONEY = (triage.ASK, "grant_waiver")
_SCHEMA = pa.DataFrameSchema(
    {name: pa.Column(str, nullable=name != "exception_key") for name in COLUMNS}
    | {"decision": optional(one_of(DECISIONS))}
)
_Say = Callable[[Session, Said, Row], int]


@dataclass(frozen=True)
class _Line:
    """An exception as one row of the file: its columns are looked up by their names."""

    view: ExceptionView
    standing: Standing
    decision: str = ""
    to: str = ""
    expires_on: str = ""
    text: str = ""

    @property
    def waiver_asked_by(self) -> str:
        return self.standing.asked.by if self.standing.asked else ""

    def __getattr__(self, name: str) -> object:
        return getattr(self.standing if name in {"assignee", "comments"} else self.view, name)


def export_open(state: State, path: Path, code: str | None = None) -> int:
    """Write the open exceptions, the gravest and dearest first, and count them."""
    standing = triage.standings(state)
    views = list_exceptions(state, states=("OPEN",), code=code)
    lines = [_Line(view, standing.get(view.exception_key, Standing())) for view in views]
    path.parent.mkdir(parents=True, exist_ok=True)
    # the mark at the beginning tells spreadsheets that this is UTF-8
    path.write_bytes(b"\xef\xbb\xbf" + table(COLUMNS, lines).encode())
    return len(lines)


def take_words(state: State, path: Path, actor: str, at: datetime | None = None) -> Counter[str]:
    """Take all that a returned file says, in the name of `actor`; how often what was said.

    Equal words are taken together. Raises EditedFileError that names line and column of what is
    wrong; then nothing is taken. A waiver is asked for, or granted, over the money that was shown.
    """
    rows = [(line, row) for line, row in read_checked(path, _SCHEMA) if row["decision"]]
    if mistakes := [*_mistakes(state, rows)]:
        raise EditedFileError(path, mistakes)
    moment = at or datetime.now(UTC)
    taken: Counter[str] = Counter()
    with state.begin() as session:
        for words, lines in _alike(rows).items():
            said = Said(tuple(row["exception_key"] or "" for _, row in lines), actor, moment)
            try:
                taken[words[0]] += _SAY[words[0]](session, said, lines[0][1])
            except (TriageRefusedError, WaiverRefusedError) as error:
                mistake = Mistake(lines[0][0], "decision", str(error))
                raise EditedFileError(path, [mistake]) from error
    return taken


def _mistakes(state: State, rows: Sequence[NumberedRow]) -> list[Mistake]:
    views = list_exceptions(state, states=("OPEN", "WAIVED"))
    known = {view.exception_key: cell(view.impact_reporting_minor) for view in views}
    times = Counter((row["exception_key"], row["decision"]) for _, row in rows)
    found = []
    for line, row in rows:
        if row["exception_key"] not in known:
            found.append(Mistake(line, "exception_key", "no open exception has this key"))
        elif row["decision"] in OVER_MONEY and known[row["exception_key"]] != (row[MONEY] or ""):
            found.append(Mistake(line, MONEY, "is another one since the export; look again"))
        if times[row["exception_key"], row["decision"]] > 1:
            found.append(Mistake(line, "exception_key", "says the same on more than one line"))
        found += [
            Mistake(line, column, f"{row['decision']} needs it")
            for column in _NEEDED[row["decision"] or ""]
            if not row[column]
        ]
        if row["expires_on"] and not _is_day(row["expires_on"]):
            found.append(Mistake(line, "expires_on", "write it as 2026-06-30"))
    return found


def _alike(rows: Sequence[NumberedRow]) -> Mapping[tuple[str, ...], list[NumberedRow]]:
    alike: dict[tuple[str, ...], list[NumberedRow]] = {}
    for line, row in rows:
        alike.setdefault(tuple(row[name] or "" for name in FILLED_IN), []).append((line, row))
    return alike


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


_NEEDED: Mapping[str, tuple[str, ...]] = {
    triage.ASSIGN: ("to",),
    triage.COMMENT: ("text",),
    triage.ASK: ("expires_on", "text"),
    "grant_waiver": (),
}
_SAY: Mapping[str, _Say] = {
    triage.ASSIGN: lambda session, said, row: triage.assign(session, said, row["to"] or ""),
    triage.COMMENT: lambda session, said, row: triage.comment(session, said, row["text"] or ""),
    triage.ASK: lambda session, said, row: triage.ask_waiver(
        session, said, date.fromisoformat(row["expires_on"] or ""), row["text"] or ""
    ),
    "grant_waiver": lambda session, said, _: triage.grant_waiver(session, said),
}
