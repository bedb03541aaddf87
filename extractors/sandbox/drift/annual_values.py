"""MRR-XSYS-01: what the CRM shows of an account's recurring revenue is not what was signed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.reference import CURRENCIES, exchange_rate
from extractors.sandbox.tables import Record
from extractors.sandbox.world.annual_value import FIELD, counted, yearly
from extractors.sandbox.world.moments import moment
from extractors.sandbox.world.state import Company

_ABROAD = {"GBP": "USD", "EUR": "USD", "JPY": "USD", "USD": "EUR"}
_LEAST_SEATS = 5
_SEATS_MORE = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shown:
    """An account beside its contracts and their lines, all in its currency."""

    who: Company
    account: Record
    contracts: tuple[Record, ...]
    lines: tuple[Record, ...]

    @property
    def value(self) -> Decimal:
        return Decimal(self.account[FIELD])

    @property
    def precision(self) -> int:
        return CURRENCIES[self.account["CurrencyIsoCode"]].precision

    def text(self, value: Decimal) -> str:
        return decimal_text(rounded(value.scaleb(self.precision)), self.precision)


def plant_other_value(ground: Ground, count: int) -> None:
    """The field of an account stays as it was, is of another currency, or was never filled."""
    shown = [each for each in _shown(ground) if _is_known(ground, each)]
    signed = [each for each in shown if each.value]
    amended = [each for each in signed if _amended(ground, each)]
    pools = {
        "amendment_left_out": amended,
        "other_currency": signed,
        "kept_after_churn": [e for e in shown if not e.value and _last_value(e)],
        "not_filled": signed,
    }
    for variant, each in ground.choose(count, pools, lambda each: str(each.account["Id"])):
        account = str(each.account["Id"])
        ground.freeze(each.who, f"arr:{account}")
        value = _VALUES[variant](ground, each)
        ground.change("salesforce", "Account", account, ground.tick(), **{FIELD: value})
        ground.planted(("salesforce", account), attribute="arr", variant=variant)


def _before_amendment(ground: Ground, each: Shown) -> str:
    line = _amended(ground, each)[0]
    unit = yearly(line) / Decimal(line["Quantity__c"])
    return each.text(each.value - _SEATS_MORE * unit)


def _in_other_currency(ground: Ground, each: Shown) -> str:
    own = each.account["CurrencyIsoCode"]
    rate = exchange_rate(own, _ABROAD[own], moment(ground.now).date())
    return each.text(each.value * rate)


def _as_before_churn(_ground: Ground, each: Shown) -> str:
    return each.text(_last_value(each))


def _last_value(each: Shown) -> Decimal:
    """What the lines came to that ended last."""
    last = max((line["End_Date__c"] for line in each.lines), default=None)
    lines = [line for line in each.lines if line["End_Date__c"] == last]
    return sum(map(yearly, lines), Decimal(0))


def _blank(_ground: Ground, _each: Shown) -> None:
    return None


_VALUES: dict[str, Callable[[Ground, Shown], str | None]] = {
    "amendment_left_out": _before_amendment,
    "other_currency": _in_other_currency,
    "kept_after_churn": _as_before_churn,
    "not_filled": _blank,
}


def _shown(ground: Ground) -> list[Shown]:
    found = []
    for who in ground.facts.companies:
        account = ground.store.get("salesforce", "Account", who.account_id or "")
        if account is None or account["IsDeleted"] or account[FIELD] is None:
            continue
        contracts = ground.store.rows("salesforce", "Contract", AccountId=account["Id"])
        if {contract["CurrencyIsoCode"] for contract in contracts} != {account["CurrencyIsoCode"]}:
            continue
        lines = [
            line
            for contract in contracts
            for line in ground.store.rows(
                "salesforce", "Contract_Line__c", Contract__c=contract["Id"]
            )
        ]
        found.append(Shown(who, account, tuple(contracts), tuple(lines)))
    return found


def _is_known(ground: Ground, each: Shown) -> bool:
    """Whether nothing was signed, began or ended of late, and no plant takes the account away."""
    account = each.account["Id"]
    return ground.is_free(f"arr:{account}", f"company:{each.who.number}") and all(
        ground.is_settled(line["Effective_At__c"]) and not _moved(ground, line)
        for line in each.lines
    )


def _moved(ground: Ground, line: Record) -> bool:
    """Whether the calendar changes these days, in some time zone, if the line counts."""
    today = moment(ground.now).date()
    ends = date.fromisoformat(line["Start_Date__c"]), date.fromisoformat(line["End_Date__c"]) + _DAY
    return any(abs(today - day) <= 2 * _DAY for day in ends)


def _amended(ground: Ground, each: Shown) -> list[Record]:
    """Lines of seats that count."""
    today = moment(ground.now).date().isoformat()
    active = {c["Id"] for c in each.contracts if c["Status"] == "Activated"}
    lines = [line for line in each.lines if line["Contract__c"] in active]
    return [
        line
        for contract in sorted(active)
        for line in counted((x for x in lines if x["Contract__c"] == contract), today)
        if Decimal(line["Quantity__c"]) >= _LEAST_SEATS and Decimal(line["Unit_Price__c"])
    ]
