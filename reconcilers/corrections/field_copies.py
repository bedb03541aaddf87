"""Corrections that give one field of one record the value that counts, class by class. Pure.

The former value stands in the outbox as the before-image: compensating is writing it back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from reconcilers.corrections.correction import Action, Correction, Refusal, Subject
from reconcilers.corrections.document import amount_text, closed_period
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES, Place

Wanted = Callable[[Subject, Facts], str | None]
NOTHING_ELSE: Mapping[str, Any] = MappingProxyType({})


def _expected(subject: Subject, _: Facts) -> str | None:
    return subject.expected


def _owner(subject: Subject, _: Facts) -> str | None:
    return subject.owner_id


def _amount(subject: Subject, facts: Facts) -> str | None:
    """Minor units as text with the decimals of the currency."""
    currency = facts.currencies.get(subject.currency or "")
    if currency is None or subject.expected is None:
        return None
    return amount_text(int(subject.expected), currency["exponent"])


def _of_customer(subject: Subject, facts: Facts) -> str | None:
    """Payment terms in the words of sales, a tax id as its owner spells it; all else as it is."""
    if subject.attribute == "tax_id":
        owner = (subject.owner_system, "customer", subject.owner_id or "", "tax_id")
        return facts.held.get(owner, {}).get("value") or subject.expected
    if subject.attribute != "payment_terms_days" or subject.expected is None:
        return subject.expected
    return f"Net {subject.expected}" if int(subject.expected) else "Due on receipt"


def _parent(subject: Subject, facts: Facts) -> str | None:
    """The ERP's own record of the parent, in the subsidiary of the child where there is one."""
    above = [
        row for row in facts.customers.get(subject.expected or "", ()) if row["is_inactive"] != "T"
    ]
    own = facts.erp_customers.get(subject.replica_id or "", {})
    at_home = [row for row in above if row["subsidiary_id"] == own.get("subsidiary_id")]
    return next((row["customer_id"] for row in [*at_home, *above]), None)


def _in_use(*_: object) -> str:
    return "F"


def _on_sale(subject: Subject, _: Facts) -> str:
    """The ERP has a flag for what is out of use, the others one for what is in use."""
    return "F" if subject.replica_system == "netsuite" else "true"


@dataclass(frozen=True)
class Copy:
    """Which attribute of the matrix a class is about, and the value wanted, as the raw zone has it.

    Without an attribute it is that of the finding. `of` is the side whose record is corrected.
    """

    entity: str
    attribute: str | None
    wanted: Wanted
    why: str
    of: Literal["owner", "replica"] = "replica"


COPIES: Mapping[str, Copy] = {
    "CTL-XREF-01": Copy(
        "invoice", "invoice_id", _expected, "the document is billing's, its key is lost"
    ),
    "CUS-ATTR-01": Copy("customer", None, _of_customer, "its owner says otherwise"),
    "CUS-STAT-01": Copy(
        "customer", "is_active", _in_use, "billing goes on with this customer", of="owner"
    ),
    "HIE-PAR-01": Copy(
        "customer_hierarchy", "parent", _parent, "sales has it below another customer"
    ),
    "PRD-MAP-01": Copy("product", "is_active", _on_sale, "live subscriptions still pay for it"),
    "PYT-DEP-01": Copy(
        "payout", "payout_id", _owner, "the deposit is the payout's, its key is lost"
    ),
    "INV-DATE-01": Copy("invoice", None, _expected, "billing's invoice says otherwise"),
    "MRR-XSYS-01": Copy(
        "mrr_month", "arr", _amount, "the signed contracts come to another value", of="owner"
    ),
}


