"""What happens in the CRM up to the signature: leads, prospects, won deals and their contracts."""

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.reference import CURRENCIES
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import schedule_term_end, stamp
from extractors.sandbox.world.moments import YEAR_MONTHS, add_months, local_date, moment
from extractors.sandbox.world.names import identity
from extractors.sandbox.world.ramps import first_lines, interval_of
from extractors.sandbox.world.rated import model_of
from extractors.sandbox.world.state import Company, Deal, SoldLine, World

_PARENT_EVERY = 23


def lead(world: World, at: int, company: int) -> None:
    """A company becomes known: an account and an open opportunity."""
    who = world.company(company)
    who.account_id = _add_account(world, who, at)
    who.opportunity_id = _add_opportunity(world, who, at, "Proposal")


def prospect(world: World, at: int, number: int) -> None:
    """An account that never buys; its opportunity is lost or stays open."""
    rng = world.rng("prospect", number)
    entity = rng.choice(("US", "UK", "DE", "JP"))
    paper = identity(entity, 2 * number + 1, world.facts.seed % 977, rng)
    who = Company(
        **(paper._asdict() | {"tax_id": None}),
        number=-1 - number,
        entity=entity,
        channel="sales_led",
        currency="EUR" if entity == "DE" else "USD",
        pay_by="transfer",
        terms=30,
    )
    who.account_id = _add_account(world, who, at)
    stage = rng.choice(("Closed Lost", "Qualification", "Proposal"))
    _add_opportunity(world, who, at, stage)


def _add_account(world: World, who: Company, at: int) -> str:
    records = world.records
    account = records.new_id("salesforce", "Account")
    fields = {
        "Id": account,
        "Name": who.name,
        "Website": f"https://www.{who.domain}",
        "BillingStreet": who.street,
        "BillingCity": who.city,
        "BillingPostalCode": who.postal_code,
        "BillingCountryCode": who.country,
        "CurrencyIsoCode": who.currency,
        "ParentId": _parent(world, who, at),
        "Type": "Prospect",
        "Tax_Id__c": who.tax_id,
        "Invoice_Email__c": who.email,
        "Payment_Terms__c": f"Net {who.terms}",
    }
    records.add("salesforce", "Account", fields, at)
    return account


def _parent(world: World, who: Company, at: int) -> str | None:
    """Some accounts belong to a group, whose own account buys nothing."""
    if who.number % _PARENT_EVERY or who.number < 0:
        return None
    group = world.records.new_id("salesforce", "Account")
    fields = {
        "Id": group,
        "Name": f"{' '.join(who.name.split(' ')[:2])} Group Holdings",
        "Website": f"https://group.{who.domain.removesuffix('.example')}-holdings.example",
        "BillingCountryCode": who.country,
        "CurrencyIsoCode": who.currency,
        "Type": "Prospect",
    }
    world.records.add("salesforce", "Account", fields, at)
    return group


def _add_opportunity(world: World, who: Company, at: int, stage: str) -> str:
    opportunity = world.records.new_id("salesforce", "Opportunity")
    fields = {
        "Id": opportunity,
        "AccountId": who.account_id,
        "Name": f"{who.name} - Platform",
        "StageName": stage,
        "Amount": None,
        "CloseDate": (moment(at) + timedelta(days=45)).date().isoformat(),
        "IsWon": stage == "Closed Won",
        "IsClosed": stage.startswith("Closed"),
        "CurrencyIsoCode": who.currency,
    }
    world.records.add("salesforce", "Opportunity", fields, at)
    return opportunity


def sign(world: World, at: int, deal: dict[str, Any]) -> None:
    """A contract is signed: the opportunity is won, billing will follow."""
    sold = Deal.load(deal)
    who = world.company(sold.company)
    if world.is_frozen("company", who.number) or who.account_id is None:
        return
    opportunity = who.opportunity_id or _add_opportunity(world, who, at, "Negotiation")
    who.opportunity_id = None
    sold.opportunity_id = opportunity
    sold.contract_id = _add_contract(world, who, sold, at)
    world.records.edit(
        "Opportunity",
        opportunity,
        at,
        StageName="Closed Won",
        Amount=_yearly_value(sold),
        CloseDate=local_date(at, who.legal_entity.timezone).isoformat(),
        IsWon=True,
        IsClosed=True,
        ContractId=sold.contract_id,
        CurrencyIsoCode=sold.currency,
    )
    if world.records.need("salesforce", "Account", who.account_id)["Type"] != "Customer":
        world.records.edit("Account", who.account_id, at, Type="Customer")
    if sold.provision_at is not None:
        world.schedule(sold.provision_at, "provision", deal=asdict(sold))
    if sold.provision_at is not None:
        schedule_term_end(world, sold.contract_id, at)


def _yearly_value(deal: Deal) -> str:
    value = sum(
        line.quantity
        * line.unit_minor
        * (YEAR_MONTHS if line.period == "Month" else 1)
        * (100 - Decimal(line.discount))
        / 100
        for line in first_lines(deal)
    )
    return decimal_text(int(value), CURRENCIES[deal.currency].precision)


def _add_contract(world: World, who: Company, deal: Deal, at: int) -> str:
    records = world.records
    contract = records.new_id("salesforce", "Contract")
    starts = local_date(deal.starts_at, who.legal_entity.timezone)
    ends = add_months(starts, deal.term) - timedelta(days=1)
    fields = {
        "Id": contract,
        "ContractNumber": f"{world.count('contract'):08d}",
        "AccountId": who.account_id,
        "Opportunity__c": deal.opportunity_id,
        "Status": "Draft" if deal.is_draft else "Activated",
        "StartDate": starts.isoformat(),
        "EndDate": ends.isoformat(),
        "ContractTerm": deal.term,
        "ActivatedDate": None if deal.is_draft else stamp(at),
        "Legal_Entity__c": who.entity,
        "Billing_Frequency__c": "Annual" if deal.interval == YEAR_MONTHS else "Monthly",
        "Auto_Renew__c": True,
        "CurrencyIsoCode": deal.currency,
    }
    records.add("salesforce", "Contract", fields, at)
    shared = {
        "CurrencyIsoCode": deal.currency,
        "Start_Date__c": starts.isoformat(),
        "End_Date__c": ends.isoformat(),
        "Effective_At__c": stamp(at),
    }
    for line in deal.lines:
        dates = interval_of(who, deal, line)
        line.contract_line_id = _add_line(world, at, contract, line, shared | dates)
    return contract


def _add_line(world: World, at: int, contract: str, line: SoldLine, shared: Record) -> str:
    identifier = world.records.new_id("salesforce", "Contract_Line__c")
    fields = {
        "Id": identifier,
        "Contract__c": contract,
        "Product__c": world.facts.products[line.sku]["salesforce"],
        "Quantity__c": str(line.quantity),
        "Unit_Price__c": decimal_text(
            line.unit_minor, CURRENCIES[shared["CurrencyIsoCode"]].precision
        ),
        "Price_Period__c": line.period,
        "Discount_Percent__c": line.discount,
        "Pricing_Model__c": model_of(line),
        **shared,
    }
    world.records.add("salesforce", "Contract_Line__c", fields, at)
    return identifier
