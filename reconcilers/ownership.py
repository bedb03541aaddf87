"""Who owns what: every row of the system-of-record matrix, and what its rows say together.

Rows of one attribute and one pair of holders are versions: a later valid_from replaces an earlier
one, valid_to (the last day, included) ends one without a successor.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from reconcilers.edited_csv import Mistake, NumberedRow, Row
from reconcilers.matrix_file import CANONICAL, CONNECTED, ELSEWHERE, MatrixError, read_rows

# The entities whose golden values are chosen, and which holders' values the models
# canonical.<entity>_values put side by side.
GOLDEN_HOLDERS = {
    "customer": (*CONNECTED, CANONICAL),
    "product": (*CONNECTED, CANONICAL),
    "price": ("crm",),
    "contract": ("crm", "billing"),
    "contract_line": ("crm", "billing"),
    "subscription": ("crm", "billing", CANONICAL),
    "invoice": ("billing", "erp", CANONICAL),
    "payment": ("billing", "erp", CANONICAL),
    "credit_note": ("billing", "erp"),
    "refund": ("billing", "erp"),
}

Pair = tuple[str, str, frozenset[str]]  # entity, attribute, the two holders


@dataclass(frozen=True)
class Ownership:
    """One attribute, its owner and one holder of a copy ('' = nobody copies it).

    `fallback` is the place in the order of those that stand in where the owner holds no value.
    """

    entity: str
    attribute: str
    status: str
    owner: str
    replica: str
    fallback: int | None
    drift_code: str
    conflict_rule: str
    approval: str
    valid_from: date
    valid_to: date | None
    missing: str
    why: str
    line: int

    @property
    def pair(self) -> Pair:
        return (self.entity, self.attribute, frozenset({self.owner, self.replica}))

    @property
    def is_chosen(self) -> bool:
        """Whether a golden value is chosen by this row."""
        return self.status in {"compared", "golden_only"}


def load_ownership(path: str | Path) -> tuple[Ownership, ...]:
    """Every row of system_of_record.csv.

    Raises MatrixError that lists every mistake with its line and column.
    """
    file = Path(path)
    return tuple(_typed(line, row) for line, row in sound_rows(file))


def sound_rows(file: Path) -> list[NumberedRow]:
    """The rows as text, each sound in itself and together.

    Raises MatrixError.
    """
    numbered = read_rows(file)
    rows = [_typed(line, row) for line, row in numbered]
    mistakes = [*_repeated(numbered), *_of_holders(rows), *_of_versions(rows)]
    if mistakes:
        raise MatrixError(file, mistakes)
    return numbered


def owned_on(rows: Iterable[Ownership], day: date) -> list[Ownership]:
    """The rows that are in force on the day, in the order of the file."""
    chosen: dict[Pair, Ownership] = {}
    for row in rows:
        before = chosen.get(row.pair)
        if row.valid_from <= day and (before is None or row.valid_from > before.valid_from):
            chosen[row.pair] = row
    ended = [row.valid_to is not None and row.valid_to < day for row in chosen.values()]
    kept = [row for row, gone in zip(chosen.values(), ended, strict=True) if not gone]
    return sorted(kept, key=lambda row: row.line)


def _repeated(numbered: Sequence[NumberedRow]) -> Iterator[Mistake]:
    """Versions that begin on one day.

    A pair can stand in several comparisons, so the comparison tells rows apart too.
    """
    seen: dict[tuple[object, ...], int] = {}
    for line, row in numbered:
        names = ("entity", "attribute", "comparison", "valid_from")
        key = (*(row[name] for name in names), frozenset({row["owner"], row["replica"]}))
        if key in seen:
            yield Mistake(line, "attribute", f"says again what line {seen[key]} says")
        seen.setdefault(key, line)


def _of_holders(rows: Iterable[Ownership]) -> Iterator[Mistake]:
    for row in rows:
        for column, holder in (("owner", row.owner), ("replica", row.replica)):
            if holder and not _can_hold(row, holder):
                message = f"{holder} holds no {row.entity}, so nothing can be {row.status}"
                yield Mistake(row.line, column, message)


def _can_hold(row: Ownership, holder: str) -> bool:
    """Whether the models know the holder's values, as far as the row's status needs them."""
    if row.status == "golden_only" or (row.status == "compared" and row.entity in GOLDEN_HOLDERS):
        return holder in GOLDEN_HOLDERS.get(row.entity, ())
    if row.status == "canonical_only":
        return holder not in ELSEWHERE or holder == "integration"
    return True


def _of_versions(rows: Sequence[Ownership]) -> Iterator[Mistake]:
    """On every day one attribute has one owner, one rule, and one stand-in per place."""
    of_attribute: dict[tuple[str, str], list[Ownership]] = defaultdict(list)
    for row in rows:
        of_attribute[row.entity, row.attribute].append(row)
    found: dict[tuple[int, str], Mistake] = {}
    for versions in of_attribute.values():
        for day in _first_days(versions):
            for mistake in _at_odds(owned_on(versions, day), day):
                found.setdefault((mistake.line, mistake.column), mistake)
    yield from found.values()


def _first_days(versions: Iterable[Ownership]) -> list[date]:
    """The days on which something begins or has ended."""
    begun = {row.valid_from for row in versions}
    ended = {row.valid_to + timedelta(days=1) for row in versions if row.valid_to is not None}
    return sorted(begun | ended)


def _at_odds(rows: Sequence[Ownership], day: date) -> Iterator[Mistake]:
    for row in rows[1:]:
        for column in ("owner", "conflict_rule"):
            if getattr(row, column) != getattr(rows[0], column):
                said, line = getattr(rows[0], column), rows[0].line
                message = f"is {said} in line {line}, which is in force on {day} too; end one"
                yield Mistake(row.line, column, message)
    places: dict[int, int] = {}
    for row in rows:
        if row.fallback is None:
            continue
        if row.fallback in places:
            line = places[row.fallback]
            yield Mistake(row.line, "fallback", f"is the place that line {line} gives on {day}")
        places.setdefault(row.fallback, row.line)


def _typed(line: int, row: Row) -> Ownership:
    cell = {name: value or "" for name, value in row.items()}
    return Ownership(
        entity=cell["entity"],
        attribute=cell["attribute"],
        status=cell["status"],
        owner=cell["owner"],
        replica=cell["replica"],
        fallback=int(cell["fallback"]) if cell["fallback"] else None,
        drift_code=cell["drift_code"],
        conflict_rule=cell["conflict_rule"],
        approval=cell["approval"],
        valid_from=date.fromisoformat(cell["valid_from"]),
        valid_to=date.fromisoformat(cell["valid_to"]) if cell["valid_to"] else None,
        missing=cell["missing"],
        why=cell["why"],
        line=line,
    )
