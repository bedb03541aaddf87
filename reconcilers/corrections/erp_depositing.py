"""The ERP's deposit of a payout: what waits in Undeposited Funds, less the fees kept back. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    Condition,
    Drawn,
    Mirror,
    amount_text,
    currency_gap,
    entity_gap,
    mirrored,
    nothing,
    period_gap,
    stands,
)
from reconcilers.corrections.erp_refunding import account_gap
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

BOOKED = "booked"  # in the facts desired: what the deposit does to the books, as a journal's body
EVENTS = ("payment_bank", "payment_clearing", "payment_fee")  # of our chart


@dataclass(frozen=True)
class _Books:
    """Where a payout is deposited: None where the ERP lacks it."""

    legal_entity: str | None
    subsidiary: Row | None
    currency: Row | None
    month: Row | None
    accounts: tuple[Row | None, ...]  # as EVENTS


_DEPOSIT = Mirror(
    "post_erp_deposit",
    "deposit",
    "custbody_stripe_payout_id",
    "payout",
    "arrived and the ERP did not deposit it",
)


def post_deposit(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PYT-DEP-01, not deposited: if every member waits in Undeposited Funds, with its amount."""
    payout = facts.payouts.get(subject.owner_id or "")
    return mirrored(subject, rule, _DEPOSIT, _drawn(payout, subject, facts) if payout else None)


def _drawn(payout: Row, subject: Subject, facts: Facts) -> Drawn:
    payout_id, books = payout["payout_id"], _books(payout, facts)
    members = facts.payout_members.get(payout_id, ())
    refusals = tuple(_against(payout, members, books))
    conditions = [
        _stripe_says(payout),
        nothing("netsuite", "transaction", custbody_stripe_payout_id=payout_id),
        *chain.from_iterable(_as_it_was(m) for m in members if m["transaction_id"]),
    ]
    if refusals:
        return Drawn(refusals, conditions, {})
    body = _body(payout, members, books, subject.correlation_id)
    return Drawn((), conditions, body, {BOOKED: _booked(payout, body, books)})


def _stripe_says(payout: Row) -> Condition:
    amount = payout["amount_minor"]
    return stands("stripe", "payout", {"id": payout["payout_id"]}, status="paid", amount=amount)


def _as_it_was(member: Row) -> tuple[Condition, Condition]:
    """That a member is neither void nor of another amount, and that no deposit took it up."""
    key, shows = member["transaction_id"], {"voided": "F", "foreigntotal": member["total"]}
    return (
        stands("netsuite", "transaction", {"id": key}, **shows),
        nothing("netsuite", "previoustransactionlinelink", previousdoc=key, linktype="Deposit"),
    )


def _books(payout: Row, facts: Facts) -> _Books:
    """Those of the company that keeps its books in the currency of the payout, if one does."""
    code = payout["currency"]
    own = [row["legal_entity"] for row in facts.legal_entities.values() if row["currency"] == code]
    entity = own[0] if len(own) == 1 else None
    numbers = [facts.ledger_number("*", entity or "", event) for event in EVENTS]
    return _Books(
        legal_entity=entity,
        subsidiary=facts.subsidiaries.get(entity or ""),
        currency=facts.currencies.get(code or ""),
        month=facts.month_of(payout["arrival_date"]),
        accounts=tuple(facts.ledger_by_number.get(number or "") for number in numbers),
    )


def _against(payout: Row, members: Sequence[Row], books: _Books) -> Iterator[Refusal]:
    yield from entity_gap(books.legal_entity or payout["currency"], books.subsidiary)
    yield from currency_gap(payout["currency"], books.currency)
    yield from period_gap(payout["arrival_date"], books.month)
    for event, account in zip(EVENTS, books.accounts, strict=True):
        yield from account_gap(account, event)
    if not payout["is_reconciled"] or payout["net_minor"] != payout["amount_minor"]:
        problem, fix = "it is not what it consists of", "see PYT-COMP-01; read it again first"
        yield Refusal("composition", "payment.items", problem, fix)
    if payout["amount_minor"] <= 0:
        problem, fix = "the ERP takes no deposit that brings nothing", "book it by a journal"
        yield Refusal("balance", "payment.items", problem, fix)
    for number, member in enumerate(members, start=1):
        if reason := _against_member(member, payout, books):
            yield Refusal("member", f"payment.items[{number}]", *reason)


