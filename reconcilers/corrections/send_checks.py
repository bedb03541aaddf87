"""What is asked again just before a document goes out: of the ERP, and of the system that it is of.

Time may have closed the period, taken the number, changed what the document is about; and an
earlier call of ours may have been slower than the look after it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any

from extractors.protocol import Target
from reconcilers.corrections.applications import (
    against_amendment,
    against_amount,
    against_application,
)
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.delivery import Order, Outcome
from reconcilers.corrections.document import WHILE, Condition, closed_period, number_taken
from reconcilers.corrections.endings import refused
from reconcilers.corrections.erp_invoice import BILLED
from reconcilers.corrections.images import same
from reconcilers.corrections.look import Sight
from reconcilers.corrections.outbox import OVERTAKEN
from reconcilers.corrections.states import CorrectionState as S

FINALIZED = ("open", "paid")
ERP = "netsuite"
_NUMBERED = {"invoice": "CustInvc", "creditMemo": "CustCred"}  # documents with billing's number
# Documents that are changed where they are.
_CHANGED = (
    "invoice",
    "creditMemo",
    "customerPayment",
    "customerRefund",
    "deposit",
    "journalEntry",
)


class DocumentAppearedError(RuntimeError):
    """The document itself is what is in its way: it is there, although a look just missed it."""


async def before_posting(
    erp: Target, billing: Target | None, order: Order, today: date
) -> Outcome | None:
    """Why a document must not go out now, and where that leaves it; None when it may."""
    try:
        noes = await check_at_send_time(erp, order.payload, order.record_id, order.object, today)
        return refused(noes) if noes else await _if_changed(erp, billing, order)
    except DocumentAppearedError:
        words = "the document appeared meanwhile: looked at again"
        return Outcome(S.APPROVED, "not sent", words)


async def _if_changed(erp: Target, billing: Target | None, order: Order) -> Outcome | None:
    changed = await _changed(erp, billing, order)
    if isinstance(changed, Refusal):
        return refused((changed,))
    return Outcome(S.SUPERSEDED, OVERTAKEN, changed) if changed else None


async def check_at_send_time(
    target: Target,
    payload: Mapping[str, Any],
    external_id: str,
    object_name: str = "invoice",
    today: date | None = None,
) -> tuple[Refusal, ...]:
    """Ask the ERP again what may have changed since the plan: period, customer, accounts, number.

    A document without a period is booked by its date, else on the day on which it is sent. A number
    that the document with our external id has is no reason to refuse it, but to look at it again.
    """
    refusals = await _period_now(target, payload, today)
    if whose := payload.get("entity") or payload.get("customer"):
        refusals += await _customer_now(target, whose["id"])
    for account in _accounts(payload):
        refusals += await _account_now(target, account)
    if "tranId" in payload and object_name in _NUMBERED:
        kind = _NUMBERED[object_name]
        for row in await target.lookup("transaction", tranid=payload["tranId"], type=kind):
            if row.get("externalid") == external_id:
                raise DocumentAppearedError(external_id)
            refusals.append(number_taken(payload["tranId"], str(row.get("id"))))
    return tuple(refusals)


async def against_change(
    target: Target, billing: Target | None, order: Order, sight: Sight
) -> Outcome | None:
    """Why a posted document must not be changed now.

    It changes only while its period is open, and what it is of is as it was; it pays no more than
    is open.
    """
    if target.system != ERP or order.operation != "update" or order.object not in _CHANGED:
        return None
    record = sight.record or {}
    period = record.get("postingPeriod") or {}
    noes = _closed(await target.lookup("accountingperiod", id=f"{period.get('id')}"), period)
    if moved := order.payload.get("postingPeriod"):
        noes += _closed(await target.lookup("accountingperiod", id=f"{moved['id']}"), moved)
    if "apply" in order.payload:
        noes += await against_application(target, record, order.payload["apply"])
    if "payment" in order.payload:
        noes += await against_amount(target, order.record_id)
    if "item" in order.payload and WHILE not in order.after:  # an undo knows nothing of payments
        noes += await against_amendment(target, order.record_id, order.payload)
    return refused(tuple(noes)) if noes else await _if_changed(target, billing, order)


async def _period_now(
    target: Target, payload: Mapping[str, Any], today: date | None
) -> list[Refusal]:
    if given := payload.get("postingPeriod"):
        return _closed(await target.lookup("accountingperiod", id=given["id"]), given)
    day = payload.get("tranDate") or str(today)
    months = await target.lookup("accountingperiod", isquarter="F", isyear="F")
    current = [m for m in months if m["startdate"] <= day <= m["enddate"]]
    return _closed(current, {"id": f"of {day}"})


def _closed(periods: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> list[Refusal]:
    """Why nothing may be posted or changed in a period that was asked for."""
    if not periods:
        return [_gone("period", "postingPeriod", f"accounting period {asked.get('id')}")]
    return [
        refusal
        for period in periods
        for refusal in closed_period(
            str(period.get("periodname", period.get("id"))),
            period.get("closed"),
            period.get("arlocked"),
        )
    ]


async def _customer_now(target: Target, customer_id: str) -> list[Refusal]:
    customers = await target.lookup("customer", id=customer_id)
    if not customers:
        return [_gone("customer", "entity", f"customer {customer_id}")]
    if customers[0].get("isinactive") == "T":
        return [
            Refusal(
                "customer",
                "entity",
                f"ERP customer {customer_id} is inactive",
                "reactivate the customer, or correct the link to the one in use",
            )
        ]
    return []


def _accounts(payload: Mapping[str, Any]) -> list[str]:
    sublists = [payload.get(name, {}).get("items", ()) for name in ("line", "cashback")]
    lines = [payload, *chain(*sublists)]
    return sorted({line["account"]["id"] for line in lines if "account" in line})


async def _account_now(target: Target, account_id: str) -> list[Refusal]:
    accounts = await target.lookup("account", id=account_id)
    if not accounts:
        return [_gone("ledger account", "line.account", f"account {account_id}")]
    if accounts[0].get("isinactive") == "T":
        number = accounts[0].get("acctnumber", account_id)
        problem = f"account {number} is inactive"
        return [Refusal("ledger account", "line.account", problem, "reactivate it in the ERP")]
    return []


def _gone(check: str, field: str, what: str) -> Refusal:
    return Refusal(
        check, field, f"{what} is no longer in the ERP", "let the next night plan it again"
    )


async def _changed(erp: Target, billing: Target | None, order: Order) -> str | Refusal | None:
    """What is no longer as it was when the document was planned."""
    conditions: list[Condition] = order.after.get(WHILE, [])
    is_invoice = order.action == "post_erp_invoice"
    of_billing = [each for each in conditions if each["system"] != erp.system]
    if billing is None and (is_invoice or of_billing):
        return no_billing_to_ask()
    for condition in conditions:
        if condition["system"] == erp.system or billing is None:
            rows = await erp.lookup(condition["object"], **condition["equals"])
        else:
            found = await billing.read(condition["object"], condition["equals"]["id"])
            rows = [found] if found else []
        if no := broken(rows, condition, order.record_id):
            return no
    if is_invoice and billing is not None:
        return await changed_in_billing(billing, order.record_id, order.after.get(BILLED))
    return None


def broken(rows: Sequence[Mapping[str, Any]], condition: Condition, external_id: str) -> str | None:
    """In words, how what was found does not hold a condition; None when it does."""
    shows, where = (
        condition["shows"],
        " ".join((condition["object"], *condition["equals"].values())),
    )
    if shows is None:
        if any(row.get("externalid") == external_id for row in rows):
            raise DocumentAppearedError(external_id)
        place = "the ERP" if condition["system"] == ERP else "billing"
        return f"{where} is in {place} already, as {rows[0].get('id')}" if rows else None
    if not rows:
        return f"{where} is gone"
    changed = sorted(key for key, value in shows.items() if not same(rows[0], key, value))
    return f"{where} changed meanwhile ({', '.join(changed)})" if changed else None


def no_billing_to_ask() -> Refusal:
    """The reason against a posting when the billing system is not open to be read."""
    return Refusal(
        "billing",
        "externalId",
        "the billing system cannot be read, so what is posted may have changed",
        "connect the billing system, then let the next night plan it again",
    )


async def changed_in_billing(
    billing: Target, invoice_id: str, planned: Mapping[str, Any] | None
) -> str | None:
    """Read the billing invoice again; in words, what is no longer as planned. None if all is.

    It must be finalized, with the total and the currency that `planned` (erp_invoice.billed) holds.
    """
    invoice = await billing.read("invoice", invoice_id)
    if invoice is None:
        return f"billing invoice {invoice_id} is gone"
    if invoice.get("status") not in FINALIZED:
        return f"billing invoice {invoice_id} is {invoice.get('status')}"
    now = {
        "total_minor": invoice.get("total"),
        "currency": str(invoice.get("currency", "")).upper(),
    }
    if now == planned:
        return None
    was = planned or {}
    return (
        f"billing invoice {invoice_id} is over {now['total_minor']} minor units of "
        f"{now['currency']}, planned were {was.get('total_minor')} of {was.get('currency')}"
    )
