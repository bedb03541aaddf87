"""What the sandbox company has set up once: legal entities, currencies, chart, items, tax, terms.

Its own copy of these facts: the product's seeds state them too, and neither reads the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Currency:
    """An ISO 4217 currency; `precision` is the number of decimals of its minor unit."""

    id: str
    code: str
    precision: int


@dataclass(frozen=True)
class LegalEntity:
    """A selling company of the group and its NetSuite subsidiary; `tax_rate` is in percent."""

    code: str
    subsidiary_id: str
    name: str
    country: str
    currency: str
    timezone: str
    tax_code_id: str
    tax_rate: Decimal


@dataclass(frozen=True)
class Account:
    """A ledger account, chart of NetSuite."""

    id: str
    number: str
    name: str
    kind: str


@dataclass(frozen=True)
class Product:
    """Something the company sells; `monthly` is the list price of one unit, minor units."""

    sku: str
    name: str
    family: str
    item_id: str
    income_account: str
    monthly: Mapping[str, int]
    is_seat: bool = True


@dataclass(frozen=True)
class TieredProduct:
    """Something that costs less by the unit the more is taken.

    `tiers` are (last unit of the tier or None, minor units for each unit of it) by currency.
    """

    sku: str
    name: str
    family: str
    item_id: str
    income_account: str
    tiers: Mapping[str, tuple[tuple[int | None, int], ...]]


@dataclass(frozen=True)
class MeteredProduct:
    """Something that is billed by use; `tiers` as of a tiered product, in parts of a minor unit.

    `event_name` is what its meter counts.
    """

    sku: str
    name: str
    family: str
    item_id: str
    income_account: str
    event_name: str
    tiers: Mapping[str, tuple[tuple[int | None, Decimal], ...]]


def _by_code(*currencies: Currency) -> Mapping[str, Currency]:
    return MappingProxyType({currency.code: currency for currency in currencies})


CURRENCIES = _by_code(
    Currency("1", "USD", 2),
    Currency("2", "GBP", 2),
    Currency("3", "EUR", 2),
    Currency("4", "JPY", 0),
)
CURRENCY_BY_ID = MappingProxyType({currency.id: currency for currency in CURRENCIES.values()})
SPARE_CURRENCIES = tuple(
    Currency(str(5 + n), code, 2) for n, code in enumerate(("CAD", "AUD", "CHF", "SEK"))
)

LEGAL_ENTITIES: Mapping[str, LegalEntity] = MappingProxyType(
    {
        entity.code: entity
        for entity in (
            LegalEntity(
                "US", "1", "Northwind Cloud Inc", "US", "USD", "America/New_York", "1", Decimal(0)
            ),
            LegalEntity(
                "UK", "2", "Northwind Cloud Ltd", "GB", "GBP", "Europe/London", "2", Decimal(20)
            ),
            LegalEntity(
                "DE", "3", "Northwind Cloud GmbH", "DE", "EUR", "Europe/Berlin", "3", Decimal(19)
            ),
            LegalEntity(
                "JP", "4", "Northwind Cloud KK", "JP", "JPY", "Asia/Tokyo", "4", Decimal(10)
            ),
        )
    }
)
ENTITY_BY_SUBSIDIARY = MappingProxyType({e.subsidiary_id: e for e in LEGAL_ENTITIES.values()})

_ACCOUNTING_BOOKS = (("1", "Primary Accounting Book", "T"), ("2", "Local Statutory Book", "F"))

_TAX_CODES = (
    ("1", "US-EXEMPT", "0", "US"),
    ("2", "VAT-S-GB", "20", "GB"),
    ("3", "VAT-S-DE", "19", "DE"),
    ("4", "JCT-10-JP", "10", "JP"),
    ("5", "VAT-R-GB", "5", "GB"),
    ("6", "VAT-R-DE", "7", "DE"),
    ("7", "JCT-8-JP", "8", "JP"),
)

TERM_DAYS: Mapping[int, str] = MappingProxyType({0: "1", 15: "2", 30: "3", 45: "4", 60: "5"})
"""Days net -> NetSuite term id."""

BANK = Account("101", "1010", "Operating Bank", "Bank")
CLEARING = Account("105", "1050", "Card Clearing", "Bank")
RECEIVABLE = Account("110", "1100", "Accounts Receivable", "AcctRec")
ACCRUED = Account("230", "2300", "Accrued Expenses", "OthCurrLiab")
DEFERRED = Account("210", "2100", "Deferred Revenue", "DeferRevenue")
DISPUTED = Account("120", "1200", "Disputed Card Payments", "OthCurrAsset")
TAX_PAYABLE = Account("220", "2200", "Sales Tax Payable", "OthCurrLiab")
SUBSCRIPTION_REVENUE = Account("400", "4000", "Subscription Revenue", "Income")
ADDON_REVENUE = Account("401", "4010", "Add-on Revenue", "Income")
SUPPORT_REVENUE = Account("402", "4020", "Support Revenue", "Income")
SERVICES_REVENUE = Account("410", "4100", "Services Revenue", "Income")
CREDITS_GIVEN = Account("490", "4900", "Credits and Allowances", "Income")
HOSTING_COST = Account("510", "5100", "Hosting Cost", "COGS")
CARD_FEES = Account("650", "6500", "Card Processing Fees", "Expense")
BAD_DEBT = Account("660", "6600", "Bad Debt", "Expense")
FX_GAIN = Account("790", "7900", "Realized Exchange Gain and Loss", "OthIncome")
ROUNDING = Account("799", "7990", "Rounding", "OthExpense")
STATISTICAL = Account("900", "9000", "Headcount (statistical)", "Stat")

ACCOUNTS = (
    BANK, CLEARING, RECEIVABLE, DEFERRED, TAX_PAYABLE, ACCRUED, SUBSCRIPTION_REVENUE, ADDON_REVENUE,
    SUPPORT_REVENUE, SERVICES_REVENUE, HOSTING_COST, FX_GAIN, ROUNDING, STATISTICAL, DISPUTED,
    CREDITS_GIVEN, CARD_FEES, BAD_DEBT,
    Account("600", "6000", "Sales Salaries", "Expense"),
    Account("610", "6100", "Office Rent", "Expense"),
)  # fmt: skip


def _prices(usd: int, gbp: int, eur: int, jpy: int) -> Mapping[str, int]:
    return MappingProxyType({"USD": usd, "GBP": gbp, "EUR": eur, "JPY": jpy})


_SUB, _ADD, _SUP = SUBSCRIPTION_REVENUE.id, ADDON_REVENUE.id, SUPPORT_REVENUE.id
PRODUCTS = (
    Product("PLAT-TEAM", "Platform Team", "Platform", "201", _SUB, _prices(2900, 2400, 2700, 3900)),
    Product("PLAT-BIZ", "Platform Business", "Platform", "202", _SUB,
            _prices(5900, 4900, 5500, 7900)),
    Product("PLAT-ENT", "Platform Enterprise", "Platform", "203", _SUB,
            _prices(9900, 8100, 9300, 13200)),
    Product("ANLT", "Analytics", "Add-on", "204", _ADD, _prices(1250, 1050, 1199, 1690)),
    Product("FCST", "Forecasting", "Add-on", "205", _ADD, _prices(1575, 1325, 1495, 2130)),
    Product("SNDB", "Sandboxes", "Add-on", "206", _ADD, _prices(14900, 12400, 13900, 19900),
            is_seat=False),
    Product("SSO", "Single Sign-on", "Add-on", "207", _ADD, _prices(399, 329, 379, 540)),
    Product("AUDT", "Audit Log", "Add-on", "208", _ADD, _prices(275, 235, 259, 370)),
    Product("APIX", "API Extension", "Add-on", "209", _ADD, _prices(49900, 41500, 46900, 66900),
            is_seat=False),
    Product("WARE", "Warehouse Sync", "Add-on", "210", _ADD, _prices(34900, 28900, 32900, 46900),
            is_seat=False),
    Product("RESI", "Data Residency", "Add-on", "211", _ADD, _prices(19900, 16500, 18900, 26900),
            is_seat=False),
    Product("TRNG", "Learning Portal", "Support", "212", _SUP, _prices(850, 705, 799, 1140)),
    Product("SUP-STD", "Standard Support", "Support", "213", _SUP,
            _prices(25000, 20900, 23900, 33900), is_seat=False),
    Product("SUP-PREM", "Premium Support", "Support", "214", _SUP,
            _prices(99500, 82900, 93900, 133900), is_seat=False),
)  # fmt: skip
PRODUCT_BY_SKU = MappingProxyType({product.sku: product for product in PRODUCTS})


def _tiers(
    ends: tuple[int, ...], **minor: tuple[int, ...]
) -> Mapping[str, tuple[tuple[int | None, int], ...]]:
    tops = (*ends, None)
    return MappingProxyType(
        {currency: tuple(zip(tops, units, strict=True)) for currency, units in minor.items()}
    )


TIERED_PRODUCTS = (
    TieredProduct("STOR", "Storage", "Add-on", "215", _ADD,
                  _tiers((50, 200), USD=(900, 700, 450), GBP=(750, 590, 375),
                         EUR=(850, 660, 425), JPY=(1200, 940, 600))),
    TieredProduct("ENRC", "Record Enrichment", "Add-on", "216", _ADD,
                  _tiers((100,), USD=(315, 195), GBP=(265, 165), EUR=(299, 185), JPY=(420, 260))),
)  # fmt: skip
TIERED_BY_SKU = MappingProxyType({product.sku: product for product in TIERED_PRODUCTS})
CALLS = MeteredProduct(
    "CALLS", "API Calls", "Usage", "217", _ADD, "api_calls",
    MappingProxyType({
        "USD": ((None, Decimal("0.85")),),
        "GBP": ((10_000, Decimal("0.7")), (None, Decimal("0.45"))),
        "EUR": ((None, Decimal("0.8")),),
        "JPY": ((None, Decimal("1.25")),),
    }),
)  # fmt: skip
SERVICES = Product(
    "SERV-IMPL",
    "Implementation Services",
    "Services",
    "290",
    SERVICES_REVENUE.id,
    MappingProxyType({}),
)
_RETIRED = Product("PLAT-2019", "Platform 2019", "Platform", "299", _SUB, MappingProxyType({}))
INCOME_ACCOUNT = MappingProxyType(
    {
        product.item_id: product.income_account
        for product in (*PRODUCTS, *TIERED_PRODUCTS, CALLS, SERVICES, _RETIRED)
    }
)

_RATES_TO_USD = {"USD": Decimal(1), "GBP": Decimal("1.27"), "EUR": Decimal("1.085")}


def exchange_rate(currency: str, base: str, on: date) -> Decimal:
    """Units of `base` for one unit of `currency`; moves a little from day to day, six decimals."""
    if currency == base:
        return Decimal(1)
    dollars = {**_RATES_TO_USD, "JPY": Decimal("0.0067")}
    wave = Decimal((on.toordinal() * 37 + sum(map(ord, currency))) % 200 - 100) / Decimal(10_000)
    return (dollars[currency] / dollars[base] * (1 + wave)).quantize(Decimal("0.000001"))


def rates_of(on: date) -> list[Record]:
    """The rates that NetSuite's table has for a day, of each currency in each base currency."""
    return [
        {
            "basecurrency": base.id,
            "transactioncurrency": currency.id,
            "effectivedate": on.isoformat(),
            "exchangerate": exchange_rate(currency.code, base.code, on),
        }
        for base in CURRENCIES.values()
        for currency in CURRENCIES.values()
        if currency is not base
    ]


