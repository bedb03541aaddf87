"""Questions out to a steward as a CSV, and the same CSV with answers back into the overrides."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from reconcilers.edited_csv import EditedFileError, Mistake, reader_of
from reconcilers.identity.overrides import key_of, load_overrides

ANSWERS = {
    "link": "link",
    "same": "link",
    "yes": "link",
    "never_link": "never_link",
    "different": "never_link",
    "no": "never_link",
}
# What the steward fills in; all other columns only inform.
FILLED_IN = ("decision", "comment", "decided_by")
_PAIR = ("left_system", "left_id", "right_system", "right_id")
_HEADER = (
    "action",
    *_PAIR,
    "reason",
    "decided_by",
    "decided_on",
    "expires_on",
)


@dataclass(frozen=True)
class Answered:
    """How many answers were taken, were known already, and how many questions are still open."""

    taken: int
    known: int
    blank: int


def export_questions(queue: pl.DataFrame, path: Path) -> int:
    """Write the questions, the dearest first, with blank columns for the answers."""
    blank = [pl.lit(None, pl.String).alias(name) for name in FILLED_IN]
    path.parent.mkdir(parents=True, exist_ok=True)
    # the mark at the beginning tells spreadsheets that this is UTF-8
    path.write_bytes(b"\xef\xbb\xbf" + queue.with_columns(blank).write_csv().encode())
    return queue.height


def import_answers(path: Path, overrides: Path, day: date, actor: str) -> Answered:
    """Take the answers of a returned file into the overrides, all of them or none.

    Raises EditedFileError naming line and column: a word that is no answer, a pair that is missing,
    or an answer that contradicts what is decided already.
    """
    rows = _read(path)
    mistakes = [mistake for line, row in rows for mistake in _mistakes(line, row)]
    if mistakes:
        raise EditedFileError(path, mistakes)
    answered = [row for _, row in rows if row.get("decision")]
    current = overrides.read_text("utf-8-sig") if overrides.exists() else ",".join(_HEADER) + "\n"
    known = {_identity(row) for row in csv.DictReader(io.StringIO(current))}
    made = [_override(row, day, actor) for row in answered]
    new = {_identity(row): row for row in made}
    fresh = [row for identity, row in new.items() if identity not in known]
    if fresh:
        _write(overrides, current, fresh, day)
    return Answered(len(fresh), len(answered) - len(fresh), len(rows) - len(answered))


def _read(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    reader = reader_of(path.read_text("utf-8-sig"))
    missing = [name for name in (*_PAIR, "decision") if name not in (reader.fieldnames or ())]
    if missing:
        raise EditedFileError(path, [Mistake(1, name, "column is missing") for name in missing])
    return [
        (reader.line_num, {name: (row[name] or "").strip() for name in reader.fieldnames or ()})
        for row in reader
    ]


def _mistakes(line: int, row: Mapping[str, str]) -> list[Mistake]:
    decision = row["decision"].lower()
    if not decision:
        return []
    if decision not in ANSWERS:
        return [Mistake(line, "decision", f"must be one of {', '.join(ANSWERS)}, not {decision!r}")]
    return [Mistake(line, name, "must not be empty") for name in _PAIR if not row[name]]


def _override(row: Mapping[str, str], day: date, actor: str) -> dict[str, str]:
    return {
        "action": ANSWERS[row["decision"].lower()],
        **{name: row[name] for name in _PAIR},
        "reason": row.get("comment") or f"review: {row.get('reason') or 'asked'}",
        "decided_by": row.get("decided_by") or actor,
        "decided_on": day.isoformat(),
        "expires_on": "",
    }


def _identity(row: Mapping[str, str]) -> tuple[object, ...]:
    left = key_of(row["left_system"], row["left_id"])
    right = key_of(row["right_system"] or "", row["right_id"] or "")
    return (row["action"], *sorted((left, right)))


def _write(overrides: Path, current: str, rows: list[dict[str, str]], day: date) -> None:
    """Beside the file first: only what can be read as a whole takes its place."""
    text = io.StringIO()
    csv.DictWriter(text, _HEADER, lineterminator="\n").writerows(rows)
    draft = overrides.with_name(f"{overrides.name}.draft")
    overrides.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(current.rstrip("\n") + "\n" + text.getvalue(), "utf-8")
    try:
        load_overrides(draft, day)
        draft.replace(overrides)
    finally:
        draft.unlink(missing_ok=True)
