"""CON-REN-01: at the end of a term one system goes on with a contract, and the other does not."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import Sold, is_worth, sold_lines, subscription_of
from extractors.sandbox.reference import CURRENCIES, TIERED_BY_SKU
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.metered import is_metered
from extractors.sandbox.world.moments import DAY, HOUR, YEAR_MONTHS, add_months, moment, opening

_NOTICE_DAYS = 20
_UPLIFT = Decimal("1.03")


def plant_other_renewal(ground: Ground, count: int) -> None:
    """Churn that billing missed, a renewal that one side alone knows, one not taken up."""
    whole = [each for each in sold_lines(ground) if _ends_at_once(ground, each)]
    lone = [each for each in whole if len(_lines(ground, each)) == 1 and is_worth(each)]
    pools = {
        "billed_after_churn": whole,
        "billed_after_cancellation": whole,
        "renewed_in_billing_only": whole,
        "ended_in_billing": [each for each in whole if _is_fixed(each)],
        "not_taken_up": whole,
        "old_price_goes_on": [each for each in lone if each.sku not in TIERED_BY_SKU],
    }
    for variant, each in ground.choose(count, pools, subscription_of):
        ended = moment(ground.days_ago(6, 25)).date()
        contract_id = _VARIANTS[variant](ground, each, ended)
        ground.freeze(each.who, f"subscription:{each.subscription_id}")
        contract: tuple[System, str] = ("salesforce", contract_id)
        subscription: tuple[System, str] = ("stripe", each.subscription_id)
        ground.planted(contract, subscription, attribute="renewal", variant=variant)
        if variant == "old_price_goes_on":
            ground.follows(
                "CON-AMT-01",
                contract,
                subscription,
                attribute=f"mrr_at_contract_quantity:{each.sku}",
                variant=variant,
                caused_by=contract_id,
            )


def _ends_at_once(ground: Ground, sold: Sold) -> bool:
    """Whether all lines end with their contract, and billing has no plan of its own."""
    ends = {line["End_Date__c"] for line in _lines(ground, sold)}
    return ends == {_contract(ground, sold)["EndDate"]} and not sold.subscription.get("schedule")


def _is_fixed(sold: Sold) -> bool:
    """Whether nothing is left to bill when the subscription ends."""
    return not any(is_metered(item) for item in sold.subscription["items"]["data"])


def _contract(ground: Ground, sold: Sold) -> Record:
    contract = ground.store.get("salesforce", "Contract", sold.contract_id)
    assert contract is not None
    return contract


def _lines(ground: Ground, sold: Sold) -> list[Record]:
    return ground.store.rows("salesforce", "Contract_Line__c", Contract__c=sold.contract_id)


def _end(ground: Ground, sold: Sold, last: date, **fields: str | bool) -> None:
    """The contract and its lines end on a day."""
    at = ground.tick()
    day = last.isoformat()
    ground.change("salesforce", "Contract", sold.contract_id, at, EndDate=day, **fields)
    for line in _lines(ground, sold):
        ground.change("salesforce", "Contract_Line__c", line["Id"], at, End_Date__c=day)


def _expire(ground: Ground, sold: Sold, ended: date) -> str:
    _end(ground, sold, ended, Status="Expired", Auto_Renew__c=False)
    return sold.contract_id


def _cancel(ground: Ground, sold: Sold, ended: date) -> str:
    _end(ground, sold, ended, Status="Cancelled")
    return sold.contract_id


def _lapse(ground: Ground, sold: Sold, ended: date) -> str:
    _end(ground, sold, ended, Auto_Renew__c=False)
    return sold.contract_id


def _stop_billing(ground: Ground, sold: Sold, ended: date) -> str:
    """Sales had prolonged the contract for a year, and billing ended with the old term."""
    later = add_months(ended + timedelta(days=1), YEAR_MONTHS) - timedelta(days=1)
    _end(ground, sold, later)
    move = {
        "Id": ground.store.new_id("salesforce", "ContractHistory"),
        "ContractId": sold.contract_id,
        "Field": "EndDate",
        "OldValue": ended.isoformat(),
        "NewValue": later.isoformat(),
        "CreatedDate": stamp(opening(ended) - _NOTICE_DAYS * DAY),
    }
    ground.store.put("salesforce", "ContractHistory", move, stamp=False)
    at, gone = ground.tick(), opening(ended + timedelta(days=1)) + 10 * HOUR
    over = {"status": "canceled", "ended_at": gone, "canceled_at": gone}
    ground.change("stripe", "subscription", sold.subscription_id, at, **over)
    known = {"Stripe_Subscription_Id__c": sold.subscription_id}
    for copy in ground.store.rows("salesforce", "Subscription__c", **known):
        told = {"Status__c": "Cancelled", "Status_Changed_At__c": stamp(gone + HOUR)}
        ground.change("salesforce", "Subscription__c", copy["Id"], at, **told)
    return sold.contract_id


def _sign_anew(ground: Ground, sold: Sold, ended: date, factor: Decimal = Decimal(1)) -> str:
    """A contract for the year after, which billing goes on without."""
    at = ground.tick()
    old = _contract(ground, sold)
    _end(ground, sold, ended)
    starts = ended + timedelta(days=1)
    signed = stamp(opening(ended) - _NOTICE_DAYS * DAY)
    new = {name: ground.store.new_id("salesforce", name) for name in ("Contract", "Opportunity")}
    deal = ground.store.get("salesforce", "Opportunity", old["Opportunity__c"])
    assert deal is not None
    audit = {"CreatedDate": signed, "LastModifiedDate": signed}
    won = {"Id": new["Opportunity"], "ContractId": new["Contract"], "CloseDate": signed[:10]}
    ground.add("salesforce", "Opportunity", deal | won | audit, at)
    term = {
        "StartDate": starts.isoformat(),
        "EndDate": (add_months(starts, YEAR_MONTHS) - timedelta(days=1)).isoformat(),
    }
    contract = {
        "Id": new["Contract"],
        "ContractNumber": f"{91_000_000 + len(ground.store.rows('salesforce', 'Contract'))}",
        "Opportunity__c": new["Opportunity"],
        "ContractTerm": YEAR_MONTHS,
        "ActivatedDate": signed,
        "Renews_Contract__c": sold.contract_id,
    }
    ground.add("salesforce", "Contract", old | contract | term | audit, at)
    for line in _lines(ground, sold):
        fields = {
            "Id": ground.store.new_id("salesforce", "Contract_Line__c"),
            "Contract__c": new["Contract"],
            "Unit_Price__c": _priced(line, factor),
            "Start_Date__c": term["StartDate"],
            "End_Date__c": term["EndDate"],
            "Effective_At__c": signed,
        }
        ground.add("salesforce", "Contract_Line__c", line | fields | audit, at)
    return new["Contract"]


def _priced(line: Record, factor: Decimal) -> str:
    precision = CURRENCIES[line["CurrencyIsoCode"]].precision
    minor = rounded(Decimal(line["Unit_Price__c"]).scaleb(precision) * factor)
    return decimal_text(minor, precision)


def _sign_dearer(ground: Ground, sold: Sold, ended: date) -> str:
    return _sign_anew(ground, sold, ended, _UPLIFT)


_VARIANTS: Mapping[str, Callable[[Ground, Sold, date], str]] = {
    "billed_after_churn": _expire,
    "billed_after_cancellation": _cancel,
    "renewed_in_billing_only": _lapse,
    "ended_in_billing": _stop_billing,
    "not_taken_up": _sign_anew,
    "old_price_goes_on": _sign_dearer,
}
