"""What is pulled from NetSuite: SuiteQL tables with explicit columns; every value is text.

Datetimes come as UTC `YYYY-MM-DD HH:MM:SS`, dates as `YYYY-MM-DD`, flags as 'T' or 'F', amounts
as decimal text, whatever the account's preferences are.
"""

from extractors.protocol import ControlSum, Field, ObjectSpec, ParentLink, declare

# Record types in `deletedrecord` that stand for rows of a table.
DELETED_RECORD_TYPES: dict[str, tuple[str, ...]] = {
    "customer": ("customer",),
    "account": ("account",),
    "item": ("item",),
    "transaction": (
        "transaction",
        "invoice",
        "customerpayment",
        "journalentry",
        "creditmemo",
        "customerrefund",
        "deposit",
    ),
}

# Settings: few rows, and no time of change.
SMALL = (
    "term",
    "subsidiary",
    "currency",
    "accounting_period",
    "accounting_book",
    "tax_code",
)

# Record types of the metadata catalog that together have the fields of a table.
RECORD_TYPES: dict[str, tuple[str, ...]] = {
    "customer": ("customer",),
    "account": ("account",),
    "transaction": (
        "invoice",
        "customerPayment",
        "creditMemo",
        "customerRefund",
        "deposit",
        "journalEntry",
    ),
}

_MODIFIED = declare("lastmodifieddate", kind="datetime", required=True)


def _object(
    name: str,
    table: str,
    *fields: tuple[Field, ...],
    key: tuple[str, ...] = ("id",),
    parent: ParentLink | None = None,
    control_sum: ControlSum | None = None,
    cursor: str | None = None,
    where: str | None = None,
) -> ObjectSpec:
    declared = tuple(item for group in fields for item in group)
    return ObjectSpec(
        name=name,
        vendor_name=table,
        fields=(*declare(*key, required=True), *declared),
        key=key,
        cursor=cursor or ("lastmodifieddate" if _MODIFIED[0] in declared else None),
        parent=parent,
        control_sum=control_sum,
        where=where,
    )


CUSTOMER = _object(
    "customer",
    "customer",
    declare("entityid", "companyname", "parent", "externalid", "email", "url"),
    declare("subsidiary", "currency", "terms"),
    declare("isinactive", kind="flag"),
    declare("vatregnumber", "billcountry", "billzip"),
    declare("custentity_stripe_id", "custentity_sfdc_id"),
    declare("datecreated", kind="datetime"),
    _MODIFIED,
)

TERM = _object("term", "term", declare("name"), declare("daysuntilnetdue", kind="decimal"))

SUBSIDIARY = _object(
    "subsidiary",
    "subsidiary",
    declare("name", "country", "currency"),
    declare("custrecord_entity_code", "custrecord_timezone"),
)

CURRENCY = _object(
    "currency",
    "currency",
    declare("symbol", required=True),
    declare("currencyprecision", kind="decimal", required=True),
)

ACCOUNT = _object(
    "account",
    "account",
    declare("acctnumber", "fullname", "accttype"),
    declare("isinactive", kind="flag"),
    _MODIFIED,
)

ITEM = _object(
    "item",
    "item",
    declare("itemid", required=True),
    declare("displayname", "incomeaccount", "deferredrevenueaccount"),
    declare("isinactive", kind="flag"),
    _MODIFIED,
)

ACCOUNTING_PERIOD = _object(
    "accounting_period",
    "accountingperiod",
    declare("periodname", required=True),
    declare("startdate", "enddate", kind="date", required=True),
    declare("closed", "arlocked", "isquarter", "isyear", kind="flag"),
    declare("closedondate", kind="datetime"),
)

ACCOUNTING_BOOK = _object(
    "accounting_book",
    "accountingbook",
    declare("name", required=True),
    declare("isprimary", kind="flag"),
    declare("basebook"),
)

# Units of the base currency for one unit of the transaction currency, from a day on.
EXCHANGE_RATE = _object(
    "exchange_rate",
    "currencyrate",
    declare("basecurrency", "transactioncurrency", required=True),
    declare("effectivedate", kind="date", required=True),
    declare("exchangerate", kind="decimal", required=True),
)

TAX_CODE = _object(
    "tax_code", "taxcode", declare("itemid"), declare("rate", kind="decimal"), declare("country")
)

