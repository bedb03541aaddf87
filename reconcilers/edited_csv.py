"""CSV files that people edit: read as text, checked, with every mistake told by line and column."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

Row = Mapping[str, str | None]  # an empty cell is None
NumberedRow = tuple[int, Row]  # with its line in the file

_SURPLUS = "(more)"


@dataclass(frozen=True)
class Mistake:
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


class EditedFileError(ValueError):
    """The file cannot be used; `mistakes` holds all that is wrong, in the order of the file."""

    def __init__(self, path: Path, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda each: (each.line, each.column)))
        listed = "\n".join(f"  {mistake}" for mistake in self.mistakes)
        super().__init__(f"{path.name} cannot be used. Correct these and try again:\n{listed}")


def read_checked(path: Path, schema: pa.DataFrameSchema) -> list[NumberedRow]:
    """The rows of the file as text; the schema is of text columns.

    Raises EditedFileError.
    """
    columns = tuple(schema.columns)
    reader = reader_of(path.read_text("utf-8-sig"))
    mistakes = _header_mistakes(reader.fieldnames or (), columns)
    rows = [(reader.line_num, row) for row in reader]
    mistakes += [
        Mistake(line, "(line)", "has more cells than columns")
        for line, row in rows
        if _SURPLUS in row
    ]
    if not mistakes:
        numbered = [(line, _trimmed(row)) for line, row in rows]
        mistakes = _cell_mistakes(numbered, schema)
    if mistakes:
        raise EditedFileError(path, mistakes)
    return numbered


def reader_of(text: str) -> "csv.DictReader[str]":
    """Reads a file that a spreadsheet saved: those of some countries separate by semicolons."""
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    return csv.DictReader(io.StringIO(text, newline=""), restkey=_SURPLUS, delimiter=separator)


def one_of(values: Sequence[str]) -> pa.Column:
    return pa.Column(str, pa.Check.isin(values, error=f"must be one of {', '.join(values)}"))


def optional(column: pa.Column) -> pa.Column:
    column.nullable = True
    return column


def _trimmed(row: Mapping[str, str | None]) -> Row:
    return {name: (value or "").strip() or None for name, value in row.items()}


def _header_mistakes(found: Sequence[str], columns: Sequence[str]) -> list[Mistake]:
    unknown = [Mistake(1, name, "unknown column") for name in found if name not in columns]
    missing = [Mistake(1, name, "column is missing") for name in columns if name not in found]
    return unknown + missing


def _cell_mistakes(numbered: Sequence[NumberedRow], schema: pa.DataFrameSchema) -> list[Mistake]:
    lines = [line for line, _ in numbered]
    text = dict.fromkeys(schema.columns, pl.String)
    frame = pl.DataFrame([row for _, row in numbered], schema=text)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.iter_rows(named=True)
        return sorted({found for case in cases for found in _located(case, frame, lines)}, key=str)
    return []


def _located(
    case: Mapping[str, object], frame: pl.DataFrame, lines: Sequence[int]
) -> Iterable[Mistake]:
    column, check, index = str(case["column"]), str(case["check"]), case["index"]
    if check == "not_nullable":
        for empty in frame[column].is_null().arg_true():
            yield Mistake(lines[empty], column, "must not be empty")
    elif isinstance(index, int):
        yield Mistake(lines[index], column, f"{check}, not {case['failure_case']!r}")
