"""The ERP invoice that a finalized billing invoice should have become. Pure.

Builds the document from the facts; whether it may be posted is posting.py's question.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import amount_text, document_correction
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

BILLED = "billing_invoice"  # in the facts desired, beside the body: what `billed` gives
ROUNDING_MINOR = 1  # a line's tax may differ from rate x net by one minor unit


@dataclass(frozen=True)
class LedgerLine:
    """One side of the posting in transaction currency; debit positive.

    `account_id` is the account that the ERP will use, `number` the one that our chart wants.
    """

    label: str
    account_id: str | None
    number: str | None
    amount_minor: int


@dataclass(frozen=True)
class Draft:
    """A billing invoice beside everything that the ERP needs to take it; None where it lacks."""

    invoice: Row
    lines: tuple[Row, ...]
    customer: Row | None
    subsidiary: Row | None
    currency: Row | None
    period: Row | None
    tax_code: Row | None
    items: Mapping[str, Row]
    accounts: Mapping[str, Row]
    ledger: tuple[LedgerLine, ...]
    number_holder: Row | None


def draft_invoice(invoice_id: str, facts: Facts) -> Draft | None:
    """What the facts give for a billing invoice; None when the invoice itself is unknown."""
    invoice = facts.invoices.get(invoice_id)
    if invoice is None:
        return None
    lines = tuple(facts.invoice_lines.get(invoice_id, ()))
    return draft_document(invoice, lines, facts.numbers.get(invoice["number"] or ""), facts)


def draft_document(
    invoice: Row, lines: tuple[Row, ...], number_holder: Row | None, facts: Facts
) -> Draft:
    """What the facts give for a document in the shape of an invoice."""
    subsidiary = facts.subsidiaries.get(invoice["legal_entity"] or "")
    currency = facts.currencies.get(invoice["currency"] or "")
    day = invoice["invoice_date"]
    return Draft(
        invoice=invoice,
        lines=lines,
        customer=_customer(invoice, subsidiary, facts),
        subsidiary=subsidiary,
        currency=currency,
        period=facts.month_of(day) if day else None,
        tax_code=next(iter(codes_of(invoice, subsidiary, facts)), None),
        items=facts.items,
        accounts=facts.ledger,
        ledger=tuple(_ledger_lines(invoice, lines, facts)),
        number_holder=number_holder,
    )


def _ledger_lines(invoice: Row, lines: tuple[Row, ...], facts: Facts) -> Iterator[LedgerLine]:
    """What the posting does to the books: receivable against revenue (or deferral) and tax."""
    entity = invoice["legal_entity"] or ""
    yield _by_chart("receivable", invoice["total_minor"], entity, facts)
    for line in lines:
        item = facts.items.get(line["product_code"] or "", {})
        is_deferred = bool(line["service_start"] and item.get("deferred_account_id"))
        event = "revenue_deferred" if is_deferred else "revenue_recognised"
        own = item.get("deferred_account_id" if is_deferred else "income_account_id")
        number = facts.ledger_number(item.get("family") or "", entity, event)
        yield LedgerLine(event, own, number, -line["net_minor"])
        if line["tax_minor"]:
            yield _by_chart("tax_payable", -line["tax_minor"], entity, facts)


def _by_chart(event: str, amount_minor: int, entity: str, facts: Facts) -> LedgerLine:
    """A side whose account the ERP takes from its own set-up; the chart must know it."""
    number = facts.ledger_number("*", entity, event)
    account = facts.ledger_by_number.get(number or "")
    return LedgerLine(event, account["account_id"] if account else None, number, amount_minor)


def tax_fits(net_minor: int, tax_minor: int, rate_percent: Decimal) -> bool:
    """Whether a tax is the rate of the net amount, up to rounding."""
    exact = (net_minor * rate_percent / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return abs(int(exact) - tax_minor) <= ROUNDING_MINOR


def invoice_correction(
    subject: Subject, rule: Rule, draft: Draft | None, refusals: tuple[Refusal, ...]
) -> Correction:
    """INV-MISS-01: post the invoice under the external id of the billing invoice."""
    invoice_id = subject.owner_id or ""
    is_sound = draft is not None and not refusals
    return document_correction(
        subject,
        rule,
        action="post_erp_invoice",
        object_name="invoice",
        external_id=invoice_id,
        body=invoice_body(draft, subject.correlation_id) if draft and is_sound else {},
        facts={BILLED: billed(draft.invoice)} if draft and is_sound else {},
        refusals=refusals,
        reason=f"billing invoice {invoice_id} is final and the ERP does not have it",
    )


def billed(invoice: Row) -> dict[str, Any]:
    """What billing must still say when the posting goes out: total, minor units, and currency."""
    return {"total_minor": invoice["total_minor"], "currency": invoice["currency"]}


def invoice_body(draft: Draft, correlation_id: str) -> dict[str, Any]:
    """NetSuite's invoice as REST takes it, without the memo; amounts as exact decimal text.

    No exchange rate is given: the ERP then books at its own rate of `tranDate`.
    """
    customer, subsidiary = _have(draft.customer), _have(draft.subsidiary)
    currency, period, tax_code = _have(draft.currency), _have(draft.period), _have(draft.tax_code)
    exponent = currency["exponent"]
    invoice = draft.invoice
    return {
        "entity": {"id": customer["customer_id"]},
        "subsidiary": {"id": subsidiary["subsidiary_id"]},
        "currency": {"id": currency["currency_id"]},
        "tranId": invoice["number"],
        "tranDate": invoice["invoice_date"].isoformat(),
        "dueDate": (invoice["due_date"] or invoice["invoice_date"]).isoformat(),
        "postingPeriod": {"id": period["period_id"]},
        "customForm": "subscription",
        "custbody_stripe_invoice_id": invoice["invoice_id"],
        "custbody_q2c_correlation_id": correlation_id,
        "taxDetailsOverride": True,
        "item": {
            "items": [
                _item_line(draft, line, number, exponent)
                for number, line in enumerate(draft.lines, start=1)
            ]
        },
        "taxDetails": {
            "items": [
                _tax_line(line, number, exponent, tax_code)
                for number, line in enumerate(draft.lines, start=1)
            ]
        },
    }


def _item_line(draft: Draft, line: Row, number: int, exponent: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "item": {"id": draft.items[line["product_code"]]["item_id"]},
        "quantity": line["quantity"],
        "amount": amount_text(line["net_minor"], exponent),
        "description": draft.items[line["product_code"]]["name"] or line["product_code"],
        "custcol_stripe_line_id": line["line_id"],
        "taxDetailsReference": f"L{number}",
    }
    if line["service_start"] and line["service_end"]:
        body["custcol_rev_start"] = line["service_start"].isoformat()
        body["custcol_rev_end"] = line["service_end"].isoformat()
    return body


def _tax_line(line: Row, number: int, exponent: int, tax_code: Row) -> dict[str, Any]:
    return {
        "taxDetailsReference": f"L{number}",
        "taxCode": {"id": tax_code["tax_code_id"]},
        "taxBasis": amount_text(line["net_minor"], exponent),
        "taxRate": tax_code["rate"],
        "taxAmount": amount_text(line["tax_minor"], exponent),
    }


def _customer(invoice: Row, subsidiary: Row | None, facts: Facts) -> Row | None:
    """The ERP customer that names the billing customer, else the one of the legal entity."""
    candidates = facts.customers.get(invoice["canonical_customer_id"] or "", [])
    linked = [c for c in candidates if c["stripe_customer_id"] == invoice["billing_customer_id"]]
    named = [c for c in candidates if c["customer_id"] == invoice["erp_customer_ref"]]
    at_home = [
        c for c in candidates if subsidiary and c["subsidiary_id"] == subsidiary["subsidiary_id"]
    ]
    ranked = [*linked, *named, *at_home, *candidates]
    return next(iter(ranked), None)


def codes_of(invoice: Row, subsidiary: Row | None, facts: Facts) -> list[Row]:
    """The ERP's tax codes with the country and the standard rate of the legal entity."""
    entity = facts.legal_entities.get(invoice["legal_entity"] or "")
    if subsidiary is None or entity is None or entity["tax_rate"] is None:
        return []
    return [
        code
        for code in facts.tax_codes
        if code["country"] == subsidiary["country"]
        and Decimal(code["rate"]) == Decimal(entity["tax_rate"])
    ]


def _have(row: Row | None) -> Row:
    if row is None:
        raise ValueError("an invoice body was asked for although its posting checks failed")
    return row
