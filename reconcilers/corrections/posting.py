"""Whether an invoice may be posted: double entry, open period, complete mapping, free number.

Every check answers with the field that fails and what to do about it. The checks that time can
undo are asked again of the target itself just before the call.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from extractors.protocol import Target
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.erp_invoice import Draft, tax_fits

FINALIZED = ("open", "paid")


def check_posting(draft: Draft) -> tuple[Refusal, ...]:
    """Every reason against posting the draft, in a fixed order; empty when it may be posted."""
    return tuple(refusal for check in CHECKS for refusal in check(draft))


def _legal_entity(draft: Draft) -> list[Refusal]:
    entity = draft.invoice["legal_entity"]
    if draft.subsidiary is None:
        return [
            Refusal(
                "legal entity",
                "subsidiary",
                f"no ERP subsidiary carries entity code {entity!r}",
                "set custrecord_entity_code on the subsidiary, or legal_entity in billing",
            )
        ]
    return []


def _customer(draft: Draft) -> list[Refusal]:
    customer = draft.customer
    if customer is None:
        return [
            Refusal(
                "customer",
                "entity",
                f"{draft.invoice['billing_customer_id']} has no customer in the ERP",
                "create the ERP customer (see CUS-MISS-02), then plan again",
            )
        ]
    if customer["is_inactive"] == "T":
        return [
            Refusal(
                "customer",
                "entity",
                f"ERP customer {customer['customer_id']} is inactive",
                "reactivate the customer, or correct the link to the one in use",
            )
        ]
    if draft.subsidiary and customer["subsidiary_id"] != draft.subsidiary["subsidiary_id"]:
        return [
            Refusal(
                "customer",
                "entity",
                f"ERP customer {customer['customer_id']} belongs to subsidiary "
                f"{customer['subsidiary_id']}, the invoice to {draft.subsidiary['subsidiary_id']}",
                "add the subsidiary to the customer in the ERP",
            )
        ]
    return []


def _currency(draft: Draft) -> list[Refusal]:
    code = draft.invoice["currency"]
    if draft.currency is None:
        return [
            Refusal("currency", "currency", f"the ERP has no {code}", f"activate {code} in the ERP")
        ]
    return []


def _period(draft: Draft) -> list[Refusal]:
    day, period = draft.invoice["invoice_date"], draft.period
    if period is None:
        return [
            Refusal(
                "period",
                "postingPeriod",
                f"no accounting period holds {day}",
                "set up the period in the ERP",
            )
        ]
    return closed(period["name"], period["is_closed"], period["is_ar_locked"])


def closed(name: str, is_closed: str | None, is_locked: str | None) -> list[Refusal]:
    """The reason against a change of books in a period, if there is one."""
    if is_closed != "T" and is_locked != "T":
        return []
    what = "closed" if is_closed == "T" else "locked for receivables"
    return [
        Refusal(
            "period",
            "postingPeriod",
            f"period {name} is {what}",
            "have finance reopen the period, or correct it by hand in an open one",
        )
    ]


def _items(draft: Draft) -> list[Refusal]:
    if not draft.lines:
        return [
            Refusal(
                "items",
                "item.items",
                "the billing invoice has no lines",
                "check the extraction of invoice lines",
            )
        ]
    refusals = []
    for number, line in enumerate(draft.lines, start=1):
        sku = line["product_code"]
        item = draft.items.get(sku or "")
        if item is None or item["is_inactive"] == "T":
            state = "is not in the ERP" if item is None else "is inactive in the ERP"
            refusals.append(
                Refusal(
                    "items",
                    f"item.items[{number}].item",
                    f"item {sku!r} {state}",
                    "create or reactivate the ERP item with this SKU as its name",
                )
            )
    return refusals


def _ledger_accounts(draft: Draft) -> list[Refusal]:
    """The account that the ERP will post to must be the one that our chart names, and in use."""
    refusals = []
    for entry in draft.ledger:
        account = draft.accounts.get(entry.account_id or "")
        field = f"account ({entry.label})"
        if entry.number is None:
            problem, fix = "no ledger account is named", "add the row to ledger_accounts.csv"
        elif account is None:
            problem, fix = f"account {entry.number} is not set", "set the account in the ERP"
        elif account["number"] != entry.number:
            problem = f"the ERP posts to {account['number']}, the chart wants {entry.number}"
            fix = "correct the item's account in the ERP, or ledger_accounts.csv"
        elif account["is_inactive"] == "T":
            problem, fix = f"account {entry.number} is inactive", "reactivate it in the ERP"
        else:
            continue
        refusals.append(Refusal("ledger account", field, problem, fix))
    return list(dict.fromkeys(refusals))


def _tax(draft: Draft) -> list[Refusal]:
    if draft.tax_code is None:
        return [
            Refusal(
                "tax",
                "taxDetails.taxCode",
                "no ERP tax code has the country and rate of the legal entity",
                "correct tax_codes.csv, or add the tax code in the ERP",
            )
        ]
    rate = Decimal(draft.tax_code["rate"])
    return [
        Refusal(
            "tax",
            f"taxDetails.items[{number}].taxAmount",
            f"tax {line['tax_minor']} on {line['net_minor']} is not {rate} %",
            "map the tax treatment of this line to an ERP tax code and post by hand",
        )
        for number, line in enumerate(draft.lines, start=1)
        if not tax_fits(line["net_minor"], line["tax_minor"], rate)
    ]


def _balance(draft: Draft) -> list[Refusal]:
    difference = sum(entry.amount_minor for entry in draft.ledger)
    if difference == 0:
        return []
    return [
        Refusal(
            "balance",
            "item.items.amount",
            f"debits exceed credits by {difference} minor units: lines and tax do not add up to "
            f"the total {draft.invoice['total_minor']}",
            "compare the lines of the billing invoice with its total",
        )
    ]


def _document_number(draft: Draft) -> list[Refusal]:
    number = draft.invoice["number"]
    if not number:
        return [
            Refusal("document number", "tranId", "billing gave no number", "finalize the invoice")
        ]
    if draft.number_holder is not None:
        return [_number_taken(number, draft.number_holder["transaction_id"])]
    return []


def _number_taken(number: str, transaction_id: str) -> Refusal:
    return Refusal(
        "document number",
        "tranId",
        f"{number} is taken by ERP transaction {transaction_id}",
        "find out whether that is this invoice under another id; if so, set its external id",
    )


CHECKS: tuple[Callable[[Draft], list[Refusal]], ...] = (
    _legal_entity,
    _customer,
    _currency,
    _period,
    _items,
    _ledger_accounts,
    _tax,
    _balance,
    _document_number,
)


class DocumentAppearedError(RuntimeError):
    """The document itself holds its number: it is there, although a look just missed it."""


async def check_at_send_time(
    target: Target, payload: Mapping[str, Any], external_id: str
) -> tuple[Refusal, ...]:
    """Ask the target again for what may have changed since the plan: period, customer, number.

    A number that the document with our external id has is no reason to refuse it, but to look at it
    again: an earlier call of ours may have been slower than the look after it.
    """
    refusals = await period_now(target, payload["postingPeriod"]["id"])
    refusals += await _customer_now(target, payload["entity"]["id"])
    for row in await target.lookup("transaction", tranid=payload["tranId"], type="CustInvc"):
        if row.get("externalid") == external_id:
            raise DocumentAppearedError(external_id)
        refusals.append(_number_taken(payload["tranId"], str(row.get("id"))))
    return tuple(refusals)


def no_billing_to_ask() -> Refusal:
    """The reason against a posting when the billing system is not open to be read."""
    return Refusal(
        "billing invoice",
        "custbody_stripe_invoice_id",
        "the billing system cannot be read, so the invoice may have changed",
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


async def period_now(target: Target, period_id: str) -> list[Refusal]:
    """Why nothing may be changed in a period any more."""
    periods = await target.lookup("accountingperiod", id=period_id)
    if not periods:
        return [_gone("period", "postingPeriod", f"accounting period {period_id}")]
    return [
        refusal
        for period in periods
        for refusal in closed(
            str(period.get("periodname", period_id)), period.get("closed"), period.get("arlocked")
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


def _gone(check: str, field: str, what: str) -> Refusal:
    return Refusal(
        check, field, f"{what} is no longer in the ERP", "let the next night plan it again"
    )
