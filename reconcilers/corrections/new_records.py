"""Records that a system lacks: a customer for the ERP, an account for the CRM. Pure.

Made by upsert under an external id of the crosswalk's, so that no call makes two, and only where
nothing may be the customer already. The record says what billing knows of the customer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconcilers.corrections.correction import ABSENT, Action, Correction, Refusal, Subject
from reconcilers.corrections.document import (
    WHILE,
    Condition,
    currency_gap,
    entity_gap,
    not_in_snapshot,
    nothing,
    stands,
)
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import FREEDOM, Mode, Rule


def create_erp_customer(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CUS-MISS-02: a customer in the subsidiary that its documents are of.

    By itself only where billing and all documents name one company of ours and one currency.
    """
    missing = facts.missing_customers.get(subject.owner_id or "")
    noes = tuple(_against_customer(missing, facts)) or (() if missing else (_unseen(subject),))
    is_sure = missing and (missing["document_entities"], missing["document_currencies"]) == (1, 1)
    key = f"q2c_{subject.canonical_id}"
    return record_correction(
        subject,
        rule,
        action="create_erp_customer",
        target=("netsuite", "customer", "netsuite.customer"),
        key=key,
        body={} if noes or missing is None else _erp_body(missing, facts),
        while_=[
            nothing("netsuite", "customer", custentity_stripe_id=subject.owner_id or ""),
            *_still(subject),
        ],
        mode=rule.mode if is_sure else min(rule.mode, Mode.APPROVE, key=FREEDOM.__getitem__),
        reason=f"billing customer {subject.owner_id} has documents and no ERP customer",
        refusals=noes,
    )


def create_crm_account(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CUS-MISS-01, account missing: an account for a customer that sales looks after."""
    missing = facts.missing_customers.get(subject.owner_id or "")
    noes = tuple(_rival(missing, "crm_rival", "Account", "Stripe_Customer_Id__c"))
    noes = noes or (() if missing else (_unseen(subject),))
    return record_correction(
        subject,
        rule,
        action="create_crm_account",
        target=("salesforce", "Account", "salesforce.account"),
        key=subject.canonical_id or "",
        body={} if noes or missing is None else _crm_body(missing),
        while_=[
            nothing("salesforce", "Account", Stripe_Customer_Id__c=subject.owner_id or ""),
            *_still(subject),
        ],
        mode=rule.mode,
        reason=f"billing customer {subject.owner_id} is sold to by sales and has no account",
        refusals=noes,
    )


def _still(subject: Subject) -> Iterator[Condition]:
    """That billing has the customer still."""
    yield stands("stripe", "customer", {"id": subject.owner_id or ""}, id=subject.owner_id)


def record_correction(
    subject: Subject,
    rule: Rule,
    *,
    action: Action,
    target: tuple[str, str, str],
    key: str,
    body: Mapping[str, Any],
    while_: list[Condition],
    mode: Mode,
    reason: str,
    refusals: tuple[Refusal, ...],
) -> Correction:
    """A record under our external id; what is not known of it is left to the system.

    `target`: system, object, and what a night reads it as.
    """
    system, object_name, watermark_object = target
    known = {name: value for name, value in body.items() if value not in (None, "")}
    spent = f".{subject.spent}" if subject.spent else ""
    return Correction(
        subject=subject,
        action=action,
        mode=mode.value,
        assignee=rule.assignee,
        system=system,
        object=object_name,
        record_id=key,
        operation="upsert",
        attribute="",
        before=None,
        after={"externalId": key} if refusals else {**known, WHILE: while_},
        payload={} if refusals else known,
        expected_version=f"{ABSENT}#{subject.episode}{spent}",
        watermark_object=watermark_object,
        reason=reason,
        refusals=refusals,
    )


def _against_customer(missing: Row | None, facts: Facts) -> Iterator[Refusal]:
    if missing is None:
        return
    yield from _rival(missing, "erp_rival", "customer", "custentity_stripe_id")
    yield from entity_gap(
        missing["legal_entity"], facts.subsidiaries.get(missing["legal_entity"] or "")
    )
    yield from currency_gap(missing["currency"], facts.currencies.get(missing["currency"] or ""))


def _rival(missing: Row | None, which: str, name: str, field: str) -> Iterator[Refusal]:
    if missing and missing[which]:
        yield Refusal(
            "record absent",
            f"{name}.{field}",
            f"{missing[which]} may be this customer: it has its key or tax id, or waits for review",
            f"decide who is who, and set {field} where it is the same",
        )


def _unseen(subject: Subject) -> Refusal:
    return not_in_snapshot("customer.id", f"billing customer {subject.owner_id!r}")


def _erp_body(missing: Row, facts: Facts) -> dict[str, Any]:
    return {
        "companyName": missing["name"],
        "subsidiary": {"id": facts.subsidiaries[missing["legal_entity"]]["subsidiary_id"]},
        "currency": {"id": facts.currencies[missing["currency"]]["currency_id"]},
        "terms": {"id": missing["term_id"]} if missing["term_id"] else None,
        "email": missing["email"],
        "vatRegNumber": missing["tax_id"],
        "addressBook": _in_country(missing["country"]),
        "custentity_stripe_id": missing["customer_id"],
        "custentity_sfdc_id": missing["account_id"] if missing["accounts"] == 1 else None,
    }


def _in_country(country: str | None) -> dict[str, Any] | None:
    """A billing address as far as it is compared; streets are for people to add."""
    if country is None:
        return None
    address = {"country": {"id": country}}
    return {"items": [{"defaultBilling": True, "addressBookAddress": address}]}


def _crm_body(missing: Row) -> dict[str, Any]:
    return {
        "Name": missing["name"],
        "Type": "Customer",
        "BillingStreet": missing["street"],
        "BillingCity": missing["city"],
        "BillingPostalCode": missing["postal_code"],
        "BillingCountryCode": missing["country"],
        "CurrencyIsoCode": missing["currency"],
        "Payment_Terms__c": missing["terms"],
        "Tax_Id__c": missing["tax_id"],
        "Invoice_Email__c": missing["email"],
        "Stripe_Customer_Id__c": missing["customer_id"],
        "NetSuite_Customer_Id__c": missing["erp_id"] if missing["erp_records"] == 1 else None,
    }
