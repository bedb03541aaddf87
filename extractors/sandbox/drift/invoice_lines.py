"""INV-LINE: ERP invoices with billing's total, and other lines."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from extractors.sandbox.drift.documents import (
    Posted,
    item_lines,
    lines_of,
    posted_invoices,
    postings_of,
    retotal,
    set_line,
)
from extractors.sandbox.drift.ground import Ground, minor_of
from extractors.sandbox.reference import PRODUCTS
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record

_LEAST = 2_000
_LATER = timedelta(days=10)

Side = tuple[System, str]
Told = tuple[str, Side, Side | None]
"""Attribute, owner and replica of a row that a change gives."""


def plant_other_lines(ground: Ground, count: int) -> None:
    """INV-LINE-01: another item, quantity or service days, money moved or split between lines.

    The first row that a change gives is planted, the others follow from it.
    """
    posted = [p for p in posted_invoices(ground) if _has_same_total(p)]
    sold = {p.id: _sold(ground, p) for p in posted}
    large = [p for p in posted if _minor(p, _largest(p, sold[p.id])) >= _LEAST]
    deferred = [p for p in large if _largest(p, sold[p.id])["custcol_rev_end"]]
    pools = {
        "moved_between_lines": [p for p in large if len(sold[p.id]) > 1],
        "other_item": large,
        "served_longer": deferred,
        "served_later": deferred,
        "line_split": large,
        "other_quantity": large,
    }
    for variant, chosen in ground.choose(count, pools, lambda p: p.id):
        lines = sold[chosen.id]
        told = _CHANGES[variant](ground, chosen, lines, ground.tick())
        ground.freeze(chosen.who, chosen.subject)
        _tell(ground, told, variant)


def _has_same_total(posted: Posted) -> bool:
    transaction = posted.transaction
    return minor_of(transaction["foreigntotal"], transaction["currency"]) == posted.invoice["total"]


def _sold(ground: Ground, posted: Posted) -> list[Record]:
    lines = item_lines(lines_of(ground, posted.internal))
    return [line for line in lines if line["custcol_stripe_line_id"]]


def _minor(posted: Posted, line: Record) -> int:
    return -minor_of(line["foreignamount"], posted.transaction["currency"])


def _largest(posted: Posted, lines: Sequence[Record]) -> Record:
    return max(lines, key=lambda line: (_minor(posted, line), line["id"]))


def _sides(posted: Posted, line: Record) -> tuple[Side, Side]:
    owner: Side = ("stripe", line["custcol_stripe_line_id"])
    return owner, ("netsuite", f"{posted.internal}-{line['id']}")


def _tell(ground: Ground, told: Sequence[Told], variant: str) -> None:
    (attribute, owner, replica), *others = told
    ground.planted(owner, replica, attribute=attribute, variant=variant)
    for name, of, copy in others:
        ground.follows(ground.code, of, copy, attribute=name, variant=variant, caused_by=owner[1])


def _change(ground: Ground, line: Record, at: int, **fields: str) -> Record:
    return ground.add("netsuite", "transactionline", line | fields, at)


def _move(ground: Ground, posted: Posted, lines: Sequence[Record], at: int) -> list[Told]:
    """A tenth of one line stands under another one."""
    largest = _largest(posted, lines)
    other = next(line for line in lines if line["id"] != largest["id"])
    part = _minor(posted, largest) // 10
    for line, by in ((largest, -part), (other, part)):
        set_line(ground, posted.transaction, line, _minor(posted, line) + by, at)
    retotal(ground, posted.internal, at)
    return [("amount", *_sides(posted, largest)), ("amount", *_sides(posted, other))]


def _other_item(ground: Ground, posted: Posted, lines: Sequence[Record], at: int) -> list[Told]:
    line = _largest(posted, lines)
    item = next(product.item_id for product in PRODUCTS if product.item_id != line["item"])
    _change(ground, line, at, item=item)
    return [("product_code", *_sides(posted, line))]


def _serve_longer(ground: Ground, posted: Posted, lines: Sequence[Record], at: int) -> list[Told]:
    line = _largest(posted, lines)
    _change(ground, line, at, custcol_rev_end=_later(line["custcol_rev_end"]))
    return [("service_end_date", *_sides(posted, line))]


def _serve_later(ground: Ground, posted: Posted, lines: Sequence[Record], at: int) -> list[Told]:
    line = _largest(posted, lines)
    days = {name: _later(line[name]) for name in ("custcol_rev_start", "custcol_rev_end")}
    _change(ground, line, at, **days)
    sides = _sides(posted, line)
    return [("service_start_date", *sides), ("service_end_date", *sides)]


def _later(day: str) -> str:
    return (date.fromisoformat(day) + _LATER).isoformat()


def _split(ground: Ground, posted: Posted, lines: Sequence[Record], at: int) -> list[Told]:
    """Half of a line stands on a line of its own, which is nobody's in billing."""
    line = _largest(posted, lines)
    minor = _minor(posted, line)
    number = str(len(lines_of(ground, posted.internal)))
    fresh = line | {"id": number, "custcol_stripe_line_id": None}
    ground.add("netsuite", "transactionline", fresh, at)
    booked = next(
        posting
        for posting in postings_of(ground, posted.internal)
        if posting["transactionline"] == line["id"]
    )
    again = booked | {"transactionline": number}
    ground.add("netsuite", "transactionaccountingline", again, at)
    set_line(ground, posted.transaction, line, minor - minor // 2, at)
    set_line(ground, posted.transaction, fresh, minor // 2, at)
    retotal(ground, posted.internal, at)
    return [
        ("amount", *_sides(posted, line)),
        ("", ("netsuite", f"{posted.internal}-{number}"), None),
    ]


def _other_quantity(ground: Ground, posted: Posted, lines: Sequence[Record], at: int) -> list[Told]:
    line = _largest(posted, lines)
    _change(ground, line, at, quantity=str(int(line["quantity"]) + 1))
    return [("quantity", *_sides(posted, line))]


_CHANGES: dict[str, Callable[[Ground, Posted, Sequence[Record], int], list[Told]]] = {
    "moved_between_lines": _move,
    "other_item": _other_item,
    "served_longer": _serve_longer,
    "served_later": _serve_later,
    "line_split": _split,
    "other_quantity": _other_quantity,
}
