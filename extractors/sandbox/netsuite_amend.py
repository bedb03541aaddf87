"""Changes the lines of a posted NetSuite invoice, and what was recognised of them stays.

The totals, the taxes and the ledger lines follow from the lines that are left. A plan keeps the
months that a run recognised: what they lack or have too much is planned for the next month.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    Checked,
    keep_creation,
    post_invoice,
    precision_of,
    reference,
    remove_children,
    require_open_period,
)
from extractors.sandbox.reference import period_id
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_REFERENCES = {"entity": "entity", "currency": "currency", "postingPeriod": "postingperiod"}
_VALUES = {
    "exchangeRate": "exchangerate",
    "tranId": "tranid",
    "tranDate": "trandate",
    "dueDate": "duedate",
    "customForm": "customform",
    "memo": "memo",
    "custbody_stripe_invoice_id": "custbody_stripe_invoice_id",
    "custbody_q2c_correlation_id": "custbody_q2c_correlation_id",
}
_SETTLEMENT = ("status", "foreignamountunpaid", "custbody_status_changed_at")


def amend_invoice(store: Store, invoice: Record, body: Body) -> None:
    """Give an invoice the lines of a body; what else the body does not name stays as it is.

    Where something is applied to it its total has to stay.
    """
    require_open_period(store, invoice["postingperiod"])
    whole = _whole(store, invoice, body)
    _require_settled_total(store, invoice, whole)
    earned, former = _recognised(store, invoice["id"]), _named_lines(store, invoice["id"])
    remove_children(store, invoice["id"])
    post_invoice(store, whole, invoice["externalid"], invoice["id"])
    if _is_settled(invoice):
        kept = {name: invoice[name] for name in _SETTLEMENT}
        store.put("netsuite", "transaction", {"id": invoice["id"], **kept})
    keep_creation(store, invoice)
    numbers = {name: number for number, name in _named_lines(store, invoice["id"]).items() if name}
    for plan, months in earned:
        line = str(plan["sourceline"])
        number = numbers.get(former.get(line) or "", line)
        _keep_months(store, *_moved(plan, months, number))


def _moved(plan: Record, months: Sequence[Record], number: str) -> tuple[Record, list[Record]]:
    """A plan and its months below the number that their line has now."""
    key = str(int(plan["sourcetransaction"]) * 1000 + int(number))
    moved = [
        {**month, "id": f"{key}-{month['id'].rpartition('-')[2]}", "revenueplan": key}
        for month in months
    ]
    return {**plan, "id": key, "sourceline": number}, moved


def _named_lines(store: Store, invoice_id: str) -> dict[str, str | None]:
    """The line of billing that each sold line is, by number."""
    lines = store.rows("netsuite", "transactionline", transaction=invoice_id)
    return {
        line["id"]: line["custcol_stripe_line_id"] for line in lines if line["item"] is not None
    }


def move_period(store: Store, document: Record, body: Body) -> None:
    """Post a document in another month; both have to be open."""
    require_open_period(store, document["postingperiod"])
    period = reference(store, body["postingPeriod"], "accountingperiod", "postingPeriod")
    require_open_period(store, period)
    store.put("netsuite", "transaction", {"id": document["id"], "postingperiod": period})


def _whole(store: Store, invoice: Record, body: Body) -> dict[str, Any]:
    line = store.rows("netsuite", "transactionline", transaction=invoice["id"])[0]
    stored: dict[str, Any] = {"subsidiary": {"id": line["subsidiary"]}}
    stored |= {name: {"id": invoice[column]} for name, column in _REFERENCES.items()}
    stored |= {
        name: invoice[column] for name, column in _VALUES.items() if invoice[column] is not None
    }
    return stored | dict(body)


def _is_settled(invoice: Record) -> bool:
    return Decimal(invoice["foreignamountunpaid"]) != Decimal(invoice["foreigntotal"])


def _require_settled_total(store: Store, invoice: Record, whole: Body) -> None:
    if not _is_settled(invoice):
        return
    lines = Checked(store, whole, invoice["id"]).lines()
    total = sum(line.amount_minor + line.tax_minor for line in lines)
    if total != Decimal(invoice["foreigntotal"]).scaleb(precision_of(store, invoice["currency"])):
        raise NetSuiteError("This transaction has payments applied to it.", "USER_ERROR")


def _recognised(store: Store, invoice_id: str) -> list[tuple[Record, list[Record]]]:
    """The plans of which a run recognised months, with these."""
    plans = [
        (plan, store.rows("netsuite", "revenueplanline", revenueplan=plan["id"]))
        for plan in store.rows("netsuite", "revenueplan", sourcetransaction=invoice_id)
    ]
    earned = [(plan, [m for m in months if m["isrecognized"] == "T"]) for plan, months in plans]
    return [(plan, months) for plan, months in earned if months]


def _keep_months(store: Store, plan: Record, earned: Sequence[Record]) -> None:
    """Put recognised months back into a plan; the next one takes what they are off."""
    if store.get("netsuite", "revenueplan", plan["id"]) is None:
        store.put_many("netsuite", "revenueplan", [{**plan, "amount": "0"}])
    precision = precision_of(store, plan["currency"])

    def minor(months: Iterable[Record]) -> int:
        return sum(int(Decimal(month["amount"]).scaleb(precision)) for month in months)

    planned = store.rows("netsuite", "revenueplanline", revenueplan=plan["id"])
    names = {month["periodname"] for month in earned}
    left = [month for month in planned if month["periodname"] not in names]
    left.sort(key=lambda month: str(month["periodname"]))
    off = minor(planned) - minor(left) - minor(earned)
    if off and not left:
        left = [_month_after(str(max(names)))]
    if off:
        left[0] |= {"amount": decimal_text(minor(left[:1]) + off, precision)}
    sql = "DELETE FROM netsuite_revenueplanline WHERE revenueplan = ?"
    store.execute(sql, (plan["id"],))
    taken = {month["id"] for month in earned}
    free = (key for n in count(1) if (key := f"{plan['id']}-{n}") not in taken)
    named = [{**month, "id": next(free), "revenueplan": plan["id"]} for month in left]
    store.put_many("netsuite", "revenueplanline", [*earned, *named])


def _month_after(period: str) -> Record:
    day = (date.fromisoformat(f"{period}-28") + timedelta(days=4)).replace(day=1)
    return {
        "postingperiod": period_id(day),
        "periodname": f"{day:%Y-%m}",
        "amount": "0",
        "isrecognized": "F",
    }
