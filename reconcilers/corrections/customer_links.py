"""Corrections of link fields: a record of one system names the wrong counterpart, or none. Pure.

The crosswalk decides who is whom; each system's field is a copy of it. The former value stands in
the outbox as the before-image: compensating is writing it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule


@dataclass(frozen=True)
class LinkField:
    """Where a system keeps the id of a counterpart; `path` leads to it in the vendor's record.

    `is_unique`: no two records of the system may name the same counterpart.
    """

    object: str
    path: tuple[str, ...]
    watermark_object: str
    is_unique: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def holding(self, value: str | None) -> dict[str, Any]:
        """The record as far as this field goes."""
        held: Any = value
        for part in reversed(self.path):
            held = {part: held}
        return dict(held)


_ACCOUNT, _CUSTOMER, _ERP = "salesforce.account", "stripe.customer", "netsuite.customer"
# By system and attribute of the system-of-record matrix.
FIELDS: Mapping[tuple[str, str], LinkField] = {
    ("salesforce", "billing_customer_ref"): LinkField(
        "Account", ("Stripe_Customer_Id__c",), _ACCOUNT, is_unique=True
    ),
    ("salesforce", "erp_customer_ref"): LinkField(
        "Account", ("NetSuite_Customer_Id__c",), _ACCOUNT, is_unique=True
    ),
    ("stripe", "crm_account_ref"): LinkField("customer", ("metadata", "crm_account_id"), _CUSTOMER),
    ("stripe", "erp_customer_ref"): LinkField(
        "customer", ("metadata", "netsuite_customer_id"), _CUSTOMER
    ),
    ("netsuite", "crm_account_ref"): LinkField("customer", ("custentity_sfdc_id",), _ERP),
    ("netsuite", "billing_customer_ref"): LinkField(
        "customer", ("custentity_stripe_id",), _ERP, is_unique=True
    ),
}


def correct_link(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CUS-LINK-01: give the field the one counterpart that the crosswalk knows, if it knows one."""
    system, *_, attribute = subject.row_key.split(":")
    field = FIELDS.get((system, attribute))
    if subject.replica_id is None or subject.expected is None or field is None:
        return None
    held = facts.link_fields.get((system, subject.replica_id, attribute))
    after = field.holding(subject.expected)
    refusals = _refusals(field, held, subject, facts)
    return Correction(
        subject=subject,
        action="correct_customer_link",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system=system,
        object=field.object,
        record_id=subject.replica_id,
        operation="update",
        attribute=field.name,
        before=field.holding(held["value"]) if held else None,
        after=after,
        payload={} if refusals else after,
        expected_version=(held["version"] or "") if held else "",
        watermark_object=field.watermark_object,
        reason=f"{field.name} is {_WORDS[subject.cause or '']}; the crosswalk knows "
        f"{subject.expected}",
        refusals=refusals,
    )


_WORDS = {
    "empty": "empty while its counterpart names this record",
    "merged": "the id of a record that was merged away",
    "dangling": "the id of nobody",
    "crossed": "the id of another customer's record",
    "not_in_use": "the id of a record that is not in use",
}


def _refusals(
    field: LinkField, held: Row | None, subject: Subject, facts: Facts
) -> tuple[Refusal, ...]:
    where = f"{field.object}.{field.name}"
    if held is None:
        return (
            Refusal(
                "record exists",
                where,
                f"{subject.replica_id!r} is not in the snapshot",
                "let the next night read it again",
            ),
        )
    others = facts.links_to.get((held["system"], held["attribute"], subject.expected or ""), ())
    rivals = sorted(row["record_id"] for row in others if row["record_id"] != subject.replica_id)
    if field.is_unique and rivals:
        return (
            Refusal(
                "link unique",
                where,
                f"{rivals[0]} already names {subject.expected}",
                "decide which record is the customer and clear the link of the other",
            ),
        )
    return ()
