"""Corrections of what the CRM copies from billing: the customer link and the status. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES

_STATUS = PLACES["salesforce", "subscription", "status"]
WIRE_STATUS = {
    "trial": "Trial",
    "active": "Active",
    "past_due": "Past Due",
    "paused": "Paused",
    "cancelled": "Cancelled",
}


def link_crm_account(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CUS-MISS-01, link lost: give the one certain CRM account its billing customer id."""
    account_id, customer_id = subject.replica_id or "", subject.owner_id or ""
    account = facts.accounts.get(account_id)
    held = account and {
        "value": account["stripe_customer_id"],
        "version": account["system_modstamp"],
    }
    return field_correction(
        subject,
        rule,
        PLACES["salesforce", "customer", "billing_customer_ref"],
        ("salesforce", account_id),
        held=held,
        value=customer_id,
        action="link_crm_account",
        reason=f"billing customer {customer_id} matches this account and neither names the other",
        refusals=_link_refusals(account_id, customer_id, facts),
    )


def copy_subscription_status(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """SUB-STAT-01, stale copy: give the CRM the status that billing executes."""
    record_id, billing_id = subject.replica_id or "", subject.owner_id or ""
    record = facts.crm_subscriptions.get(record_id)
    billing = facts.billing_subscriptions.get(billing_id)
    refusals = _status_refusals(record, billing, subject)
    status = (billing or {}).get("status") or subject.expected or ""
    after = {"Status__c": WIRE_STATUS.get(status, status)}
    if billing and billing["status_changed_at"] is not None:
        after["Status_Changed_At__c"] = _wire_time(billing["status_changed_at"])
    return Correction(
        subject=subject,
        action="copy_subscription_status",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="salesforce",
        object=_STATUS.object,
        record_id=record_id,
        operation="update",
        attribute=_STATUS.name,
        before={name: record[BEFORE[name]] for name in after} if record else None,
        after=after,
        payload={} if refusals else after,
        expected_version=record["system_modstamp"] if record else "",
        watermark_object=_STATUS.watermark_object,
        reason=f"billing says {status} for {billing_id}, and the CRM's copy has not followed",
        refusals=refusals,
    )


BEFORE = {"Status__c": "status", "Status_Changed_At__c": "status_changed_at"}


def _link_refusals(account_id: str, customer_id: str, facts: Facts) -> tuple[Refusal, ...]:
    account = facts.accounts.get(account_id)
    if account is None:
        return (
            Refusal(
                "record exists",
                "Account.Id",
                f"account {account_id!r} is not in the snapshot",
                "let the next night read it again",
            ),
        )
    if account["stripe_customer_id"] not in (None, "", customer_id):
        return (
            Refusal(
                "link free",
                "Account.Stripe_Customer_Id__c",
                f"the account already names {account['stripe_customer_id']}",
                f"set metadata crm_account_id of {customer_id} in billing to {account_id}",
            ),
        )
    holder = facts.account_by_link.get(customer_id)
    if holder is not None and holder["account_id"] != account_id:
        return (
            Refusal(
                "link unique",
                "Account.Stripe_Customer_Id__c",
                f"account {holder['account_id']} already names {customer_id}",
                "decide which account is the customer and clear the link of the other",
            ),
        )
    return ()


def _status_refusals(
    record: Mapping[str, Any] | None, billing: Mapping[str, Any] | None, subject: Subject
) -> tuple[Refusal, ...]:
    if record is None or billing is None:
        missing = subject.replica_id if record is None else subject.owner_id
        return (
            Refusal(
                "record exists",
                "Subscription__c.Id" if record is None else "subscription.id",
                f"{missing!r} is not in the snapshot",
                "let the next night read it again",
            ),
        )
    if billing["status"] not in WIRE_STATUS:
        return (
            Refusal(
                "status mapped",
                "Subscription__c.Status__c",
                f"billing status {billing['status']!r} has no CRM value",
                f"map it to one of {', '.join(WIRE_STATUS.values())}",
            ),
        )
    return ()


def _wire_time(at: datetime) -> str:
    """Salesforce's form of a naive UTC instant."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
