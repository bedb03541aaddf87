"""system_of_record.csv as it is edited: its columns, and what no row of it may say.

Each row names one attribute, its owner and one copy. What the rows say together, from version to
version, is in ownership.py.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandera.polars as pa

from reconcilers.edited_csv import (
    EditedFileError,
    Mistake,
    NumberedRow,
    Row,
    one_of,
    optional,
    read_checked,
)
from reconcilers.rules.base import RECORDING_ROLES
from reconcilers.rules.comparators import COMPARATORS
from reconcilers.rules.comparison import BY_NAME, CONTROL

# Classes that a compared row may name; what each means beyond "differs" is in rules/field.py.
FIELD_CODES = (
    "CON-AMT-01",
    "CON-TERM-01",
    "CRN-AMT-01",
    "CRN-APPL-01",
    "CRN-MISS-01",
    "CUS-ATTR-01",
    "INV-AMT-01",
    "INV-DATE-01",
    "INV-LINE-01",
    "INV-STAT-01",
    "JE-ENT-01",
    "PAY-AMT-01",
    "SUB-QTY-01",
    "SUB-STAT-01",
    "TAX-AMT-01",
)
# OWN owner overwrites copies; PAPER signed document decides; LATEST newest write; UNION all of
# them; CALC recomputed; FROZEN never changed after issue, only corrected additively.
CONFLICT_RULES = ("OWN", "PAPER", "LATEST", "UNION", "CALC", "FROZEN")
# compared: a rule reads both sides. golden_only: the golden value is chosen, no rule compares.
# canonical_only: the canonical table shows the owner's, copies are not put beside it.
# not_extracted: declared, so that it is known to be missing.
STATUSES = ("compared", "golden_only", "canonical_only", "not_extracted")
CANONICAL = "canonical"  # what Tieout computes itself
CONNECTED = RECORDING_ROLES
# Who owns things that none of these holds.
ELSEWHERE = ("tax_engine", "metering", "bank", "provisioning", "integration")
HOLDERS = (*CONNECTED, CANONICAL, *ELSEWHERE)

# Master data changes for as long as it lives.
_NEVER_ISSUED = ("customer", "customer_hierarchy", "product", "price", "opportunity")

_COMPARISONS = tuple(name for name in BY_NAME if name != CONTROL.name)
_COMPARED_CELLS = ("comparison", "replica", "drift_code", "comparator", "grace_hours")
_UNCOMPARED_CELLS = (
    "comparison",
    "tolerance_minor",
    "tolerance_per",
    "tolerance_cap_minor",
    "grace_hours",
)
_WITH_TOLERANCE = ("money", "ratio")
_NUMBER = r"^\d+$"
_DATE = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_CODE = r"^[A-Z]{2,3}-[A-Z]{2,4}-\d\d$"

Contradiction = tuple[str, str]  # column, message


class MatrixError(EditedFileError):
    """The matrix cannot be used; `mistakes` holds all that is wrong with it."""


def _matching(pattern: str, must: str, *, nullable: bool = False) -> pa.Column:
    return pa.Column(str, pa.Check.str_matches(pattern, error=must), nullable=nullable)


def _whole_number() -> pa.Column:
    return _matching(_NUMBER, "must be a whole number, 0 or more", nullable=True)


def _name() -> pa.Column:
    return _matching(r"^[a-z][a-z0-9_]*$", "must be lower case with underscores")


_SCHEMA = pa.DataFrameSchema(
    {
        "entity": _name(),
        "attribute": _name(),
        "status": one_of(STATUSES),
        "comparison": optional(one_of(_COMPARISONS)),
        "owner": one_of(HOLDERS),
        "replica": optional(one_of(HOLDERS)),
        "fallback": _matching(r"^[1-9]\d?$", "must be 1 or more, or empty", nullable=True),
        "drift_code": _matching(_CODE, "must be a class such as INV-AMT-01", nullable=True),
        "comparator": optional(one_of(tuple(COMPARATORS))),
        "tolerance_minor": _whole_number(),
        "tolerance_per": _matching("^line$", "must be 'line' or empty", nullable=True),
        "tolerance_cap_minor": _whole_number(),
        "grace_hours": _whole_number(),
        "conflict_rule": one_of(CONFLICT_RULES),
        "approval": optional(one_of(("P", "P2"))),
        "valid_from": _matching(_DATE, "must be YYYY-MM-DD"),
        "valid_to": _matching(_DATE, "must be YYYY-MM-DD or empty", nullable=True),
        "missing": pa.Column(str, nullable=True),
        "why": pa.Column(str),
    },
    strict=True,
)


def read_rows(file: Path) -> list[NumberedRow]:
    """The rows of the file, each sound in itself.

    Raises MatrixError that lists every mistake of every row.
    """
    try:
        numbered = read_checked(file, _SCHEMA)
    except EditedFileError as error:
        raise MatrixError(file, error.mistakes) from error
    mistakes = [
        Mistake(line, column, message)
        for line, row in numbered
        for column, message in _contradictions(row)
    ]
    if mistakes:
        raise MatrixError(file, mistakes)
    return numbered


def _contradictions(row: Row) -> Iterator[Contradiction]:
    """What no single cell shows."""
    if row["owner"] == row["replica"]:
        yield "replica", "is the owner itself"
    if row["fallback"] is not None and row["replica"] is None:
        yield "fallback", "has no meaning without a replica"
    yield from _of_status(row)
    yield from _of_rule(row)
    yield from _of_tolerance(row)
    yield from _of_dates(row)


def _of_status(row: Row) -> Iterator[Contradiction]:
    if row["status"] == "compared":
        yield from _of_comparison(row)
    else:
        yield from (
            (name, f"has no meaning for {row['status']}")
            for name in _UNCOMPARED_CELLS
            if row[name] is not None
        )
    lacks = row["status"] == "not_extracted" or (
        row["status"] == "canonical_only" and row["replica"] is not None
    )
    if lacks and row["missing"] is None:
        yield "missing", f"must say what is missing for {row['status']}"
    if not lacks and row["missing"] is not None:
        yield "missing", f"has no meaning for {row['status']}"
    if row["status"] == "not_extracted" and row["fallback"] is not None:
        yield "fallback", "cannot stand in: its value is not extracted"


def _of_comparison(row: Row) -> Iterator[Contradiction]:
    for name in _COMPARED_CELLS:
        if row[name] is None:
            yield name, "must be given where values are compared"
    if row["drift_code"] is not None and row["drift_code"] not in FIELD_CODES:
        yield "drift_code", f"must be one of {', '.join(FIELD_CODES)} where values are compared"
    if row["comparison"] is not None:
        sides = BY_NAME[row["comparison"]].sides
        for name in ("owner", "replica"):
            if row[name] is not None and row[name] not in sides:
                yield name, f"{row[name]} is no side of {row['comparison']}"


def _of_rule(row: Row) -> Iterator[Contradiction]:
    """What a conflict rule asks of its owner."""
    chosen = row["status"] in {"compared", "golden_only"}
    owner, rule = row["owner"], row["conflict_rule"]
    if owner == CANONICAL and rule != "CALC":
        yield "conflict_rule", "must be CALC: what the owner holds is computed"
    if rule == "CALC" and chosen and owner != CANONICAL:
        yield "owner", f"must be {CANONICAL}: CALC takes no system's value"
    if rule in {"CALC", "UNION"} and row["fallback"] is not None:
        yield "fallback", f"has no meaning for {rule}: nothing stands in"
    if rule == "PAPER" and owner not in {"crm", *ELSEWHERE}:
        yield "owner", "must be crm: no other system holds signed paper"
    if rule == "UNION" and row["comparator"] not in {None, "set"}:
        yield "comparator", "must be set for UNION"
    if rule == "FROZEN" and row["entity"] in _NEVER_ISSUED:
        yield "conflict_rule", f"cannot be FROZEN: a {row['entity']} is not issued once"


def _of_tolerance(row: Row) -> Iterator[Contradiction]:
    if row["status"] != "compared":
        return
    has_tolerance = row["comparator"] in _WITH_TOLERANCE
    if has_tolerance and row["tolerance_minor"] is None:
        yield "tolerance_minor", f"must be given for {row['comparator']}"
    if not has_tolerance and int(row["tolerance_minor"] or 0) != 0:
        yield "tolerance_minor", f"has no meaning for {row['comparator']}"
    if row["tolerance_cap_minor"] is not None and row["tolerance_per"] is None:
        yield "tolerance_cap_minor", "has no meaning without tolerance_per"
    if row["comparator"] == "ratio" and row["tolerance_per"] is not None:
        yield "tolerance_per", "has no meaning for ratio"


def _of_dates(row: Row) -> Iterator[Contradiction]:
    days = {}
    for name in ("valid_from", "valid_to"):
        try:
            text = row[name]
            days[name] = date.fromisoformat(text) if text else None
        except ValueError as error:
            yield name, str(error)
    first, last = days.get("valid_from"), days.get("valid_to")
    if first is not None and last is not None and last < first:
        yield "valid_to", "lies before valid_from"
