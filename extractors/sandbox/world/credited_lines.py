"""Which sold lines a credit memo takes from, and when: the ERP's own reckoning of a credit."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from extractors.sandbox.amounts import rounded
from extractors.sandbox.revenue import CreditedLine, credited_months
from extractors.sandbox.tables import Record
from extractors.sandbox.world.erp_amounts import minor_of
from extractors.sandbox.world.state import World


def credited_lines(
    world: World, invoice: str, net_minor: int, credited: date
) -> list[CreditedLine]:
    """The lines of the ERP's copy of a billing invoice share a credit by what they cost.

    Nothing where the ERP has no such invoice.
    """
    posted = _posted(world, invoice)
    if posted is None:
        return []
    currency = posted["currency"]
    sold = [
        (line, -minor_of(line["foreignamount"], currency))
        for line in _numbered(world, "transactionline", posted["id"])
        if line.get("item") and line["taxline"] == "F"
    ]
    sold = [(line, amount) for line, amount in sold if amount > 0]
    sold.sort(key=lambda each: str(each[0]["custcol_stripe_line_id"]))
    whole, seen, given, lines = sum(amount for _, amount in sold), 0, 0, []
    for line, amount in sold:
        seen += amount
        share = rounded(Decimal(net_minor) * seen / whole) - given
        given += share
        if share:
            planned = [
                (
                    date.fromisoformat(f"{month['periodname']}-01"),
                    minor_of(month["amount"], currency),
                )
                for month in _planned(world, posted["id"], line["id"])
            ]
            months = credited_months(share, planned, credited) if planned else ()
            lines.append(CreditedLine(line["item"], share, line["custcol_stripe_line_id"], months))
    return lines


def _posted(world: World, invoice: str) -> Record | None:
    """The oldest live copy of the invoice: it stands for the document."""
    copies = world.records.rows(
        "netsuite", "transaction", custbody_stripe_invoice_id=invoice, voided="F", type="CustInvc"
    )
    return min(copies, key=lambda copy: int(copy["id"]), default=None)


def _numbered(world: World, kind: str, internal: str) -> Iterator[Record]:
    """Lines of a document by their numbers, without a search."""
    number = 0
    while line := world.records.get("netsuite", kind, (internal, str(number))):
        yield line
        number += 1


def _planned(world: World, internal: str, line: str) -> Iterator[Record]:
    plan = str(int(internal) * 1000 + int(line))
    number = 1
    while month := world.records.get("netsuite", "revenueplanline", f"{plan}-{number}"):
        yield month
        number += 1
