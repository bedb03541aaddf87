"""What NetSuite says it has: counts, control sums, how far ids go, and when something changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from extractors.calls import Reply
from extractors.erp.netsuite.objects import SMALL
from extractors.erp.netsuite.shelf import Shelf
from extractors.erp.netsuite.suiteql import (
    INSTANT,
    Row,
    Select,
    ask,
    explained,
    items,
    key_columns,
    literal,
    number,
    union,
)
from extractors.errors import Rejected
from extractors.http import HttpDoor
from extractors.protocol import ControlSum, ObjectSpec, SourceTotals
from extractors.side_by_side import side_by_side

DELETED_RECORD = "deletedrecord"
# After every change: nobody knows whether something has changed.
ALWAYS = datetime.max.replace(tzinfo=UTC)

_COLUMNS = ("object", "symbol", "exponent", "total", "high", "changed")
# Before every change: nothing has changed.
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """What the totals told of an object: how far its ids go, and when its cursor last moved."""

    served_at: datetime
    count: int
    high: str | None
    changed_at: datetime


@dataclass(frozen=True)
class Told:
    """The totals' rows by the names of their columns, and when the first of them was told."""

    served_at: datetime
    rows: Sequence[Row]

    def totals(self, spec: ObjectSpec) -> SourceTotals:
        count = self._count(spec.name)
        assert count is not None
        if spec.control_sum is None:
            return SourceTotals(int(count["total"]))
        sums = {
            row["symbol"]: round(Decimal(row["total"] or "0").scaleb(int(row["exponent"])))
            for row in self.rows
            if row["object"] == spec.name and row["symbol"] != "-"
        }
        return SourceTotals(int(count["total"]), sums)

    def facts(self, name: str) -> Facts | None:
        row = self._count(name)
        if row is None:
            return None
        changed = row.get("changed")
        changed_at = datetime.fromisoformat(changed).replace(tzinfo=UTC) if changed else _NEVER
        return Facts(self.served_at, int(row["total"]), row.get("high") or None, changed_at)

    def _count(self, name: str) -> Row | None:
        found = (row for row in self.rows if row["object"] == name and row["symbol"] == "-")
        return next(found, None)


async def counted(
    door: HttpDoor, specs: Sequence[ObjectSpec], shelf: Shelf, *, in_parts: bool
) -> Told:
    """All by one query, or sums, each of which adds up a whole table, beside the counts.

    By one query an empty shelf is filled by the way. What is refused together is asked for one by
    one, to say what it is.
    """
    counts = [*map(_count_of, specs), _DELETIONS]
    sums = [_sum_of(spec, spec.control_sum) for spec in specs if spec.control_sum]
    parts = max(1, door.idle - 1) if in_parts else 0
    first = counts if parts else [*counts, *sums]
    asked = [first, *(sums[part::parts] for part in range(min(parts, len(sums))))]
    brings_small = not parts and {spec.name for spec in specs} >= {*SMALL}
    if brings_small and shelf.is_empty:
        replies = [await _with_small(door, first, shelf)]
    else:
        replies = await side_by_side(_together(door, selects) for selects in asked)
    told = [reply for reply in replies if reply is not None]
    if len(told) < len(replies):
        told = [await _one(door, spec) for spec in specs]
    rows = [
        {name: row.get(f"c{at}", "") for at, name in enumerate(_COLUMNS)}
        for reply in told
        for row in items(reply)
    ]
    return Told(min(reply.served_at for reply in told), rows)


async def _with_small(door: HttpDoor, selects: Sequence[Select], shelf: Shelf) -> Reply | None:
    """The small tables come along where they fit.

    An answer is as old as the oldest table in it: from one that lags they are not taken.
    """
    reply = await _together(door, [*selects, *shelf.selects()])
    if reply is None:
        return await _together(door, selects)
    if not door.is_behind(reply.served_at):
        shelf.fill(reply.served_at, items(reply))
    return reply


async def _together(door: HttpDoor, selects: Sequence[Select]) -> Reply | None:
    """One answer to all of them; None where one is refused, or they are more than a page."""
    try:
        reply = await ask(door, union(selects))
    except Rejected:
        return None
    return None if reply.member("hasMore") else reply


async def _one(door: HttpDoor, spec: ObjectSpec) -> Reply:
    selects = [_count_of(spec)]
    if spec.control_sum is not None:
        selects.append(_sum_of(spec, spec.control_sum))
    try:
        return await ask(door, union(selects))
    except Rejected as error:
        raise explained(spec, error) from error


def _count_of(spec: ObjectSpec) -> Select:
    """A row with the count and what tells of changes."""
    rows = f"{spec.vendor_name} WHERE {spec.where}" if spec.where else spec.vendor_name
    return _count(spec.name, f"TO_CHAR(MAX({key_columns(spec)[0]}))", spec.cursor, rows)


def _count(name: str, high: str, cursor: str | None, table: str) -> Select:
    changed = f"TO_CHAR(MAX(SYS_EXTRACT_UTC({cursor})), '{INSTANT}')" if cursor else "''"
    return [literal(name), "'-'", "'0'", number("COUNT(*)"), high, changed], table


def _sum_of(spec: ObjectSpec, told: ControlSum) -> Select:
    """A row per currency with its control sum."""
    total = number(f"SUM(t.{told.column})")
    columns = [literal(spec.name), "c.symbol", number("c.currencyprecision"), total]
    return columns, f"{_rows_of(spec, told)} GROUP BY c.symbol, c.currencyprecision"


def _rows_of(spec: ObjectSpec, told: ControlSum) -> str:
    """The rows that a control sum adds up, each with its currency: its own, or its parent's."""
    rows, owner = f"{spec.vendor_name} t", "t"
    if told.parent is not None and spec.parent is not None:
        rows += f" JOIN {told.parent} p ON p.id = t.{spec.parent.column}"
        owner = "p"
    condition = f" WHERE t.{told.where}" if told.where else ""
    return f"{rows} JOIN currency c ON c.id = {owner}.{told.currency}{condition}"


_DELETIONS = _count(DELETED_RECORD, "''", "deleteddate", DELETED_RECORD)
