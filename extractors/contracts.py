"""From wire records to typed rows: what keeps its contract lands, the rest is quarantined.

The contract of an object follows from its declaration (kinds, required, allowed). A record that
breaks it is kept with its reasons and its payload; it never stops the night.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from extractors.protocol import LANDING_COLUMNS, Field, ObjectSpec

PATTERNS = {
    "decimal": r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$",
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "datetime": r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$",
    "flag": r"^[TF]$",
}
MISSING = "required, but missing"
_COMPACT = json.JSONEncoder(default=str, ensure_ascii=False, separators=(",", ":"))


class Failure(NamedTuple):
    """Row number within the frame, column, and what is wrong with the value."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class Quarantined:
    """A record that breaks its contract. `parent` is set for child objects only."""

    key: str
    parent: str | None
    field: str
    reason: str
    payload: str
    ordinal: int

    def line(self) -> str:
        """One line of quarantine.jsonl."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, text: str) -> Self:
        # Files written before ordinals were kept have none.
        return cls(**{"ordinal": -1, **json.loads(text)})


@dataclass(frozen=True)
class Checked:
    """Rows that keep the contract, and the records that do not."""

    rows: pl.DataFrame
    quarantined: list[Quarantined]


@functools.cache
def contract_of(spec: ObjectSpec) -> pa.DataFrameSchema:
    """The pandera schema that follows from the declaration of an object."""
    return pa.DataFrameSchema(
        {item.column: _column_contract(item) for item in spec.fields}, strict="filter"
    )


def check(
    spec: ObjectSpec,
    records: Sequence[Mapping[str, Any]] | pl.DataFrame,
    *,
    first_ordinal: int = 0,
    changed_at: Mapping[str, str] | None = None,
) -> Checked:
    """Flatten, type and check records; `changed_at` gives the ISO time of change per key.

    A frame holds text under the fields' columns; what it does not hold is null.
    """
    if isinstance(records, pl.DataFrame):
        frame, failures = _typed_frame(spec, records)
    else:
        frame, failures = _frame_of(spec, records)
    failures += _broken_rules(spec, frame)
    frame = frame.with_columns(
        pl.lit(value=False).alias("_deleted"),
        pl.int_range(first_ordinal, first_ordinal + len(records)).alias("_ordinal"),
        _change_times(spec, frame, changed_at or {}),
    )
    reasons = _first_per_row(failures)
    rows = frame if not reasons else frame.filter(~_row_numbers(frame).is_in(list(reasons)))
    quarantined = [
        _quarantine(spec, frame, _record(records, row), row, found)
        for row, found in reasons.items()
    ]
    return Checked(rows, quarantined)


def tombstone_rows(
    spec: ObjectSpec, tombstones: Sequence[Mapping[str, str]], *, first_ordinal: int
) -> pl.DataFrame:
    """Rows that say that a record is gone; every column but those of the tombstone is null."""
    columns = {
        name: pl.Series(name, [stone.get(name) for stone in tombstones], dtype=dtype)
        for name, dtype in spec.columns.items()
    }
    return pl.DataFrame(columns).with_columns(
        pl.lit(value=True).alias("_deleted"),
        pl.int_range(first_ordinal, first_ordinal + len(tombstones)).alias("_ordinal"),
        pl.lit(None, dtype=LANDING_COLUMNS["_changed_at"]).alias("_changed_at"),
    )


def _column_contract(item: Field) -> pa.Column:
    checks = []
    if item.kind in PATTERNS:
        checks.append(pa.Check.str_matches(PATTERNS[item.kind], error=f"not a {item.kind}"))
    if item.allowed:
        checks.append(pa.Check.isin(sorted(item.allowed), error="not one of the known values"))
    return pa.Column(item.dtype, checks, nullable=not item.required)


def _frame_of(
    spec: ObjectSpec, records: Sequence[Mapping[str, Any]]
) -> tuple[pl.DataFrame, list[Failure]]:
    failures: list[Failure] = []
    columns = {}
    for item in spec.fields:
        values = _values(item, records)
        try:
            columns[item.column] = pl.Series(item.column, values, dtype=item.dtype, strict=True)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            columns[item.column] = _value_by_value(item, values, failures)
    return pl.DataFrame(columns), failures


def _typed_frame(spec: ObjectSpec, text: pl.DataFrame) -> tuple[pl.DataFrame, list[Failure]]:
    """Text columns in their declared types; empty text is no value, as in the vendors' CSV."""
    failures: list[Failure] = []
    columns = {}
    for item in spec.fields:
        if item.column not in text.columns:
            columns[item.column] = pl.Series(item.column, [None] * text.height, dtype=item.dtype)
            continue
        sent = text[item.column].replace("", None)
        typed = _read_as(item, sent)
        unread = typed.is_null() & sent.is_not_null()
        failures.extend(
            Failure(row, item.column, f"not of type {item.kind}: {sent[row]!r:.60}")
            for row in unread.arg_true()
        )
        columns[item.column] = typed
    return pl.DataFrame(columns), failures


