"""A journal of the ERP: what it says, and whether the books would take it. Pure.

What a journal is for (a reversal, a reclass, a stage of a dispute) is journal_drafts.py's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.document import amount_text, currency_gap, entity_gap, period_gap
from reconcilers.corrections.facts import Row

CONTROL_ACCOUNTS = ("AcctRec", "AcctPay")  # their balance is that of documents


@dataclass(frozen=True)
class JournalLine:
    """One side, debit positive: minor units of the journal's currency, and of the books' currency.

    `account` is None where the ERP has none; `label` then names what was looked for.
    """

    label: str
    account: Row | None
    amount_minor: int
    base_minor: int
    memo: str | None = None
    department_id: str | None = None
    class_id: str | None = None


@dataclass(frozen=True)
class JournalDraft:
    """A journal beside what the ERP needs to take it; None where it lacks.

    `rate` is units of the books' currency for one of the journal's. `holder` is the transaction
    that has the external id already. `columns` are custom fields of its head.
    """

    external_id: str
    day: date
    legal_entity: str | None
    subsidiary: Row | None
    currency_code: str | None
    currency: Row | None
    base_currency: Row | None
    rate: Decimal
    period: Row | None
    lines: tuple[JournalLine, ...]
    holder: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[Refusal, ...] = ()


def check_journal(draft: JournalDraft) -> tuple[Refusal, ...]:
    """Every reason against posting the journal, in a fixed order; empty when it may be posted."""
    return (*draft.gaps, *(refusal for check in CHECKS for refusal in check(draft)))


def journal_body(draft: JournalDraft, correlation_id: str) -> dict[str, Any]:
    """NetSuite's journal as REST takes it, without the memo; amounts as exact decimal text.

    Asked for a draft whose checks failed it raises.
    """
    if draft.subsidiary is None or draft.currency is None or draft.period is None:
        raise ValueError("a journal body was asked for although its posting checks failed")
    exponent = draft.currency["exponent"]
    return {
        "subsidiary": {"id": draft.subsidiary["subsidiary_id"]},
        "currency": {"id": draft.currency["currency_id"]},
        "exchangeRate": format(draft.rate.normalize(), "f"),
        "tranDate": draft.day.isoformat(),
        "postingPeriod": {"id": draft.period["period_id"]},
        "approved": True,
        "custbody_q2c_correlation_id": correlation_id,
        **draft.columns,
        "line": {"items": [_line(line, exponent) for line in draft.lines]},
    }


def _line(line: JournalLine, exponent: int) -> dict[str, Any]:
    side = "debit" if line.amount_minor > 0 else "credit"
    body = {
        "account": {"id": (line.account or {})["account_id"]},
        side: amount_text(abs(line.amount_minor), exponent),
    }
    segments = (("department", line.department_id), ("class", line.class_id))
    body |= {name: {"id": value} for name, value in segments if value}
    return body | ({"memo": line.memo} if line.memo else {})


def reversed_lines(lines: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a journal's body with debits and credits exchanged."""
    other = {"debit": "credit", "credit": "debit"}
    return [{other.get(name, name): value for name, value in line.items()} for line in lines]


def in_books(minor: int, draft: JournalDraft) -> int:
    """What the ERP will book for an amount: minor units of the books' currency."""
    if draft.currency is None or draft.base_currency is None:
        return minor
    shift = draft.base_currency["exponent"] - draft.currency["exponent"]
    return int((minor * draft.rate).scaleb(shift).quantize(Decimal(1), ROUND_HALF_UP))


def _legal_entity(draft: JournalDraft) -> list[Refusal]:
    return entity_gap(draft.legal_entity, draft.subsidiary)


def _currency(draft: JournalDraft) -> list[Refusal]:
    gaps = currency_gap(draft.currency_code, draft.currency)
    if draft.rate <= 0:
        problem = f"the ERP has no rate of {draft.currency_code} on {draft.day}"
        gaps.append(Refusal("currency", "exchangeRate", problem, "enter the rate in the ERP"))
    return gaps


def _period(draft: JournalDraft) -> list[Refusal]:
    return period_gap(draft.day, draft.period)


def _accounts(draft: JournalDraft) -> list[Refusal]:
    refusals = []
    for number, line in enumerate(draft.lines, start=1):
        account = line.account
        if account is None:
            problem, fix = f"account {line.label} is not in the ERP", "set it up, or map another"
        elif account["is_inactive"] == "T":
            problem, fix = f"account {account['number']} is inactive", "reactivate it in the ERP"
        elif account["account_type"] in CONTROL_ACCOUNTS:
            problem = f"account {account['number']} is kept by documents, not by journals"
            fix = "change the account of the document itself"
        else:
            continue
        refusals.append(Refusal("ledger account", f"line.items[{number}].account", problem, fix))
    return refusals


def _lines(draft: JournalDraft) -> list[Refusal]:
    if len(draft.lines) > 1 and all(line.amount_minor for line in draft.lines):
        return []
    problem = "a journal needs two lines with amounts"
    fix = "book it by hand: a part of it is of the books' currency alone"
    return [Refusal("lines", "line.items", problem, fix)]


def _balance(draft: JournalDraft) -> list[Refusal]:
    """In the journal's currency and, line by line as the ERP will convert them, in the books'."""
    refusals = []
    if off := sum(line.amount_minor for line in draft.lines):
        problem = f"debits exceed credits by {off} minor units of {draft.currency_code}"
        refusals.append(Refusal("balance", "line.items.debit", problem, _BY_HAND))
    if off := sum(in_books(line.amount_minor, draft) for line in draft.lines):
        problem = f"in the currency of the books debits exceed credits by {off} minor units"
        refusals.append(Refusal("balance", "exchangeRate", problem, _BY_HAND))
    if any(in_books(line.amount_minor, draft) != line.base_minor for line in draft.lines):
        problem = f"at the rate {draft.rate} the books would not get the amounts that are meant"
        refusals.append(Refusal("balance", "exchangeRate", problem, _BY_HAND))
    return refusals


_BY_HAND = "look at the entry in the ERP and book it by hand, with the rounding line"


def _free(draft: JournalDraft) -> list[Refusal]:
    if draft.holder is None:
        return []
    problem = f"{draft.external_id} is in the ERP already, as transaction {draft.holder}"
    return [Refusal("document", "externalId", problem, "look at it: it may be this journal")]


CHECKS: tuple[Callable[[JournalDraft], list[Refusal]], ...] = (
    _legal_entity,
    _currency,
    _period,
    _accounts,
    _lines,
    _balance,
    _free,
)
