"""The lines of an ERP invoice put as billing has them: while it is open, or its total stays. Pure.

What is settled or closed is never written over: a person posts the difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    WHILE,
    Condition,
    closed_period,
    not_in_snapshot,
    stands,
)
from reconcilers.corrections.erp_invoice import Draft, codes_of, draft_document
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.posted_lines import comparable, sublists, taxed
from reconcilers.corrections.posting import check_posting

LINES = "item"  # the sublist that is given anew, with its taxes


def amend_total(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """INV-AMT-01, TAX-AMT-01, TAX-CODE-01: the lines and taxes that billing charged."""
    return _amend(subject, rule, facts, subject.replica_id or "")


def amend_lines(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """INV-LINE-01: all lines of the invoice at once, for the first of those that are wrong."""
    told = facts.wrong_lines.get(subject.exception_key)
    if told is not None and not told["is_first"]:
        return None
    return _amend(subject, rule, facts, (told or {}).get("transaction_id") or "")


def _amend(subject: Subject, rule: Rule, facts: Facts, transaction_id: str) -> Correction:
    posted = facts.erp_copies.get(transaction_id)
    invoice = facts.invoices.get((posted or {}).get("invoice_id") or "")
    if posted is None or invoice is None:
        what = f"ERP invoice {transaction_id!r} with its billing invoice"
        no = (not_in_snapshot("item.items", what),)
        return _correction(subject, rule, transaction_id, {}, {}, "", no)
    held = taxed(facts.erp_copy_lines.get(transaction_id, ()))
    draft = draft_of(posted, invoice, facts)
    code = _code(subject, draft, held, facts)
    if isinstance(code, Refusal):
        return _correction(subject, rule, transaction_id, {}, {}, posted["version"] or "", (code,))
    draft = replace(draft, tax_code=code)
    refusals = (*check_posting(draft), *_against(posted, held, draft, facts))
    exponent = (draft.currency or {}).get("exponent", 0)
    after = {} if refusals else sublists(_in_order(billed_lines(draft), held), exponent)
    before = {} if refusals else sublists(held, exponent)
    if after and comparable(after) == comparable(before):
        problem = "its lines and taxes are already those of billing"
        refusals = (Refusal("lines", "item.items", problem, "compare the totals of both sides"),)
    if not refusals:
        after[WHILE] = [of_billing(invoice), as_it_was(posted)]
    return _correction(
        subject, rule, transaction_id, before, after, posted["version"] or "", refusals
    )


def _correction(  # noqa: PLR0917  # what differs of one write
    subject: Subject,
    rule: Rule,
    transaction_id: str,
    before: dict[str, Any],
    after: dict[str, Any],
    version: str,
    refusals: tuple[Refusal, ...],
) -> Correction:
    wire = {name: value for name, value in after.items() if name != WHILE}
    return Correction(
        subject=subject,
        action="amend_erp_invoice",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="netsuite",
        object="invoice",
        record_id=transaction_id,
        operation="update",
        attribute=LINES,
        before=before or None,
        after=after,
        payload={} if refusals else {**wire, "taxDetailsOverride": True},
        expected_version=version,
        watermark_object="netsuite.transaction",
        reason=f"the lines of ERP invoice {transaction_id} are not those that billing charged",
        refusals=refusals,
    )


def _code(
    subject: Subject, draft: Draft, held: Sequence[Row], facts: Facts
) -> Row | Refusal | None:
    """The code by the name under which billing charged, else that of the country and rate.

    Where several are of that country and rate, the one that the invoice has stays.
    """
    if subject.code != "TAX-CODE-01":
        fits = codes_of(draft.invoice, draft.subsidiary, facts)
        kept = [
            code for code in fits if {line["tax_code_id"] for line in held} == {code["tax_code_id"]}
        ]
        fits = kept or fits
        what = "have the country and rate of the legal entity"
    else:
        fits = [code for code in facts.tax_codes if code["name"] == subject.expected]
        what = f"are named {subject.expected}, as billing charged"
        if not fits:
            return _no_code(f"no ERP tax code is named {subject.expected}, as billing charged")
    if len(fits) > 1:
        return _no_code(f"{len(fits)} ERP tax codes {what}")
    return next(iter(fits), None)


def _no_code(problem: str) -> Refusal:
    fix = "choose the tax code of each line in the ERP, by hand"
    return Refusal("tax", "taxDetails.taxCode", problem, fix)


def draft_of(posted: Row, invoice: Row, facts: Facts) -> Draft:
    """The billing invoice as it would be posted anew; its number may be that of the copy."""
    holder = facts.numbers.get(invoice["number"] or "")
    if holder is not None and holder["transaction_id"] == posted["transaction_id"]:
        holder = None
    lines = tuple(facts.invoice_lines.get(invoice["invoice_id"], ()))
    return draft_document(invoice, lines, holder, facts)


def billed_lines(draft: Draft) -> list[Row]:
    """What billing charged, in the shape of lines that the ERP has."""
    code = draft.tax_code or {}
    return [
        {
            "item_id": draft.items[line["product_code"]]["item_id"],
            "quantity": str(line["quantity"]),
            "net_minor": line["net_minor"],
            "tax_minor": line["tax_minor"],
            "tax_code_id": code["tax_code_id"],
            "tax_rate": code["rate"],
            "stripe_line_id": line["line_id"],
            "rev_start": line["service_end"] and line["service_start"],
            "rev_end": line["service_start"] and line["service_end"],
        }
        for line in draft.lines
    ]


def _in_order(lines: Sequence[Row], held: Sequence[Row]) -> list[Row]:
    """Lines in the places of those that the ERP has; what it lacks comes last."""
    places = {line["stripe_line_id"]: place for place, line in enumerate(held)}
    return sorted(lines, key=lambda line: places.get(line["stripe_line_id"], len(places)))


def _against(posted: Row, held: Sequence[Row], draft: Draft, facts: Facts) -> Iterator[Refusal]:
    yield from of_other_books(posted, draft)
    yield from _closed(posted, facts)
    if posted["voided"] == "T":
        yield Refusal("document", "voided", "the ERP's invoice is void", "look at it in the ERP")
    is_settled = posted["unpaid_minor"] != posted["total_minor"]
    if is_settled and posted["total_minor"] != draft.invoice["total_minor"]:
        problem = "something is applied to the invoice, and its total would change"
        yield Refusal(
            "application", "amountRemaining", problem, "credit or invoice the difference by hand"
        )
    off = posted["total_minor"] - sum(line["net_minor"] + line["tax_minor"] for line in held)
    if off or not held:
        problem = f"its lines and its tax leave {off} of its total" if held else "it has no lines"
        yield Refusal("balance", "item.items", problem, "look at the invoice in the ERP")
    if any(line["tax_code_id"] is None for line in held):
        problem = "a line of it has no tax code, so that it could not be put back"
        yield Refusal("tax", "taxDetails.taxCode", problem, "change the lines by hand")


def of_other_books(posted: Row, draft: Draft) -> Iterator[Refusal]:
    """Why what billing says cannot be said of this document: another currency, another entity."""
    if posted["currency"] != draft.invoice["currency"]:
        problem = f"the ERP's invoice is in {posted['currency']}"
        yield Refusal("currency", "currency", problem, "credit it and post it in the right one")
    if draft.subsidiary and posted["subsidiary_id"] != draft.subsidiary["subsidiary_id"]:
        problem = f"the ERP's invoice is of subsidiary {posted['subsidiary_id']}"
        yield Refusal("legal entity", "subsidiary", problem, "see JE-ENT-01")


def _closed(posted: Row, facts: Facts) -> list[Refusal]:
    period = facts.periods.get(posted["period_id"] or "")
    if period is None:
        return [not_in_snapshot("postingPeriod", f"period {posted['period_id']}")]
    return closed_period(period["name"], period["is_closed"], period["is_ar_locked"])


def of_billing(invoice: Row) -> Condition:
    """That the billing invoice is neither void nor of another amount than it was."""
    return stands(
        "stripe",
        "invoice",
        {"id": invoice["invoice_id"]},
        total=invoice["total_minor"],
        currency=invoice["currency"].lower(),
        status_transitions={"voided_at": None},
    )


def as_it_was(posted: Row) -> Condition:
    """That nothing was applied to an ERP invoice, or taken off it, since it was seen."""
    return stands(
        "netsuite",
        "transaction",
        {"id": posted["transaction_id"]},
        voided=posted["voided"],
        foreigntotal=posted["total"],
        foreignamountunpaid=posted["unpaid"],
        postingperiod=posted["period_id"],
    )
