"""Which journal puts a drift right: the reversal of a copy, a reclass, a stage of a dispute. Pure.

A reversal is known by its external id to be of one journal, and a reclass of one line: no journal
is ever reversed twice, by whatever plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    WHILE,
    Condition,
    document_correction,
    not_in_snapshot,
    nothing,
    open_month,
    stands,
)
from reconcilers.corrections.erp_journal import (
    JournalDraft,
    JournalLine,
    check_journal,
    in_books,
    journal_body,
)
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

REVERSAL, RECLASS = "reversal_", "reclass_"  # of our external ids; the models read them
_SIDES = {
    "opened": ("payment_disputed", "payment_clearing"),
    "won": ("payment_clearing", "payment_disputed"),
    "lost": ("bad_debt", "payment_disputed"),
}  # stage of a dispute -> events whose accounts are debited and credited
_TRANSACTION, _POSTING = "transaction", "transactionaccountingline"


def reverse_copy(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """JE-DUP-01: take the second journal back, while both still stand."""
    copy_of = facts.journals.get(subject.owner_id or "", {}).get("copy_of")
    original = facts.journals.get(copy_of or "")
    return _reversal(
        subject,
        rule,
        facts,
        gaps=() if original else (not_in_snapshot("externalId", "the journal that stands"),),
        conditions=[_as_it_was(original)] if original else [],
        why=f"{subject.owner_id} is a copy of {copy_of}: it is reversed",
    )


def reverse_by_hand(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PYT-CLR-01, by hand: what names nothing that clears goes back to where it was taken from."""
    why = f"{subject.owner_id} names nothing that will ever clear: it is reversed"
    journal = facts.journals.get(subject.owner_id or "", {"copy_of": None})
    return _reversal(subject, rule, facts, gaps=_copied(journal), conditions=[], why=why)


def _reversal(
    subject: Subject,
    rule: Rule,
    facts: Facts,
    *,
    gaps: tuple[Refusal, ...],
    conditions: Sequence[Condition],
    why: str,
) -> Correction:
    """A journal that takes another one back whole, while that stands as it was."""
    journal_id = subject.owner_id or ""
    journal, lines = facts.journals.get(journal_id), facts.journal_lines.get(journal_id, ())
    if journal is None or not lines:
        return unknown_source(subject, rule, f"{REVERSAL}{journal_id}", f"journal {journal_id}")
    draft = head_of(f"{REVERSAL}{journal_id}", journal, journal["entry_date"], facts)
    taken_back = tuple(_taken_back(line, facts) for line in lines)
    stand = [
        _as_it_was(journal),
        *conditions,
        *(_not_moved(f"{journal_id}_{line['line_id']}") for line in lines),
    ]
    draft = replace(draft, lines=taken_back, gaps=gaps)
    return journal_correction(subject, rule, draft, stand, why)


