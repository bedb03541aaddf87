"""What is sold: the CRM's records, and the customers and subscriptions of billing and ERP."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from random import Random

from extractors.sandbox.amounts import decimal_text, netsuite_time
from extractors.sandbox.ids import salesforce_id, stripe_id
from extractors.sandbox.reference import (
    CURRENCIES,
    PRODUCTS,
    TERM_DAYS,
)
from extractors.sandbox.schema import to_text
from extractors.sandbox.tables import Record
from extractors.sandbox.volume.catalogue import PRODUCT_NUMBERS, add_crm, price_of
from extractors.sandbox.volume.customers import MONTH, TERMS, Customer
from extractors.sandbox.volume.writer import Writer
from extractors.sandbox.world.moments import DAY, moment
from extractors.sandbox.world.names import TAX_ID_TYPES

_CHANGED_SHARE = 0.35
_STAMPED_AT_ONCE = 200
_CLEANED_DAYS_BEFORE = 40


def sell(into: Writer, customers: Iterable[Customer], chance: Random, until: int) -> None:
    for customer in customers:
        _add_account(into, customer, chance, until)
        into.add("stripe", "customer", _billed(customer))
        into.add("stripe", "subscription", _subscription(customer))
        into.add("netsuite", "customer", _debtor(customer))


def _add_account(into: Writer, customer: Customer, chance: Random, until: int) -> None:
    paper, at, number = customer.paper, customer.at - 3 * DAY, customer.number
    account = {
        "Id": customer.account_id,
        "Name": paper.name,
        "Website": f"https://www.{paper.domain}",
        "BillingStreet": paper.street,
        "BillingCity": paper.city,
        "BillingPostalCode": paper.postal_code,
        "BillingCountryCode": paper.country,
        "CurrencyIsoCode": customer.currency,
        "Type": "Customer",
        "Tax_Id__c": paper.tax_id,
        "Invoice_Email__c": paper.email,
        "Payment_Terms__c": f"Net {TERMS}",
        "Stripe_Customer_Id__c": customer.id,
        "NetSuite_Customer_Id__c": customer.erp_id,
    }
    add_crm(into, "Account", account, at, _changed(customer.at, chance, until))
    won = salesforce_id("Opportunity", into.number("salesforce", "Opportunity"))
    for stage in customer.stages:
        _add_opportunity(into, customer, stage, chance, until)
    shared = {"CurrencyIsoCode": customer.currency}
    starts = moment(customer.at).date()
    term = {
        "Start_Date__c": starts.isoformat(),
        "End_Date__c": (starts + timedelta(days=364)).isoformat(),
    }
    contract = {
        "Id": salesforce_id("Contract", number),
        "ContractNumber": f"{number:08d}",
        "AccountId": customer.account_id,
        "Opportunity__c": won,
        "Status": "Activated",
        "StartDate": term["Start_Date__c"],
        "EndDate": term["End_Date__c"],
        "ContractTerm": 12,
        "ActivatedDate": to_text(moment(customer.at), "salesforce"),
        "Legal_Entity__c": customer.entity.code,
        "Billing_Frequency__c": "Annual" if customer.is_yearly else "Monthly",
        "Auto_Renew__c": True,
    }
    add_crm(into, "Contract", contract | shared, at, _changed(customer.at, chance, until))
    for sold in customer.sold:
        line = {
            "Id": salesforce_id("Contract_Line__c", into.number("salesforce", "Contract_Line__c")),
            "Contract__c": contract["Id"],
            "Product__c": salesforce_id("Product2", PRODUCT_NUMBERS[sold.product.sku]),
            "Quantity__c": str(sold.quantity),
            "Unit_Price__c": decimal_text(sold.unit, CURRENCIES[customer.currency].precision),
            "Price_Period__c": "Year" if customer.is_yearly else "Month",
            "Discount_Percent__c": "0",
            "Effective_At__c": contract["ActivatedDate"],
        }
        changed = _changed(customer.at, chance, until)
        add_crm(into, "Contract_Line__c", line | shared | term, at, changed)
    subscription = {
        "Id": salesforce_id("Subscription__c", number),
        "Name": f"S-{number:06d}",
        "Account__c": customer.account_id,
        "Contract__c": contract["Id"],
        "Stripe_Subscription_Id__c": stripe_id("subscription", number),
        "Status__c": "Active",
        "Status_Changed_At__c": contract["ActivatedDate"],
    }
    add_crm(into, "Subscription__c", subscription, customer.at + 600, customer.at + 600)


def _add_opportunity(
    into: Writer, customer: Customer, stage: str, chance: Random, until: int
) -> None:
    number = into.number("salesforce", "Opportunity")
    is_won = stage == "Closed Won"
    at = customer.at - 3 * DAY if is_won else chance.randrange(customer.at, until)
    changed = _changed(max(at, customer.at), chance, until)
    cleaned = until - _CLEANED_DAYS_BEFORE * DAY
    if stage == "Closed Lost" and at < cleaned:
        changed = cleaned + number // _STAMPED_AT_ONCE
    value = sum(sold.amount for sold in customer.sold)
    opportunity = {
        "Id": salesforce_id("Opportunity", number),
        "AccountId": customer.account_id,
        "Name": f"{customer.paper.name} - Platform",
        "StageName": stage,
        "Amount": decimal_text(value, CURRENCIES[customer.currency].precision) if is_won else None,
        "CloseDate": moment(changed).date().isoformat(),
        "IsWon": is_won,
        "IsClosed": stage.startswith("Closed"),
        "ContractId": salesforce_id("Contract", customer.number) if is_won else None,
        "CurrencyIsoCode": customer.currency,
    }
    add_crm(into, "Opportunity", opportunity, at, changed)


def _changed(at: int, chance: Random, until: int) -> int:
    """When a record of that time was changed last."""
    return chance.randrange(at, until) if chance.random() < _CHANGED_SHARE else at


def _billed(customer: Customer) -> Record:
    paper = customer.paper
    tax_id = {
        "id": stripe_id("tax_id", customer.number),
        "object": "tax_id",
        "created": customer.at,
        "customer": customer.id,
        "type": TAX_ID_TYPES[customer.entity.code],
        "value": paper.tax_id,
    }
    return {
        "id": customer.id,
        "name": paper.name,
        "email": paper.email,
        "address": {
            "line1": paper.street,
            "city": paper.city,
            "postal_code": paper.postal_code,
            "country": paper.country,
        },
        "currency": customer.currency.lower(),
        "tax_ids": listed([tax_id]),
        "metadata": {
            "channel": "sales_led",
            "legal_entity": customer.entity.code,
            "crm_account_id": customer.account_id,
            "netsuite_customer_id": customer.erp_id,
        },
        "created": customer.at,
    }


def listed(data: Sequence[Record]) -> Record:
    return {"object": "list", "data": list(data), "has_more": False}


def _subscription(customer: Customer) -> Record:
    last = customer.bills[-1].at
    ends = last + int(MONTH * (12 if customer.is_yearly else 1))
    items = [
        {
            "id": stripe_id("subscription_item", customer.number * len(PRODUCTS) + place),
            "object": "subscription_item",
            "price": price_of(sold.product, customer.currency, is_yearly=customer.is_yearly)
            | {"created": customer.at},
            "quantity": sold.quantity,
            "created": customer.at,
            "metadata": {},
            "current_period_start": last,
            "current_period_end": ends,
            "discounts": [],
        }
        for place, sold in enumerate(customer.sold)
    ]
    return {
        "id": stripe_id("subscription", customer.number),
        "customer": customer.id,
        "status": "active",
        "currency": customer.currency.lower(),
        "items": listed(items),
        "start_date": customer.at,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "ended_at": None,
        "trial_end": None,
        "pause_collection": None,
        "discounts": [],
        "collection_method": "charge_automatically" if customer.by_card else "send_invoice",
        "days_until_due": None if customer.by_card else TERMS,
        "metadata": thread_of(customer),
        "created": customer.at,
    }


def thread_of(customer: Customer) -> dict[str, str]:
    return {
        "legal_entity": customer.entity.code,
        "crm_contract_id": salesforce_id("Contract", customer.number),
        "q2c_correlation_id": f"q2c_{customer.number:08d}",
    }


def _debtor(customer: Customer) -> Record:
    stamp = netsuite_time(moment(customer.at + 300))
    return {
        "id": customer.erp_id,
        "entityid": f"C{10_000 + customer.number}",
        "companyname": customer.paper.name,
        "externalid": f"C{10_000 + customer.number}",
        "email": customer.paper.email,
        "url": f"https://{customer.paper.domain}",
        "subsidiary": customer.entity.subsidiary_id,
        "currency": CURRENCIES[customer.currency].id,
        "terms": TERM_DAYS[TERMS],
        "isinactive": "F",
        "vatregnumber": customer.paper.tax_id,
        "billcountry": customer.paper.country,
        "billzip": customer.paper.postal_code,
        "custentity_stripe_id": customer.id,
        "custentity_sfdc_id": customer.account_id,
        "datecreated": stamp,
        "lastmodifieddate": stamp,
    }