TRANSACTION = _object(
    "transaction",
    "transaction",
    declare("tranid"),
    declare("type", required=True),
    declare("status", "entity"),
    declare("trandate", kind="date", required=True),
    declare("duedate", kind="date"),
    declare("postingperiod", "currency"),
    declare("exchangerate", "foreigntotal", "foreignamountunpaid", kind="decimal"),
    declare("createddate", kind="datetime", required=True),
    _MODIFIED,
    declare("externalid"),
    declare("voided", "posting", kind="flag"),
    declare("memo", "customform"),
    declare("custbody_stripe_invoice_id", "custbody_stripe_charge_id"),
    declare("custbody_stripe_credit_note_id", "custbody_stripe_refund_id"),
    declare("custbody_stripe_dispute_id", "custbody_stripe_dispute_stage"),
    declare("custbody_stripe_payout_id"),
    declare("custbody_q2c_correlation_id"),
    declare("custbody_status_changed_at", kind="datetime"),
    control_sum=ControlSum("foreigntotal", "currency"),
)

TRANSACTION_LINE = _object(
    "transaction_line",
    "transactionline",
    declare("mainline", "taxline", kind="flag"),
    declare("item"),
    declare("quantity", "rate", "foreignamount", "netamount", kind="decimal"),
    declare("subsidiary", "taxcode", "custcol_stripe_line_id", "custcol_stripe_balance_id"),
    declare("custcol_rev_start", "custcol_rev_end", kind="date"),
    declare("memo", "department", "class"),
    key=("transaction", "id"),
    parent=ParentLink("transaction", "transaction"),
    control_sum=ControlSum("foreignamount", "currency", parent="transaction"),
)

TRANSACTION_ACCOUNTING_LINE = _object(
    "transaction_accounting_line",
    "transactionaccountingline",
    declare("account"),
    declare("amount", "debit", "credit", kind="decimal"),
    declare("posting", kind="flag"),
    key=("transaction", "transactionline", "accountingbook"),
    parent=ParentLink("transaction", "transaction"),
)

TRANSACTION_LINK = _object(
    "transaction_link",
    "previoustransactionlinelink",
    declare("foreignamount", kind="decimal"),
    key=("nextdoc", "nextline", "previousdoc", "previousline", "linktype"),
    parent=ParentLink("transaction", "nextdoc"),
    control_sum=ControlSum("foreignamount", "currency", parent="transaction"),
)

# Neither plans nor their lines have a time of change in the vendor's analytics schema, and a plan
# is recalculated without a change of its source: they are read in full each night.
REVENUE_PLAN = _object(
    "revenue_plan",
    "revenueplan",
    declare("sourcetransaction", "sourceline", "item"),
    declare("amount", kind="decimal", required=True),
    declare("currency"),
    declare("startdate", "enddate", kind="date"),
    declare("rule"),
    control_sum=ControlSum("amount", "currency"),
)

REVENUE_PLAN_LINE = _object(
    "revenue_plan_line",
    "revenueplanline",
    declare("revenueplan", required=True),
    declare("postingperiod"),
    declare("periodname", required=True),
    declare("amount", kind="decimal", required=True),
    declare("isrecognized", kind="flag"),
    declare("journal"),
    parent=ParentLink("revenue_plan", "revenueplan"),
    control_sum=ControlSum("amount", "currency", parent="revenueplan"),
)

# Who changed which field of a transaction, from what to what: the vendor's audit trail, which is
# never changed itself.
SYSTEM_NOTE = _object(
    "system_note",
    "systemnote",
    declare("recordid", required=True),
    declare("lineid", "field", "oldvalue", "newvalue", "name"),
    declare("date", kind="datetime", required=True),
    cursor="date",
    where="recordtypeid = -30",
)

OBJECTS: dict[str, ObjectSpec] = {
    spec.name: spec
    for spec in (
        CUSTOMER,
        TERM,
        SUBSIDIARY,
        CURRENCY,
        ACCOUNT,
        ITEM,
        ACCOUNTING_PERIOD,
        ACCOUNTING_BOOK,
        EXCHANGE_RATE,
        TAX_CODE,
        TRANSACTION,
        TRANSACTION_LINE,
        TRANSACTION_ACCOUNTING_LINE,
        TRANSACTION_LINK,
        REVENUE_PLAN,
        REVENUE_PLAN_LINE,
        SYSTEM_NOTE,
    )
}
