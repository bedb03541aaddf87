"""The Salesforce and NetSuite objects of the sandbox, column by column, and their values' storage.

Stripe has no entry here: its objects are documents (see store.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

System = Literal["salesforce", "stripe", "netsuite"]
Kind = Literal["id", "text", "decimal", "integer", "boolean", "date", "datetime"]

SALESFORCE_DATETIME = "%Y-%m-%dT%H:%M:%S.000+0000"
NETSUITE_DATETIME = "%Y-%m-%d %H:%M:%S"
_SMALLEST_PLAIN, _LARGEST_PLAIN = -3, 7


@dataclass(frozen=True)
class Table:
    """One vendor object: its columns, its key, and what is stamped when it changes."""

    system: System
    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    parent: tuple[str, str] | None = None
    """(column that names the parent, parent object): a change here is a change of the parent."""
    indexes: tuple[str, ...] = ()

    @property
    def sql_name(self) -> str:
        return f"{self.system}_{self.name.lower()}"

    @property
    def created_column(self) -> str | None:
        return next(
            (c for c in ("CreatedDate", "createddate", "datecreated") if c in self.columns), None
        )

    @property
    def modified_columns(self) -> tuple[str, ...]:
        stamps = ("SystemModstamp", "LastModifiedDate", "lastmodifieddate")
        return tuple(c for c in stamps if c in self.columns)

    def create_statements(self) -> list[str]:
        columns = ", ".join(
            f'"{name}" {_SQL_TYPES[self.system, kind]}' for name, kind in self.columns.items()
        )
        key = ", ".join(f'"{name}"' for name in self.key)
        create = f"CREATE TABLE IF NOT EXISTS {self.sql_name} ({columns}, PRIMARY KEY ({key}))"
        return [create, *(self._create_index(column) for column in self.indexes)]

    def _create_index(self, column: str) -> str:
        index = f"{self.sql_name}_{column.lower()}"
        return f'CREATE INDEX IF NOT EXISTS {index} ON {self.sql_name} ("{column}")'


# NUMERIC affinity keeps comparisons numeric; values of up to 15 digits come back exactly.
# Salesforce compares text without regard to case, but not identifiers.
_SQL_TYPES: dict[tuple[System, Kind], str] = {
    ("salesforce", "id"): "TEXT",
    ("salesforce", "text"): "TEXT COLLATE NOCASE",
    ("salesforce", "decimal"): "NUMERIC",
    ("salesforce", "integer"): "INTEGER",
    ("salesforce", "boolean"): "INTEGER",
    ("salesforce", "date"): "TEXT",
    ("salesforce", "datetime"): "TEXT",
    ("netsuite", "id"): "INTEGER",
    ("netsuite", "text"): "TEXT",
    ("netsuite", "decimal"): "NUMERIC",
    ("netsuite", "integer"): "INTEGER",
    ("netsuite", "boolean"): "TEXT",
    ("netsuite", "date"): "TEXT",
    ("netsuite", "datetime"): "TEXT",
}


def _columns(declared: str) -> dict[str, Kind]:
    """`"Id:id Name Amount:decimal"` -> columns; text unless said otherwise."""
    pairs = (word.partition(":") for word in declared.split())
    return {name: kind or "text" for name, _, kind in pairs}  # type: ignore[misc]


_SALESFORCE_AUDIT = (
    " CreatedDate:datetime LastModifiedDate:datetime SystemModstamp:datetime IsDeleted:boolean"
)


def _salesforce(name: str, declared: str, *indexes: str) -> Table:
    columns = _columns("Id:id " + declared + _SALESFORCE_AUDIT)
    return Table("salesforce", name, columns, ("Id",), None, ("SystemModstamp", *indexes))


def _salesforce_history(name: str, parent: str) -> Table:
    """Changes of tracked fields; they are never changed themselves and have no SystemModstamp."""
    declared = f"Id:id {parent}:id CreatedById:id CreatedDate:datetime Field OldValue NewValue"
    columns = _columns(declared + " IsDeleted:boolean")
    return Table("salesforce", name, columns, ("Id",), None, ("CreatedDate", parent))


def _netsuite(
    name: str,
    declared: str,
    *indexes: str,
    key: tuple[str, ...] = ("id",),
    parent: tuple[str, str] | None = None,
) -> Table:
    return Table("netsuite", name, _columns(declared), key, parent, indexes)


_TABLES = (
    _salesforce(
        "Account",
        "Name Website BillingStreet BillingCity BillingPostalCode BillingCountryCode "
        "CurrencyIsoCode ParentId:id Type MasterRecordId:id Tax_Id__c Invoice_Email__c "
        "Payment_Terms__c Q2C_Customer_Key__c:id Stripe_Customer_Id__c:id "
        "NetSuite_Customer_Id__c:id ARR__c:decimal",
        "Q2C_Customer_Key__c",
        "Stripe_Customer_Id__c",
    ),
    _salesforce("Product2", "Name ProductCode Family IsActive:boolean", "ProductCode"),
    _salesforce(
        "PricebookEntry",
        "Product2Id:id UnitPrice:decimal Tiers__c CurrencyIsoCode IsActive:boolean",
        "Product2Id",
    ),
    _salesforce(
        "Opportunity",
        "AccountId:id Name StageName Amount:decimal CloseDate:date IsWon:boolean IsClosed:boolean "
        "ContractId:id CurrencyIsoCode Q2C_Key__c:id",
        "AccountId",
        "Q2C_Key__c",
    ),
    _salesforce(
        "Contract",
        "ContractNumber AccountId:id Opportunity__c:id Status StartDate:date EndDate:date "
        "ContractTerm:integer ActivatedDate:datetime Legal_Entity__c Billing_Frequency__c "
        "Auto_Renew__c:boolean Renews_Contract__c:id CurrencyIsoCode",
        "AccountId",
    ),
    _salesforce(
        "Contract_Line__c",
        "Contract__c:id Product__c:id Quantity__c:decimal Unit_Price__c:decimal Price_Period__c "
        "Discount_Percent__c:decimal Start_Date__c:date End_Date__c:date Effective_At__c:datetime "
        "Co_Termed__c:boolean Pricing_Model__c CurrencyIsoCode",
        "Contract__c",
    ),
    _salesforce(
        "Subscription__c",
        "Name Account__c:id Contract__c:id Stripe_Subscription_Id__c:id Status__c "
        "Status_Changed_At__c:datetime",
        "Stripe_Subscription_Id__c",
    ),
    _salesforce_history("OpportunityFieldHistory", "OpportunityId"),
    _salesforce_history("ContractHistory", "ContractId"),
    _salesforce_history("Contract_Line__History", "ParentId"),
    _netsuite(
        "customer",
        "id:id entityid companyname parent:id externalid email url subsidiary:id currency:id "
        "terms:id isinactive:boolean vatregnumber billcountry billzip custentity_stripe_id "
        "custentity_sfdc_id datecreated:datetime lastmodifieddate:datetime",
        "externalid",
        "custentity_stripe_id",
        "lastmodifieddate",
    ),
    _netsuite("term", "id:id name daysuntilnetdue:integer"),
    _netsuite(
        "subsidiary", "id:id name country currency:id custrecord_entity_code custrecord_timezone"
    ),
    _netsuite("currency", "id:id symbol currencyprecision:integer"),
    _netsuite(
        "account",
        "id:id acctnumber fullname accttype isinactive:boolean lastmodifieddate:datetime",
    ),
    _netsuite(
        "item",
        "id:id itemid displayname incomeaccount:id deferredrevenueaccount:id isinactive:boolean "
        "lastmodifieddate:datetime",
    ),
    _netsuite(
        "accountingperiod",
        "id:id periodname startdate:date enddate:date closed:boolean arlocked:boolean "
        "isquarter:boolean isyear:boolean closedondate:datetime",
    ),
    _netsuite(
        "currencyrate",
        "id:id basecurrency:id transactioncurrency:id effectivedate:date exchangerate:decimal",
        "effectivedate",
    ),
    _netsuite("accountingbook", "id:id name isprimary:boolean basebook:id"),
    _netsuite("taxcode", "id:id itemid rate:decimal country"),
    _netsuite(
        "transaction",
        "id:id tranid type status entity:id trandate:date duedate:date postingperiod:id "
        "currency:id exchangerate:decimal foreigntotal:decimal foreignamountunpaid:decimal "
        "createddate:datetime lastmodifieddate:datetime externalid voided:boolean posting:boolean "
        "memo customform custbody_stripe_invoice_id custbody_stripe_charge_id "
        "custbody_stripe_credit_note_id custbody_stripe_refund_id custbody_stripe_dispute_id "
        "custbody_stripe_dispute_stage custbody_stripe_payout_id "
        "custbody_q2c_correlation_id custbody_status_changed_at:datetime",
        "externalid",
        "tranid",
        "entity",
        "custbody_stripe_invoice_id",
        "custbody_stripe_charge_id",
        "custbody_stripe_credit_note_id",
        "lastmodifieddate",
    ),
    _netsuite(
        "transactionline",
        "transaction:id id:id mainline:boolean taxline:boolean item:id quantity:decimal "
        "rate:decimal foreignamount:decimal netamount:decimal subsidiary:id taxcode:id "
        "custcol_stripe_line_id custcol_stripe_balance_id custcol_rev_start:date "
        "custcol_rev_end:date memo department:id class:id",
        key=("transaction", "id"),
        parent=("transaction", "transaction"),
    ),
    _netsuite(
        "transactionaccountingline",
        "transaction:id transactionline:id accountingbook:id account:id amount:decimal "
        "debit:decimal credit:decimal posting:boolean",
        key=("transaction", "transactionline", "accountingbook"),
        parent=("transaction", "transaction"),
    ),
    _netsuite(
        "previoustransactionlinelink",
        "previousdoc:id previousline:id nextdoc:id nextline:id foreignamount:decimal linktype",
        "nextdoc",
        key=("previousdoc", "previousline", "nextdoc", "nextline", "linktype"),
        parent=("nextdoc", "transaction"),
    ),
    _netsuite(
        "revenueplan",
        "id:id sourcetransaction:id sourceline:id item:id amount:decimal currency:id "
        "startdate:date enddate:date rule lastmodifieddate:datetime",
        "sourcetransaction",
    ),
    _netsuite(
        "revenueplanline",
        "id revenueplan:id postingperiod:id periodname amount:decimal isrecognized:boolean "
        "journal:id",
        "revenueplan",
        "journal",
        parent=("revenueplan", "revenueplan"),
    ),
    _netsuite(
        "systemnote",
        "id:id recordtypeid:integer recordid:id lineid:id field oldvalue newvalue name:id "
        "date:datetime",
        "recordid",
    ),
    _netsuite(
        "deletedrecord",
        "recordtype recordid:id deleteddate:datetime",
        key=("recordtype", "recordid"),
    ),
)

TABLES: dict[tuple[str, str], Table] = {(table.system, table.name): table for table in _TABLES}


def tables_of(system: System) -> dict[str, Table]:
    return {table.name: table for table in _TABLES if table.system == system}


def to_text(at: datetime, system: System) -> str:
    """An instant as the vendor writes it; both vendors' texts sort as the instants do."""
    return at.astimezone(UTC).strftime(
        SALESFORCE_DATETIME if system == "salesforce" else NETSUITE_DATETIME
    )


