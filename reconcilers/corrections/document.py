"""What every document that we post to the ERP shares: its correction, and what must hold till sent.

Pure. What the single kinds of documents say is in erp_invoice.py, erp_journal.py and their like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from reconcilers.corrections.correction import (
    ABSENT,
    Action,
    Correction,
    Refusal,
    Subject,
    correction_id,
)
from reconcilers.corrections.facts import Row
from reconcilers.corrections.policy import Rule

WHILE = "while"  # in the facts desired, beside the body: what has to hold until the call
WITHIN = "within"  # beside it: the list in which a record of billing will stand that is made
MARK = "tieout_correction"  # in the metadata of such a record, as the memo is in the ERP
Condition = dict[str, Any]


def document_correction(
    subject: Subject,
    rule: Rule,
    *,
    action: Action,
    object_name: str,
    external_id: str,
    body: Mapping[str, Any],
    facts: Mapping[str, Any],
    refusals: tuple[Refusal, ...],
    reason: str,
) -> Correction:
    """Post a document under our external id, marked in its memo; nothing where it is refused.

    `facts` stand beside the body in what is desired, so that other facts are another correction.
    """
    correction = Correction(
        subject=subject,
        action=action,
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="netsuite",
        object=object_name,
        record_id=external_id,
        operation="upsert",
        attribute="",
        before=None,
        after={"externalId": external_id} if refusals else {**body, **facts},
        expected_version=absence(subject),
        watermark_object="netsuite.transaction",
        reason=reason,
        refusals=refusals,
    )
    if refusals:
        return correction
    memo = f"tieout:{correction_id(correction.idempotency_key)}"
    return replace(correction, payload={**body, "memo": memo})


@dataclass(frozen=True)
class Mirror:
    """A kind of document in which the ERP keeps what billing has: `key` carries billing's id."""

    action: Action
    object_name: str
    key: str
    what: str
    reason: str


@dataclass(frozen=True)
class Drawn:
    """What the facts of a night make of a document; the body is empty where it is refused.

    `beside` stands beside the body in what is desired.
    """

    refusals: tuple[Refusal, ...]
    conditions: Sequence[Condition]
    body: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)


def mirrored(subject: Subject, rule: Rule, kind: Mirror, drawn: Drawn | None) -> Correction:
    """Post the ERP's copy of what the owner has, under its id; refused where no night saw it."""
    source = subject.owner_id or ""
    if drawn is None:
        drawn = Drawn((not_in_snapshot(kind.key, f"{kind.what} {source}"),), (), {})
    return document_correction(
        subject,
        rule,
        action=kind.action,
        object_name=kind.object_name,
        external_id=source,
        body=drawn.body,
        facts={WHILE: list(drawn.conditions), **drawn.beside},
        refusals=drawn.refusals,
        reason=f"{kind.what} {source} {kind.reason}",
    )


def absence(subject: Subject) -> str:
    """What stands for the version of a document that is not there: which absence of it this is."""
    episode = f"{ABSENT}#{subject.episode}"
    return f"{episode}.{subject.spent}" if subject.spent else episode


def stands(system: str, object_name: str, equals: Mapping[str, str], **shows: Any) -> Condition:
    """That the record which these values find still shows those."""
    return {"system": system, "object": object_name, "equals": dict(equals), "shows": shows}


def nothing(system: str, object_name: str, **equals: str) -> Condition:
    """That there is no record with these values, but our own."""
    return {"system": system, "object": object_name, "equals": equals, "shows": None}


def open_month(day: date, months: Sequence[Row]) -> Row | None:
    """The month of a day, or the next one that takes postings."""
    return next((m for m in months if m["end_date"] >= day and is_open(m)), None)


def amount_text(minor: int, exponent: int) -> str:
    """Exact decimal text of an amount: 1999 with exponent 2 is '19.99'."""
    return format(Decimal(minor).scaleb(-exponent), "f")


def is_open(period: Row) -> bool:
    """Whether a period takes postings."""
    return period["is_closed"] != "T" and period["is_ar_locked"] != "T"


def closed_period(name: str, is_closed: str | None, is_locked: str | None) -> list[Refusal]:
    """The reason against posting into a period that takes nothing."""
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


def period_gap(day: Any, period: Row | None) -> list[Refusal]:
    """Why a document of this day cannot be posted into the period that was found for it."""
    if period is None:
        return [
            Refusal(
                "period",
                "postingPeriod",
                f"no accounting period holds {day}",
                "set up the period in the ERP",
            )
        ]
    return closed_period(period["name"], period["is_closed"], period["is_ar_locked"])


def entity_gap(entity: str | None, subsidiary: Row | None) -> list[Refusal]:
    """Why the books of a legal entity cannot take anything."""
    if subsidiary is not None:
        return []
    return [
        Refusal(
            "legal entity",
            "subsidiary",
            f"no ERP subsidiary carries entity code {entity!r}",
            "set custrecord_entity_code on the subsidiary, or legal_entity in billing",
        )
    ]


def currency_gap(code: str | None, currency: Row | None) -> list[Refusal]:
    if currency is not None:
        return []
    return [
        Refusal("currency", "currency", f"the ERP has no {code}", f"activate {code} in the ERP")
    ]


def not_in_snapshot(field: str, what: str) -> Refusal:
    return Refusal(
        "document",
        field,
        f"{what} is not in the snapshot",
        "let the next night read it again",
    )


def number_taken(number: str, transaction_id: str) -> Refusal:
    return Refusal(
        "document number",
        "tranId",
        f"{number} is taken by ERP transaction {transaction_id}",
        "find out whether that is this document under another id; if so, set its external id",
    )
