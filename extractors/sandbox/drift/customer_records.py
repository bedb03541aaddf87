"""CUS: link fields that name the wrong record or none, and customers that a system holds twice."""

from typing import Any

from extractors.sandbox.drift.customers import customer_id_of, customer_of, known, number_of
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.schema import System, to_text
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.moments import moment
from extractors.sandbox.world.state import Company

_ATTRIBUTES = {
    "dangling_crm": "billing_customer_ref",
    "crossed_billing": "crm_account_ref",
    "merged_erp": "crm_account_ref",
    "empty_crm": "erp_customer_ref",
    "crossed_erp": "billing_customer_ref",
    "empty_billing": "erp_customer_ref",
}
_NOBODY = "cus_NobodyHasThisId"


def plant_wrong_link(ground: Ground, count: int) -> None:
    """CUS-LINK-01: one field of one record; the records' own values still tell who is who."""
    led = [who for who in known(ground) if who.account_id and who.tax_id]
    chosen = ground.choose(count, dict.fromkeys(_ATTRIBUTES, led), number_of)
    taken = {who.number for _, who in chosen}
    others = [who for who in led if who.number not in taken]
    for variant, who in chosen:
        at = ground.tick()
        ground.freeze(who, f"attributes:{who.number}")
        copy, owner = _spoil(ground, variant, who, others, at)
        ground.planted(owner, copy, attribute=_ATTRIBUTES[variant], variant=variant)


def _spoil(
    ground: Ground, variant: str, who: Company, others: list[Company], at: int
) -> tuple[tuple[System, str], tuple[System, str]]:
    """Spoil a field; the record that carries it, and the one that it should name."""
    account: tuple[System, str] = ("salesforce", who.account_id or "")
    customer: tuple[System, str] = ("stripe", customer_id_of(who))
    erp: tuple[System, str] = ("netsuite", who.erp_id or "")
    match variant:
        case "dangling_crm":
            ground.change(
                "salesforce", "Account", account[1], at, Stripe_Customer_Id__c=_nobody(who)
            )
            return account, customer
        case "crossed_billing":
            _name(ground, who, at, crm_account_id=_another(ground, others).account_id)
            return customer, account
        case "merged_erp":
            gone = _merged_account(ground, who, at)
            ground.change("netsuite", "customer", erp[1], at, custentity_sfdc_id=gone)
            return erp, account
        case "empty_crm":
            ground.change("salesforce", "Account", account[1], at, NetSuite_Customer_Id__c=None)
            return account, erp
        case "crossed_erp":
            other = customer_id_of(_another(ground, others))
            ground.change("netsuite", "customer", erp[1], at, custentity_stripe_id=other)
            return erp, customer
        case _:
            _name(ground, who, at, netsuite_customer_id=None)
            return customer, erp


def _nobody(who: Company) -> str:
    return f"{_NOBODY}{who.number}"


def _another(ground: Ground, others: list[Company]) -> Company:
    """Somebody else, who then stays as they are."""
    if not others:
        raise ValueError(f"no company is left for {ground.code} to be crossed with")
    other = others.pop(ground.rng.randrange(len(others)))
    ground.freeze(other, f"attributes:{other.number}")
    return other


def _name(ground: Ground, who: Company, at: int, **links: str | None) -> None:
    customer = customer_of(ground, who)
    changed = customer["metadata"] | links
    metadata = {name: value for name, value in changed.items() if value is not None}
    ground.change("stripe", "customer", customer["id"], at, metadata=metadata)


def _merged_account(ground: Ground, who: Company, at: int) -> str:
    """A second account of the company, which somebody merged into the first."""
    gone = _second(ground, "salesforce", "Account", _account(ground, who), at)
    merged = {"IsDeleted": True, "MasterRecordId": who.account_id}
    ground.change("salesforce", "Account", gone, at, **merged)
    return gone


def plant_twice(ground: Ground, count: int) -> None:
    """CUS-DUP-01: a second record of a company, made by somebody who did not look for the first."""
    led = [who for who in known(ground) if who.account_id and who.tax_id]
    variants = ("account", "erp_customer", "billing_customer")
    for variant, who in ground.choose(count, dict.fromkeys(variants, led), number_of):
        at = ground.tick()
        ground.freeze(who, f"attributes:{who.number}")
        if variant == "account":
            first: tuple[System, str] = ("salesforce", who.account_id or "")
            second = _second(ground, "salesforce", "Account", _account(ground, who), at)
        elif variant == "erp_customer":
            first = ("netsuite", who.erp_id or "")
            erp = ground.store.get("netsuite", "customer", who.erp_id or "")
            assert erp is not None
            second = _second(ground, "netsuite", "customer", erp, at)
        else:
            first = ("stripe", customer_id_of(who))
            second = _second_payer(ground, who, at)
        ground.planted(first, (first[0], second), variant=variant)


def _account(ground: Ground, who: Company) -> Record:
    account = ground.store.get("salesforce", "Account", who.account_id or "")
    assert account is not None
    return account


def _second(ground: Ground, system: System, kind: str, record: Record, at: int) -> str:
    """A copy of a master record that no document and no other system names."""
    made = ground.store.new_id(system, kind)
    fresh: dict[str, Any] = (
        {"Id": made, "Stripe_Customer_Id__c": None, "NetSuite_Customer_Id__c": None}
        | {"ParentId": None, "CreatedDate": stamp(at), "LastModifiedDate": stamp(at)}
        if system == "salesforce"
        else {"id": made, "entityid": f"D{made}", "externalid": None, "parent": None}
        | {"custentity_stripe_id": None, "custentity_sfdc_id": None}
        | {"datecreated": to_text(moment(at), "netsuite")}
    )
    ground.add(system, kind, record | fresh, at)
    return made


def _second_payer(ground: Ground, who: Company, at: int) -> str:
    """A second customer in the same currency, which names the same account."""
    customer = customer_of(ground, who)
    made = ground.store.new_id("stripe", "customer")
    tax_ids = [
        tax_id | {"id": ground.store.new_id("stripe", "tax_id")}
        for tax_id in customer["tax_ids"]["data"]
    ]
    listed = customer["tax_ids"] | {"data": tax_ids}
    ground.add("stripe", "customer", customer | {"id": made, "tax_ids": listed, "created": at}, at)
    return made