def encoder(table: Table, column: str) -> Callable[[Any], str | int | None]:
    """What turns a Python value of one column into what SQLite stores."""
    kind = table.columns[column]
    if column == "IsDeleted":
        return lambda value: int(bool(value))

    def encode(value: Any) -> str | int | None:
        if value is None or (type(value) is str and kind != "boolean"):
            return value
        return _encode_other(table.system, kind, column, value)

    return encode


def _encode_other(system: System, kind: Kind, column: str, value: Any) -> str | int | None:
    if kind == "boolean":
        true = value in (True, "T")
        return int(true) if system == "salesforce" else "FT"[true]
    if isinstance(value, bool | float):
        raise TypeError(f"{column} is {kind}: {value!r} is neither exact nor of that kind")
    if isinstance(value, datetime):
        return to_text(value, system)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int):
        return value if kind != "text" else str(value)
    raise TypeError(f"{column} is {kind} and cannot hold {value!r}")


def decoder(table: Table, column: str) -> Callable[[Any], Any]:
    """What turns a stored value back: ids and decimals as text, Salesforce booleans as bool."""
    kind = table.columns[column]
    if kind == "decimal":
        return decimal_text
    if kind == "id":
        return lambda value: None if value is None else str(value)
    if kind == "boolean" and table.system == "salesforce":
        return bool
    return lambda value: value


def double_text(value: float | str | None) -> str | None:
    """A number as Salesforce writes it: from ten millions on, and below 0.001, by its exponent."""
    if value is None:
        return None
    exact = Decimal(repr(float(value))).normalize()
    power = exact.adjusted()
    if exact == 0 or _SMALLEST_PLAIN <= power < _LARGEST_PLAIN:
        return repr(float(value))
    sign, digits, _ = exact.as_tuple()
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{power}"


def decimal_text(value: float | str | None) -> str | None:
    """A NUMERIC column's value as plain decimal text (no exponent)."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return None if value is None else str(value)
