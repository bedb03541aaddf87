"""The long tables of the page: what each shows, filters by and adds up; their rows packed. Pure.

A page of fifty thousand exceptions opens at once because their rows are not markup: they are
columns of compressed JSON, of which the script draws as many as are looked at. Without the script
the page shows the first rows of each.
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN_WITHOUT_SCRIPT = 50
# A column of values that repeat is stored as numbers into a list of them.
REPEATS = 2

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column, or one field of the details of a row.

    `kind` says how it is drawn: text, code, words (underscores as blanks), pill, count, money (of
    the row's `currency`), reporting (of the reporting currency), duration (seconds). `under` is
    drawn small below it.
    """

    key: str
    label: str
    kind: str = "text"
    under: tuple["Column", ...] = ()


@dataclass(frozen=True)
class Grid:
    """A table to sort, filter and page through.

    `start` is what it is filtered by at first; `adds` is the column whose absolute amounts, in the
    reporting currency, are added up, without the rows that have a value in `unless`.
    """

    name: str
    caption: str
    csv: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    facets: tuple[tuple[str, str], ...]
    details: tuple[Column, ...] = ()
    start: Mapping[str, str] = field(default_factory=dict)
    adds: str = ""
    unless: str = ""

    @property
    def first_rows(self) -> list[Row]:
        """The rows for readers without the script."""
        kept = [row for row in self.rows if all(row[k] == v for k, v in self.start.items())]
        return kept[:SHOWN_WITHOUT_SCRIPT]


def packed(value: Any) -> str:
    """JSON, compressed, as text that may stand in a page. The same value gives the same text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def as_columns(grid: Grid) -> dict[str, Any]:
    """The grid as its script takes it: `{"d": values, "i": places}` where values repeat."""
    keys = list(grid.rows[0]) if grid.rows else []
    spec = {name: value for name, value in vars(grid).items() if name != "rows"}
    spec["columns"] = [asdict(column) for column in grid.columns]
    spec["details"] = [asdict(column) for column in grid.details]
    return spec | {
        "count": len(grid.rows),
        "data": {key: _column([row[key] for row in grid.rows]) for key in keys},
    }


def _column(values: list[Any]) -> Any:
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    if len(places) * REPEATS > len(values):
        return values
    return {"d": list(places), "i": [places[value] for value in values]}