def reclass_line(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """JE-ACC-01: move what stands on a line to the account that the mapping gives it."""
    journal_id, _, line_id = (subject.owner_id or "").partition("-")
    journal = facts.journals.get(journal_id)
    found = facts.journal_lines.get(journal_id, ())
    line = next((each for each in found if each["line_id"] == line_id), None)
    external_id = f"{RECLASS}{journal_id}_{line_id}"
    if journal is None or line is None:
        return unknown_source(subject, rule, external_id, f"line {subject.owner_id}")
    draft = head_of(external_id, journal, journal["entry_date"], facts)
    wanted = subject.expected or ""
    moved = (
        _taken_back(line, facts),
        JournalLine(
            label=wanted,
            account=facts.ledger_by_number.get(wanted),
            amount_minor=line["amount_minor"],
            base_minor=line["base_minor"],
            department_id=line["department_id"],
            class_id=line["class_id"],
        ),
    )
    conditions = [
        _as_it_was(journal),
        nothing("netsuite", _TRANSACTION, externalid=f"{REVERSAL}{journal_id}"),
        stands(
            "netsuite",
            _POSTING,
            {"transaction": journal_id, "transactionline": line_id},
            account=line["account_id"],
        ),
    ]
    why = f"line {subject.owner_id} stands on {line['number']}, the mapping says {wanted}"
    draft = replace(draft, lines=moved, gaps=_copied(journal) or _choice(wanted))
    return journal_correction(subject, rule, draft, conditions, why)


def post_stage(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """DSP-LIFE-01, not posted: the journal by which the books follow a stage of a dispute."""
    dispute = facts.disputes.get(subject.row_key)
    if dispute is None:
        return unknown_source(subject, rule, subject.row_key, f"dispute {subject.owner_id}")
    dispute_id, stage = dispute["dispute_id"], dispute["stage"]
    external_id = dispute_id if stage == "opened" else f"{dispute_id}-{stage}"
    draft = head_of(external_id, dispute, dispute["stage_date"], facts, is_event=True)
    columns = {
        "custbody_stripe_dispute_id": dispute_id,
        "custbody_stripe_dispute_stage": stage,
    }
    amount = dispute["amount_minor"]
    made = tuple(
        JournalLine(
            label=f"of {event}",
            account=_by_chart(event, dispute["legal_entity"], facts),
            amount_minor=signed,
            base_minor=in_books(signed, draft),
        )
        for event, signed in zip(_SIDES.get(stage, ()), (amount, -amount), strict=False)
    )
    status = {} if stage == "opened" else {"status": dispute["stripe_status"]}
    conditions = [
        stands("stripe", "dispute", {"id": dispute_id}, **status),
        nothing("netsuite", _TRANSACTION, **columns),
    ]
    draft = replace(draft, lines=made, columns=columns, gaps=_stage_gaps(dispute))
    why = f"dispute {dispute_id} is {stage} and the books do not follow"
    return journal_correction(subject, rule, draft, conditions, why)


def journal_correction(
    subject: Subject,
    rule: Rule,
    draft: JournalDraft,
    conditions: Sequence[Condition],
    reason: str,
) -> Correction:
    refusals = check_journal(draft)
    return document_correction(
        subject,
        rule,
        action="post_erp_journal",
        object_name="journalEntry",
        external_id=draft.external_id,
        body={} if refusals else journal_body(draft, subject.correlation_id),
        facts={WHILE: list(conditions)},
        refusals=refusals,
        reason=reason,
    )


def unknown_source(subject: Subject, rule: Rule, external_id: str, what: str) -> Correction:
    """Refused: what the journal is about was not read."""
    return document_correction(
        subject,
        rule,
        action="post_erp_journal",
        object_name="journalEntry",
        external_id=external_id,
        body={},
        facts={},
        refusals=(not_in_snapshot("externalId", what),),
        reason=f"{what} is to be put right",
    )


def head_of(
    external_id: str, source: Row, day: date, facts: Facts, *, is_event: bool = False
) -> JournalDraft:
    """The head: of an event on its own day, else on the first open day from the source's on."""
    entity = source["legal_entity"]
    books = facts.legal_entities.get(entity or "", {})
    month = facts.month_of(day) if is_event else open_month(day, facts.months)
    return JournalDraft(
        external_id=external_id,
        day=max(day, month["start_date"]) if month else day,
        legal_entity=entity,
        subsidiary=facts.subsidiaries.get(entity or ""),
        currency_code=source["currency"],
        currency=facts.currencies.get(source["currency"] or ""),
        base_currency=facts.currencies.get(books.get("currency") or ""),
        rate=Decimal(source["exchange_rate"] or 0),
        period=month,
        lines=(),
        holder=(facts.journal_ids.get(external_id) or {}).get("journal_id"),
    )


def _taken_back(line: Row, facts: Facts) -> JournalLine:
    return JournalLine(
        label=line["number"] or "",
        account=facts.ledger.get(line["account_id"] or ""),
        amount_minor=-line["amount_minor"],
        base_minor=-line["base_minor"],
        department_id=line["department_id"],
        class_id=line["class_id"],
    )


def _by_chart(event: str, entity: str | None, facts: Facts) -> Row | None:
    number = facts.ledger_number("*", entity or "", event)
    return facts.ledger_by_number.get(number or "")


def _as_it_was(journal: Row) -> Condition:
    """That a transaction is neither void nor of another amount than it was."""
    shows: Mapping[str, Any] = {
        "voided": journal["voided"],
        "posting": journal["posting"],
        "foreigntotal": journal["total"],
    }
    return stands("netsuite", _TRANSACTION, {"id": journal["journal_id"]}, **shows)


def _not_moved(line: str) -> Condition:
    """That no reclass of ours moved a line: a reversal of its journal would not take that back."""
    return nothing("netsuite", _TRANSACTION, externalid=f"{RECLASS}{line}")


def _copied(journal: Row) -> tuple[Refusal, ...]:
    if journal["copy_of"] is None:
        return ()
    problem = f"the journal is a copy of {journal['copy_of']}"
    return (Refusal("duplicate", "externalId", problem, "reverse the copy (JE-DUP-01)"),)


def _choice(accounts: str) -> tuple[Refusal, ...]:
    if " or " not in accounts:
        return ()
    problem = f"the mapping allows {accounts}"
    return (
        Refusal("ledger account", "line.items[2].account", problem, "choose one and book by hand"),
    )


def _stage_gaps(dispute: Row) -> tuple[Refusal, ...]:
    """What of a stage no journal of ours can tell."""
    stage = dispute["stage"]
    if stage not in _SIDES:
        problem, fix = f"a dispute that is {stage} has no journal", "book it by hand"
    elif stage != "opened" and dispute["opening_id"] is None:
        problem, fix = "the opening of the dispute is not posted", "post the opening first"
    elif stage == "lost" and dispute["reinstated_minor"]:
        problem, fix = "a part of the money came back", "book what came back by hand as well"
    else:
        return ()
    return (Refusal("stage", "custbody_stripe_dispute_stage", problem, fix),)