def _against_member(member: Row, payout: Row, books: _Books) -> tuple[str, str] | None:
    """Why a member is not what waits for this deposit, and what to do; None when it is."""
    name, clearing = f"{member['source_kind']} {member['source_id']}", books.accounts[1] or {}
    found = f"in the ERP {member['amount_minor']} minor units of {member['currency']}"
    should = payout["currency"], member["gross_minor"]
    cases = (
        (
            member["source_kind"] not in {"payment", "refund"},
            "is kept by a journal, which no deposit takes up",
            "deposit it by hand",
        ),
        (
            member["transaction_id"] is None,
            "is not in the ERP",
            "post it first (PAY-MISS-01, RFD-MISS-01)",
        ),
        (
            (member["currency"], member["amount_minor"]) != should,
            f"is {member['gross_minor']}, {found}",
            "correct the amount first (PAY-AMT-01)",
        ),
        (member["is_deposited"], "is deposited already", "find out in which deposit, and why"),
        (
            member["account_id"] != clearing.get("account_id"),
            "is not in Undeposited Funds",
            "move it there, or deposit it by hand",
        ),
        (
            member["subsidiary_id"] != (books.subsidiary or {}).get("subsidiary_id"),
            "is of another subsidiary than the bank's",
            "deposit it by hand",
        ),
    )
    return next(((f"{name} {problem}", fix) for is_so, problem, fix in cases if is_so), None)


def _body(payout: Row, members: Sequence[Row], books: _Books, cause: str) -> dict[str, Any]:
    """NetSuite's deposit: what is taken up by its id, fees as cash back."""
    bank, _, fees = books.accounts
    if not (books.currency and books.month and books.subsidiary and bank and fees):
        raise ValueError("a deposit body was asked for although its posting checks failed")
    body: dict[str, Any] = {
        "account": {"id": bank["account_id"]},
        "subsidiary": {"id": books.subsidiary["subsidiary_id"]},
        "currency": {"id": books.currency["currency_id"]},
        "exchangeRate": "1",
        "tranDate": payout["arrival_date"].isoformat(),
        "postingPeriod": {"id": books.month["period_id"]},
        "custbody_stripe_payout_id": payout["payout_id"],
        "custbody_q2c_correlation_id": cause,
        "payment": {"items": [_taken_up(member) for member in members]},
    }
    if fee := payout["fee_minor"]:
        amount = amount_text(fee, books.currency["exponent"])
        back = {"account": {"id": fees["account_id"]}, "amount": amount, "memo": "Processing fees"}
        body["cashback"] = {"items": [back]}
    return body


def _taken_up(member: Row) -> dict[str, Any]:
    return {
        "id": member["transaction_id"],
        "deposit": True,
        "custcol_stripe_balance_id": member["balance_transaction_id"],
    }


def _booked(payout: Row, body: dict[str, Any], books: _Books) -> dict[str, Any]:
    """The same as a journal, which an undo reverses: into the bank, out of clearing, fees."""
    exponent = (books.currency or {})["exponent"]
    net, fee = payout["net_minor"], payout["fee_minor"]
    bank, clearing, fees = ((account or {})["account_id"] for account in books.accounts)
    lines = [(bank, net), (fees, fee), (clearing, -net - fee)]
    kept = ("subsidiary", "currency", "exchangeRate", "custbody_q2c_correlation_id")
    items = [
        {
            "account": {"id": account},
            "debit" if minor > 0 else "credit": amount_text(abs(minor), exponent),
        }
        for account, minor in lines
        if minor
    ]
    return {
        **{name: body[name] for name in kept},
        "approved": True,
        "line": {"items": items},
    }
