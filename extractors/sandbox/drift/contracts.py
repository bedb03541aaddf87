"""CON and SUB-QTY: contracts without a subscription, or billed at another price or quantity."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import (
    Sold,
    amend,
    edited_lines,
    is_worth,
    sold_lines,
    subscription_of,
)
from extractors.sandbox.reference import CURRENCIES, LEGAL_ENTITIES, PRODUCTS, TIERED_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.moments import DAY, add_months, moment
from extractors.sandbox.world.state import Company

_TERM = 24
_LEAST_SEATS = 5
_RAISED = Decimal("1.06")
_LOWERED = Decimal("0.91")


@dataclass(frozen=True)
class Host:
    """An account that could sign one more contract."""

    account: Record
    entity: str
    who: Company | None
    opportunity: str | None = None


def _account_id(host: Host) -> str:
    return str(host.account["Id"])


def plant_never_set_up(ground: Ground, count: int) -> None:
    """CON-MISS-01: a contract was signed weeks ago and billing never heard of it."""
    pools = {"expansion": _customers(ground), "new_customer": _prospects(ground)}
    for variant, host in ground.choose(count, pools, _account_id):
        contract = _sign(ground, host, ground.tick())
        ground.claim(host.who, f"account:{_account_id(host)}")
        ground.planted(("salesforce", contract), variant=variant)


def _customers(ground: Ground) -> list[Host]:
    hosts = []
    for who in ground.facts.companies:
        is_free = ground.is_free(f"account:{who.account_id}") and ground.is_free_company(who)
        if who.account_id and who.customers and is_free:
            account = ground.store.get("salesforce", "Account", who.account_id)
            assert account is not None
            if account["CreatedDate"] < stamp(ground.now - 60 * DAY):
                hosts.append(Host(account, who.entity, who))
    return hosts


def _prospects(ground: Ground) -> list[Host]:
    """Accounts that nobody sells to any more, and that were known for two months."""
    pipeline = {who.account_id for who in ground.facts.companies}
    countries = {entity.country: code for code, entity in LEGAL_ENTITIES.items()}
    hosts = []
    for opportunity in ground.store.rows("salesforce", "Opportunity", IsWon=False):
        account = ground.store.get("salesforce", "Account", opportunity["AccountId"])
        if account is None or account["Id"] in pipeline or account["Type"] != "Prospect":
            continue
        is_free = ground.is_free(f"account:{account['Id']}")
        if is_free and account["CreatedDate"] < stamp(ground.now - 60 * DAY):
            entity = countries[account["BillingCountryCode"]]
            hosts.append(Host(account, entity, None, opportunity["Id"]))
    return hosts


def _sign(ground: Ground, host: Host, at: int) -> str:
    """Opportunity, contract and line as they would be had the deal been signed weeks ago."""
    signed = ground.days_ago(12, 45)
    store = ground.store
    opportunity = host.opportunity or store.new_id("salesforce", "Opportunity")
    contract = store.new_id("salesforce", "Contract")
    currency = host.account["CurrencyIsoCode"]
    product = ground.rng.choice([p for p in PRODUCTS if p.is_seat])
    seats = ground.rng.randrange(10, 60)
    audit = {"CreatedDate": stamp(signed), "LastModifiedDate": stamp(signed), "IsDeleted": False}
    known = store.get("salesforce", "Opportunity", opportunity) or {"CreatedDate": stamp(signed)}
    won: Record = {
        **audit,
        "Id": opportunity,
        "AccountId": host.account["Id"],
        "Name": f"{host.account['Name']} - {product.name}",
        "CreatedDate": known["CreatedDate"],
        "StageName": "Closed Won",
        "Amount": _money(12 * seats * product.monthly[currency], currency),
        "CloseDate": moment(signed).date().isoformat(),
        "IsWon": True,
        "IsClosed": True,
        "ContractId": contract,
        "CurrencyIsoCode": currency,
    }
    ground.add("salesforce", "Opportunity", won, at)
    dates = _add_contract(ground, host, won, signed, at)
    line: Record = {
        "Id": store.new_id("salesforce", "Contract_Line__c"),
        "Contract__c": contract,
        "Product__c": ground.facts.products[product.sku]["salesforce"],
        "Quantity__c": str(seats),
        "Unit_Price__c": _money(product.monthly[currency], currency),
        "Price_Period__c": "Month",
        "Discount_Percent__c": "0",
        "Start_Date__c": dates[0],
        "End_Date__c": dates[1],
        "Effective_At__c": stamp(signed),
        "CurrencyIsoCode": currency,
        **audit,
    }
    ground.add("salesforce", "Contract_Line__c", line, at)
    if host.account["Type"] != "Customer":
        ground.change("salesforce", "Account", host.account["Id"], at, Type="Customer")
    return contract


def _add_contract(ground: Ground, host: Host, won: Record, signed: int, at: int) -> tuple[str, str]:
    """First and last day of the new contract."""
    starts = moment(signed + 2 * DAY).date()
    ends = add_months(starts, _TERM) - timedelta(days=1)
    fields: Record = {
        "Id": won["ContractId"],
        "ContractNumber": f"{90_000_000 + len(ground.store.rows('salesforce', 'Contract'))}",
        "AccountId": host.account["Id"],
        "Opportunity__c": won["Id"],
        "Status": "Activated",
        "StartDate": starts.isoformat(),
        "EndDate": ends.isoformat(),
        "ContractTerm": _TERM,
        "ActivatedDate": stamp(signed),
        "Legal_Entity__c": host.entity,
        "Billing_Frequency__c": "Monthly",
        "Auto_Renew__c": True,
        "CurrencyIsoCode": host.account["CurrencyIsoCode"],
        "CreatedDate": stamp(signed),
        "LastModifiedDate": stamp(signed),
        "IsDeleted": False,
    }
    ground.add("salesforce", "Contract", fields, at)
    return starts.isoformat(), ends.isoformat()


def _money(minor: int, currency: str) -> str:
    return decimal_text(minor, CURRENCIES[currency].precision)


def plant_wrong_price(ground: Ground, count: int) -> None:
    """CON-AMT-01: the contract says one price, billing charges another, without history."""
    edited = edited_lines(ground, "Unit_Price__c")
    worth = [
        sold
        for sold in sold_lines(ground)
        if sold.sku not in TIERED_BY_SKU and is_worth(sold) and sold.line["Id"] not in edited
    ]
    factors = {"increase_not_billed": _RAISED, "reduction_not_billed": _LOWERED}
    for variant, sold in ground.choose(count, dict.fromkeys(factors, worth), subscription_of):
        minor = Decimal(sold.line["Unit_Price__c"]).scaleb(sold.precision)
        other = decimal_text(rounded(minor * factors[variant]), sold.precision)
        amend(ground, sold, ground.tick(), Unit_Price__c=other)
        _close(ground, sold, f"mrr_at_contract_quantity:{sold.sku}", variant)


def _close(ground: Ground, sold: Sold, attribute: str, variant: str) -> None:
    subscription = sold.subscription_id
    ground.freeze(sold.who, f"subscription:{subscription}")
    ground.planted(
        ("salesforce", sold.contract_id),
        ("stripe", subscription),
        attribute=attribute,
        variant=variant,
    )


def plant_wrong_quantity(ground: Ground, count: int) -> None:
    """SUB-QTY-01: the contract says one quantity, billing charges another, without history."""
    edited = edited_lines(ground, "Quantity__c")
    seats = [
        sold
        for sold in sold_lines(ground)
        if Decimal(sold.line["Quantity__c"]) >= _LEAST_SEATS and sold.line["Id"] not in edited
    ]
    pools = {"seats_not_billed": seats, "seats_still_billed": seats}
    for variant, sold in ground.choose(count, pools, subscription_of):
        quantity = int(Decimal(sold.line["Quantity__c"]))
        more = ground.rng.randrange(1, 12)
        other = quantity + more if variant == "seats_not_billed" else max(quantity - more, 1)
        amend(ground, sold, ground.tick(), Quantity__c=str(other))
        _close(ground, sold, f"quantity:{sold.sku}", variant)
