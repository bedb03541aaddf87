"""What an ERP invoice that must not change lacks or has too much: a document of its own. Pure.

A supplemental invoice or a credit memo over the difference, at the rate of the invoice. Its id
says which invoice it puts right, and the models count it with that one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    WHILE,
    Condition,
    document_correction,
    number_taken,
    open_month,
    period_gap,
)
from reconcilers.corrections.erp_settling import applied_to, shares
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Mode, Rule
from reconcilers.corrections.posted_lines import sublists

ADJUST = "adjust_"  # of our external ids; the models read it


@dataclass(frozen=True)
class Adjusted:
    """A document of the ERP that must not change, and what a document over its difference takes.

    `number` is the document number of an invoice, `due` its day in billing. A memo is applied to
    the ERP invoice `applied_to`, by no more than `applied_minor`.
    """

    posted: Row
    number: str
    due: date | None
    applied_to: str | None = None
    applied_minor: int = 0


def difference_correction(  # noqa: PLR0917  # what it is about, and what stands against it
    subject: Subject,
    rule: Rule,
    facts: Facts,
    about: Adjusted,
    lines: Sequence[Row],
    conditions: Sequence[Condition],
    gaps: tuple[Refusal, ...],
) -> Correction:
    """Lines over what a document lacks (+), or has too much (-), of what customers owe.

    Two people agree where its month has closed.
    """
    posted, day = about.posted, about.posted["invoice_date"]
    is_lacking = sum(line["net_minor"] + line["tax_minor"] for line in lines) > 0
    number = f"{about.number}-{subject.episode}"
    refusals = gaps or tuple(_against(lines, day, number if is_lacking else "", facts))
    month = open_month(day, facts.months) if day else None
    body: dict[str, Any] = {}
    if month and not refusals:
        body = _head(posted, month, facts, subject)
        exponent = facts.currencies[posted["currency"]]["exponent"]
        body |= (
            _supplement(about.due, lines, number, body["tranDate"], exponent)
            if is_lacking
            else _memo(about, lines, exponent)
        )
    correction = document_correction(
        subject,
        rule,
        action="post_erp_supplement" if is_lacking else "credit_erp_difference",
        object_name="invoice" if is_lacking else "creditMemo",
        external_id=f"{ADJUST}{posted['transaction_id']}_{subject.episode}",
        body=body,
        facts={WHILE: list(conditions)},
        refusals=refusals,
        reason=f"ERP document {posted['transaction_id']} must not change: its difference is posted",
    )
    is_late = month is not None and month["start_date"] > day
    return replace(correction, mode=Mode.APPROVE_TWO.value) if is_late else correction


def difference(held: Sequence[Row], billed: Sequence[Row]) -> list[Row]:
    """Lines over what the ERP's lack (+) or have too much (-); the tax in all, shared out."""
    sums: dict[tuple[Any, Any], Row] = {}
    for sign, side in ((1, billed), (-1, held)):
        for line in side:
            key = line["stripe_line_id"], line["item_id"]
            known = sums.get(key, {**line, "quantity": "1", "net_minor": 0})
            sums[key] = {**known, "net_minor": known["net_minor"] + sign * line["net_minor"]}
    tax = sum(line["tax_minor"] for line in billed) - sum(line["tax_minor"] for line in held)
    lines = [line for line in sums.values() if line["net_minor"]] or [*sums.values()][:1]
    weights = [abs(line["net_minor"]) for line in lines]
    parts = shares(tax, weights if any(weights) else [1])
    return [{**line, "tax_minor": part} for line, part in zip(lines, parts, strict=True)]


def _against(lines: Sequence[Row], day: date, number: str, facts: Facts) -> Iterator[Refusal]:
    yield from period_gap(day, open_month(day, facts.months))
    if holder := facts.numbers.get(number):
        yield number_taken(number, holder["transaction_id"])
    amounts = [amount for line in lines for amount in (line["net_minor"], line["tax_minor"])]
    if min(amounts) < 0 < max(amounts):
        problem = "some of its lines or taxes are too high and others too low"
        yield Refusal("lines", "item.items", problem, "credit and invoice them by hand")


def _head(posted: Row, month: Row, facts: Facts, subject: Subject) -> dict[str, Any]:
    return {
        "entity": {"id": posted["customer_id"]},
        "subsidiary": {"id": posted["subsidiary_id"]},
        "currency": {"id": facts.currencies[posted["currency"]]["currency_id"]},
        "exchangeRate": format(Decimal(posted["exchange_rate"]).normalize(), "f"),
        "tranDate": max(posted["invoice_date"], month["start_date"]).isoformat(),
        "postingPeriod": {"id": month["period_id"]},
        "custbody_q2c_correlation_id": subject.correlation_id,
        "taxDetailsOverride": True,
    }


def _supplement(
    due: date | None, lines: Sequence[Row], number: str, day: str, exponent: int
) -> dict[str, Any]:
    """What makes the head an invoice; due when billing's is, where that is still to come."""
    return {
        "tranId": number,
        "dueDate": max(day, due.isoformat() if due else ""),
        "customForm": "subscription",
        **sublists(lines, exponent),
    }


def _memo(about: Adjusted, lines: Sequence[Row], exponent: int) -> dict[str, Any]:
    """What makes the head a memo, applied as far as that may be."""
    taken = [
        {**line, "net_minor": -line["net_minor"], "tax_minor": -line["tax_minor"]} for line in lines
    ]
    total = sum(line["net_minor"] + line["tax_minor"] for line in taken)
    body: dict[str, Any] = sublists(taken, exponent)
    applied = min(total, about.applied_minor)
    if about.applied_to and applied > 0:
        body["apply"] = applied_to({"transaction_id": about.applied_to}, applied, exponent)
    return body