def copy_field(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """The field with the value that counts; None where no system takes that attribute from us."""
    copy = COPIES[subject.code]
    system, record_id = (
        (subject.owner_system, subject.owner_id)
        if copy.of == "owner"
        else (subject.replica_system, subject.replica_id)
    )
    attribute = copy.attribute or subject.attribute
    if system is None or record_id is None or (system, copy.entity, attribute) not in PLACES:
        return None
    held = facts.held.get((system, copy.entity, record_id, attribute))
    place, value = PLACES[system, copy.entity, attribute], copy.wanted(subject, facts)
    return field_correction(
        subject,
        rule,
        place,
        (system, record_id),
        held=held,
        value=value,
        reason=f"{place.object}.{place.name} is not as it should be: {copy.why}",
        refusals=(
            *_value_gap(place, value),
            *_period_gap(held, place, facts),
            *rival_gap(place, held, value, facts),
            *_other_month(value, held, place, facts),
        ),
    )


def field_correction(
    subject: Subject,
    rule: Rule,
    place: Place,
    record: tuple[str, str],
    *,
    held: Row | None,
    value: str | None,
    reason: str,
    action: Action = "copy_field",
    refusals: tuple[Refusal, ...] = (),
    standing: Mapping[str, Any] = NOTHING_ELSE,
) -> Correction:
    """One field of a record (system and id) set to a value; refused where no night saw it.

    `standing` are other values of the record that have to be so still when it is sent, or undone.
    """
    system, record_id = record
    after = place.holding(value)
    if held is None:
        refusals = refusals or (_unseen(place, record_id),)
    return Correction(
        subject=subject,
        action=action,
        mode=rule.mode.value,
        assignee=rule.assignee,
        system=system,
        object=place.object,
        record_id=record_id,
        operation="update",
        attribute=place.name,
        before={**place.holding(held["value"]), **standing} if held else None,
        after=after,
        payload={} if refusals else {**after, **place.how},
        expected_version=(held["version"] or "") if held else "",
        watermark_object=place.watermark_object,
        reason=reason,
        refusals=refusals,
    )


def _unseen(place: Place, record_id: str) -> Refusal:
    return Refusal(
        "record exists",
        f"{place.object}.{place.name}",
        f"{record_id!r} is not in the snapshot",
        "let the next night read it again",
    )


def _value_gap(place: Place, value: str | None) -> tuple[Refusal, ...]:
    if value is not None:
        return ()
    return (
        Refusal(
            "value known",
            f"{place.object}.{place.name}",
            "the system has no record or currency for what its owner says",
            "add it there, or correct the field by hand",
        ),
    )


def rival_gap(
    place: Place, held: Row | None, value: str | None, facts: Facts
) -> tuple[Refusal, ...]:
    """Why a value that one record alone may have cannot be given to this one: another has it."""
    if held is None or not place.is_unique:
        return ()
    others = facts.holders.get((held["system"], held["entity"], held["attribute"], value or ""), ())
    rivals = sorted(row["record_id"] for row in others if row["record_id"] != held["record_id"])
    return tuple(value_taken(place, rival, value) for rival in rivals[:1])


def value_taken(place: Place, rival: str, value: str | None) -> Refusal:
    return Refusal(
        "link unique",
        f"{place.object}.{place.name}",
        f"{rival} already names {value}",
        "decide which record it is, and clear the field of the other",
    )


def _period_gap(held: Row | None, place: Place, facts: Facts) -> tuple[Refusal, ...]:
    """A posted document is changed only while its period is open."""
    if held is None or place.object not in {"invoice", "deposit"}:
        return ()
    period = facts.periods.get(held["period_id"] or "")
    if period is None:
        return (
            Refusal(
                "period",
                "postingPeriod",
                f"the period of the document ({held['period_id']}) is not in the snapshot",
                "let the next night read it again",
            ),
        )
    return tuple(closed_period(period["name"], period["is_closed"], period["is_ar_locked"]))


def _other_month(
    value: str | None, held: Row | None, place: Place, facts: Facts
) -> tuple[Refusal, ...]:
    """The date of a document stays in the month that it is posted in."""
    if place.name != "tranDate" or value is None or held is None:
        return ()
    month = facts.month_of(date.fromisoformat(value)) or {}
    if month.get("period_id") == held["period_id"]:
        return ()
    return (
        Refusal(
            "period",
            "tranDate",
            f"{value} is not in the month that the document is posted in",
            "move its period first, if that is wrong too (JE-PER-01)",
        ),
    )
