"""The sublist `apply` of payments and credit memos: how it reads, and whether it may be written."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from extractors.protocol import Target
from reconcilers.corrections.correction import Refusal

Lines = Sequence[Mapping[str, Any]]


def applied(lines: Any) -> Mapping[str, Decimal] | None:
    """What lines take off which document; None where they are not lines of `apply`.

    The ERP lists what could be applied as well, and adds fields of its own.
    """
    if not isinstance(lines, list) or not all("doc" in line for line in lines):
        return None
    return {
        str(line["doc"]["id"]): Decimal(str(line["amount"]))
        for line in lines
        if line.get("apply") is not False
    }


async def against_application(
    erp: Target, record: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[Refusal]:
    """Why invoices cannot take what is to be applied to them beyond what already is."""
    held = applied(record.get("apply", {}).get("items")) or {}
    more = {
        key: amount - held.get(key, Decimal(0))
        for key, amount in (applied(wanted["items"]) or {}).items()
    }
    noes = []
    for key, amount in sorted(more.items()):
        if amount > 0:
            rows = await erp.lookup("transaction", id=key)
            if not rows or rows[0].get("voided") == "T":
                noes.append(_no(f"invoice {key} is gone or void"))
            elif Decimal(rows[0]["foreignamountunpaid"]) < amount:
                noes.append(_no(f"less than {amount} is open of invoice {key}"))
    return noes


async def against_amount(erp: Target, payment_id: str) -> list[Refusal]:
    """Why the amount of a payment cannot be changed: a deposit has taken it up."""
    links = {"previousdoc": payment_id, "linktype": "Deposit"}
    if not await erp.lookup("previoustransactionlinelink", **links):
        return []
    problem, fix = "a deposit took it up meanwhile", "take it out of the deposit in the ERP first"
    return [Refusal("deposit", "payment", problem, fix)]


async def against_amendment(
    erp: Target, invoice_id: str, wanted: Mapping[str, Any]
) -> list[Refusal]:
    """Why other lines cannot be given to an invoice, now or back: its total stays once it is paid.

    `wanted` are the sublists `item` and `taxDetails`.
    """
    rows = await erp.lookup("transaction", id=invoice_id)
    total = sum(
        Decimal(str(line[amount]))
        for name, amount in (("item", "amount"), ("taxDetails", "taxAmount"))
        for line in wanted[name]["items"]
    )
    if rows and Decimal(rows[0]["foreigntotal"]) in {
        total,
        Decimal(rows[0]["foreignamountunpaid"]),
    }:
        return []
    problem, fix = "something is applied to it, and its total would change", "take that off first"
    return [Refusal("application", "item.items", problem, fix)]


def _no(problem: str) -> Refusal:
    fix = "find out what was applied to it meanwhile; the next night plans it again"
    return Refusal("application", "apply.items.doc", problem, fix)