def _read_as(item: Field, sent: pl.Series) -> pl.Series:
    if item.dtype == pl.Boolean():
        known = {"true": True, "false": False}
        return sent.replace_strict(known, default=None, return_dtype=pl.Boolean())
    return sent.cast(item.dtype, strict=False)


def _record(records: Sequence[Mapping[str, Any]] | pl.DataFrame, row: int) -> Mapping[str, Any]:
    return records.row(row, named=True) if isinstance(records, pl.DataFrame) else records[row]


def _values(item: Field, records: Sequence[Mapping[str, Any]]) -> list[Any]:
    first, *rest = item.path
    values = [record.get(first) for record in records]
    for name in rest:
        values = [value.get(name) if isinstance(value, dict) else None for value in values]
    return [_json_text(value) for value in values] if item.kind == "json" else values


def _value_by_value(item: Field, values: list[Any], failures: list[Failure]) -> pl.Series:
    """The slow path, for a page with a value of the wrong type: only that value is lost."""
    kept: list[Any] = []
    for row, value in enumerate(values):
        try:
            pl.Series([value], dtype=item.dtype, strict=True)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            failures.append(Failure(row, item.column, f"not of type {item.kind}: {value!r:.60}"))
            kept.append(None)
        else:
            kept.append(value)
    return pl.Series(item.column, kept, dtype=item.dtype)


@functools.cache
def _is_broken(spec: ObjectSpec) -> pl.Expr:
    """Whether any row breaks the contract, in one pass over the frame."""
    broken = [pl.lit(value=False)]
    for item in spec.fields:
        column = pl.col(item.column)
        if item.required:
            broken.append(column.is_null().any())
        if item.kind in PATTERNS:
            broken.append((~column.str.contains(PATTERNS[item.kind])).any())
        if item.allowed:
            broken.append((~column.is_in(sorted(item.allowed))).any())
    return pl.any_horizontal(broken)


def _broken_rules(spec: ObjectSpec, frame: pl.DataFrame) -> list[Failure]:
    # pandera names what is broken, and takes a pass for each rule; few pages have anything broken.
    if frame.is_empty() or not frame.select(_is_broken(spec)).item():
        return []
    try:
        contract_of(spec).validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.select("index", "column", "check", "failure_case")
        return [
            Failure(row, column, MISSING if rule == "not_nullable" else f"{rule}: {value!r:.60}")
            for row, column, rule, value in cases.iter_rows()
        ]
    return []


def _first_per_row(failures: list[Failure]) -> dict[int, Failure]:
    """One failure per row, in row order: the first field, and the reasons of all of them."""
    by_row: dict[int, dict[str, str]] = {}
    for row, column, reason in failures:
        by_row.setdefault(row, {}).setdefault(column, reason)
    return {
        row: Failure(
            row,
            next(iter(by_row[row])),
            "; ".join(f"{column}: {reason}" for column, reason in by_row[row].items()),
        )
        for row in sorted(by_row)
    }


def _quarantine(
    spec: ObjectSpec, frame: pl.DataFrame, record: Mapping[str, Any], row: int, found: Failure
) -> Quarantined:
    keys = [frame.item(row, name) for name in spec.key]
    return Quarantined(
        key="|".join("" if value is None else str(value) for value in keys),
        parent=frame.item(row, spec.parent.column) if spec.parent else None,
        field=found.column,
        reason=found.reason,
        payload=json.dumps(record, default=str, ensure_ascii=False),
        ordinal=frame.item(row, "_ordinal"),
    )


def _change_times(spec: ObjectSpec, frame: pl.DataFrame, changed_at: Mapping[str, str]) -> pl.Expr:
    times = [changed_at.get(key) for key in frame[spec.key[0]]] if changed_at else None
    dtype = LANDING_COLUMNS["_changed_at"]
    if times is None:
        return pl.lit(None, dtype=dtype).alias("_changed_at")
    return pl.lit(pl.Series("_changed_at", times, dtype=dtype)).alias("_changed_at")


def _row_numbers(frame: pl.DataFrame) -> pl.Series:
    return pl.int_range(frame.height, eager=True)


def _json_text(value: Any) -> str | None:
    """JSON text; a list object becomes its bare array, exact decimals become strings."""
    if value is None:
        return None
    if isinstance(value, dict) and value.get("object") == "list":
        value = value["data"]
    return "[]" if value == [] else _COMPACT.encode(value)