def period_id(on: date) -> str:
    """NetSuite internal id of the monthly accounting period that holds a date."""
    return str((on.year - 2000) * 100 + on.month)


def month_end(on: date) -> date:
    return (on.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def accounting_periods(first: int, last: int) -> list[Record]:
    """Months, quarters and years of the years `first` to `last`, all open."""
    rows: list[Record] = []
    for year in range(first, last + 1):
        rows.append(
            _period(str((year - 2000) * 100 + 50), f"FY {year}", year, 1, 12) | {"isyear": "T"}
        )
        rows.extend(
            _period(str((year - 2000) * 100 + 20 + q), f"Q{q} {year}", year, 3 * q - 2, 3 * q)
            | {"isquarter": "T"}
            for q in range(1, 5)
        )
        for month in range(1, 13):
            starts = date(year, month, 1)
            rows.append(_period(period_id(starts), f"{starts:%b %Y}", year, month, month))
    return rows


def _period(identifier: str, name: str, year: int, first: int, last: int) -> Record:
    return {
        "id": identifier,
        "periodname": name,
        "startdate": date(year, first, 1).isoformat(),
        "enddate": month_end(date(year, last, 1)).isoformat(),
        "closed": "F",
        "arlocked": "F",
        "isquarter": "F",
        "isyear": "F",
    }


def netsuite_rows(stamp: str) -> dict[str, list[Record]]:
    """Rows of NetSuite's set-up tables; `stamp` is their lastmodifieddate (UTC text)."""
    every_item = (*PRODUCTS, *TIERED_PRODUCTS, CALLS, SERVICES, _RETIRED)
    return {
        "currency": [
            {"id": c.id, "symbol": c.code, "currencyprecision": c.precision}
            for c in (*CURRENCIES.values(), *SPARE_CURRENCIES)
        ],
        "subsidiary": [_subsidiary(entity) for entity in LEGAL_ENTITIES.values()],
        "taxcode": [
            {"id": i, "itemid": name, "rate": rate, "country": country}
            for i, name, rate, country in _TAX_CODES
        ],
        "accountingbook": [
            {"id": i, "name": name, "isprimary": is_primary, "basebook": None if i == "1" else "1"}
            for i, name, is_primary in _ACCOUNTING_BOOKS
        ],
        "term": [
            {"id": i, "name": f"Net {days}" if days else "Due on receipt", "daysuntilnetdue": days}
            for days, i in TERM_DAYS.items()
        ],
        "account": [_account(account) | {"lastmodifieddate": stamp} for account in ACCOUNTS],
        "item": [_item(item) | {"lastmodifieddate": stamp} for item in every_item],
    }


def _subsidiary(entity: LegalEntity) -> Record:
    return {
        "id": entity.subsidiary_id,
        "name": entity.name,
        "country": entity.country,
        "currency": CURRENCIES[entity.currency].id,
        "custrecord_entity_code": entity.code,
        "custrecord_timezone": entity.timezone,
    }


def _account(account: Account) -> Record:
    return {
        "id": account.id,
        "acctnumber": account.number,
        "fullname": account.name,
        "accttype": account.kind,
        "isinactive": "F",
    }


def _item(product: Product | TieredProduct | MeteredProduct) -> Record:
    return {
        "id": product.item_id,
        "itemid": product.sku,
        "displayname": product.name,
        "incomeaccount": product.income_account,
        "deferredrevenueaccount": None if product is SERVICES else DEFERRED.id,
        "isinactive": "T" if product is _RETIRED else "F",
    }
