"""What contract lines were sold and how billing bills them: what plants about contracts change."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground
from extractors.sandbox.reference import CURRENCIES
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.moments import DAY, add_months, moment
from extractors.sandbox.world.state import Company

_MONTHS_LEFT = 3
_LEAST_WORTH = 5_000


@dataclass(frozen=True)
class Sold:
    """A contract line beside the items of the live subscription that bill it."""

    who: Company
    subscription: Record
    contract_id: str
    line: Record
    sku: str
    items: tuple[str, ...]

    @property
    def subscription_id(self) -> str:
        return str(self.subscription["id"])

    @property
    def precision(self) -> int:
        return CURRENCIES[self.line["CurrencyIsoCode"]].precision


def sold_lines(ground: Ground) -> list[Sold]:
    """Lines of contracts that run on for months, on which nothing is under way."""
    skus = {ids["salesforce"]: sku for sku, ids in ground.facts.products.items()}
    found: list[Sold] = []
    for course in ground.facts.subscriptions.values():
        who = ground.company(course.company)
        is_free = ground.is_free(f"subscription:{course.id}") and ground.is_free_company(who)
        if not course.is_live or course.contract_id is None or not is_free:
            continue
        if course.id in ground.busy:
            continue
        subscription = ground.store.get("stripe", "subscription", course.id)
        contract = ground.store.get("salesforce", "Contract", course.contract_id)
        assert subscription is not None
        assert contract is not None
        if not _runs_on(ground, subscription, contract):
            continue
        lines = ground.store.rows("salesforce", "Contract_Line__c", Contract__c=course.contract_id)
        if all(ground.is_settled(line["Effective_At__c"]) for line in lines):
            found.extend(
                Sold(
                    who,
                    subscription,
                    course.contract_id,
                    line,
                    skus[line["Product__c"]],
                    _items_of(subscription, line),
                )
                for line in lines
                if _is_in_force(ground, line)
            )
    return found


def _runs_on(ground: Ground, subscription: Record, contract: Record) -> bool:
    last = date.fromisoformat(contract["EndDate"])
    far = add_months(moment(ground.now).date(), _MONTHS_LEFT)
    return (
        subscription["status"] in {"active", "past_due"}
        and not subscription["cancel_at_period_end"]
        and not subscription["pause_collection"]
        and contract["Status"] == "Activated"
        and last > far
    )


def _is_in_force(ground: Ground, line: Record) -> bool:
    """Whether a line has been billed for days and will be for months, as a step of a ramp too."""
    known = moment(ground.now - SETTLED_DAYS * DAY).date().isoformat()
    far = add_months(moment(ground.now).date(), _MONTHS_LEFT).isoformat()
    return bool(line["Start_Date__c"] < known and line["End_Date__c"] > far)


def _items_of(subscription: Record, line: Record) -> tuple[str, ...]:
    return tuple(
        item["id"]
        for item in subscription["items"]["data"]
        if item["metadata"].get("crm_contract_line_id") == line["Id"]
    )


def is_worth(sold: Sold) -> bool:
    """Whether a few percent of the line are money that no tolerance covers."""
    minor = Decimal(sold.line["Unit_Price__c"]).scaleb(sold.precision)
    months = 12 if sold.line["Price_Period__c"] == "Year" else 1
    worth = minor * Decimal(sold.line["Quantity__c"]) / months
    return bool(worth >= _LEAST_WORTH)


def edited_lines(ground: Ground, field: str) -> set[str]:
    """Contract lines of which users ever changed a field, so that history tells of it."""
    rows = ground.store.rows("salesforce", "Contract_Line__History", Field=field)
    return {row["ParentId"] for row in rows}


def subscription_of(sold: Sold) -> str:
    """The key of a plant that takes one line of each subscription."""
    return sold.subscription_id


def amend(ground: Ground, sold: Sold, at: int, **fields: str) -> None:
    """A change that was signed days ago."""
    signed = stamp(ground.days_ago(5, 20))
    told = {"Effective_At__c": signed, "LastModifiedDate": signed}
    ground.change("salesforce", "Contract_Line__c", sold.line["Id"], at, **fields, **told)


def change_items(ground: Ground, sold: Sold, at: int, **fields: object) -> None:
    data = [
        item | fields if item["id"] in sold.items else item
        for item in sold.subscription["items"]["data"]
    ]
    items = sold.subscription["items"] | {"data": data}
    ground.change("stripe", "subscription", sold.subscription_id, at, items=items)
