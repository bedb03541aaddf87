"""How queries are written and asked, so that no preference of the account changes what arrives.

Times are compared and sent in UTC by SYS_EXTRACT_UTC, whatever the account's zone; dates, times
and decimals by masks, whatever its formats.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from extractors.calls import Call, Reply
from extractors.errors import ContractBroken, Rejected
from extractors.http import HttpDoor
from extractors.protocol import Field, ObjectSpec

SYSTEM = "netsuite"
QUERY_PATH = "/services/rest/query/v1/suiteql"
PAGE_ROWS = 1_000
# What may be asked for beyond the first page of one query.
LAST_ROW = 100_000

INSTANT = "YYYY-MM-DD HH24:MI:SS"
_DAY = "YYYY-MM-DD"
_EMPTY = "''"
# A period in a mask is a period in every account.
_NUMBER = "FM99999999999999999990.9999999999"
_UNKNOWN = re.compile(r"(?:Unknown identifier|Field) '(\w+)'")
_NO_TABLE = re.compile(r"Record '(\w+)' was not found")

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
# Expressions, and what follows FROM.
Select = tuple[Sequence[str], str]


def literal(value: str) -> str:
    """A SuiteQL string; beside a number it is read as one."""
    return "'" + value.replace("'", "''") + "'"


def number(expression: str) -> str:
    """Plain decimal text; the mask leaves a period behind whole numbers."""
    return f"RTRIM(TO_CHAR({expression}, '{_NUMBER}'), '.')"


def columns_of(fields: Iterable[Field], owner: str = "") -> str:
    """A select list with each value in its one form, under its own name."""
    return ", ".join(f"{_formed(item, owner)} AS {item.path[0]}" for item in fields)


def key_columns(spec: ObjectSpec) -> list[str]:
    """Key columns, the parent's first, so that a range of parents is a range of rows."""
    parent = [spec.parent.column] if spec.parent else []
    return [*parent, *(name for name in spec.key if name not in parent)]


def union(selects: Sequence[Select]) -> str:
    """Several tables by one query: columns c0, c1, ... as far as the widest goes, all text."""
    width = max(len(columns) for columns, _ in selects)
    return " UNION ALL ".join(
        f"SELECT {_numbered(columns, width)} FROM {source}" for columns, source in selects
    )


def _numbered(columns: Sequence[str], width: int) -> str:
    filled = [*columns, *[_EMPTY] * (width - len(columns))]
    return ", ".join(f"{column} AS c{at}" for at, column in enumerate(filled))


def text_of(item: Field) -> str:
    """A value as text, for columns that hold values of several tables."""
    formed = _formed(item, "")
    return f"TO_CHAR({formed})" if formed == item.path[0] else formed


def _formed(item: Field, owner: str) -> str:
    column = owner + item.path[0]
    if item.kind == "datetime":
        return f"TO_CHAR(SYS_EXTRACT_UTC({column}), '{INSTANT}')"
    if item.kind == "date":
        return f"TO_CHAR({column}, '{_DAY}')"
    return number(column) if item.kind == "decimal" else column


def changed_since(column: str, at: datetime) -> str:
    return (
        f"SYS_EXTRACT_UTC({column}) >= "
        f"TO_TIMESTAMP('{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}', '{INSTANT}')"
    )


def behind(key: Sequence[str], last: Sequence[str]) -> str:
    """What sorts behind `last`, which may name only the first columns of the key."""
    column, value = key[0], literal(last[0])
    if len(last) == 1:
        return f"{column} > {value}"
    rest = behind(key[1:], last[1:])
    return f"{column} >= {value} AND ({column} > {value} OR ({rest}))"


async def ask(door: HttpDoor, query: str, rows: int = PAGE_ROWS, offset: int = 0) -> Reply:
    """One page of a result."""
    return await door.send(
        Call(
            "POST",
            QUERY_PATH,
            params=(("limit", str(rows)), ("offset", str(offset))),
            json={"q": query},
            headers={"Prefer": "transient"},
        )
    )


def items(reply: Reply) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reply.member("items")
    for item in found:
        item.pop("links", None)
    return found


async def run(door: HttpDoor, query: str) -> list[Row]:
    """All rows of a small result."""
    rows: list[Row] = []
    for offset in range(0, LAST_ROW, PAGE_ROWS):
        reply = await ask(door, query, offset=offset)
        rows.extend(items(reply))
        if not reply.member("hasMore"):
            return rows
    raise ContractBroken(SYSTEM, f"more than {LAST_ROW} rows: {query[:200]}")


class Columns:
    """The declared fields that the account has: what it refuses is not asked for again.

    A field that may be empty is left out and lands as null; without any other nothing can land.
    """

    def __init__(self) -> None:
        self._absent: dict[str, set[str]] = {}

    def of(self, spec: ObjectSpec, *, keys_only: bool = False) -> list[Field]:
        absent = self._absent.get(spec.name, set())
        return [
            item
            for item in spec.fields
            if item.column not in absent and (not keys_only or item.column in spec.key)
        ]

    async def ask(
        self,
        door: HttpDoor,
        spec: ObjectSpec,
        query: Callable[[], str],
        rows: int = PAGE_ROWS,
        offset: int = 0,
    ) -> Reply:
        """The answer to a query of an object, written anew whenever a field turns out missing."""
        while True:
            try:
                return await ask(door, query(), rows, offset)
            except Rejected as error:
                self._leave_out(spec, error)

    def _leave_out(self, spec: ObjectSpec, error: Rejected) -> None:
        found = _UNKNOWN.search(error.message)
        fields = {item.column: item for item in spec.fields}
        item = fields.get(found.group(1).lower()) if found else None
        if item is None or item.column in self._absent.get(spec.name, set()):
            raise explained(spec, error) from error
        if item.required or item.column in {*spec.key, spec.cursor}:
            raise explained(spec, error) from error
        log.warning("%s %s: the account has no field %s", SYSTEM, spec.vendor_name, item.column)
        self._absent.setdefault(spec.name, set()).add(item.column)


def explained(spec: ObjectSpec, error: Rejected) -> Exception:
    """What the account or the role lacks is no matter of the request; the rest stays as it is."""
    table, column = _NO_TABLE.search(error.message), _UNKNOWN.search(error.message)
    if table:
        told = f"table {table.group(1)}: its feature is off, or the role may not read it"
    elif column:
        told = (
            f"field {column.group(1)} in {spec.vendor_name} (or the role may not see it), and "
            "nothing can land without it"
        )
    else:
        return error
    message = f"{spec.name}: the account has no {told}"
    return ContractBroken(SYSTEM, message, code=error.code, request_id=error.request_id)
