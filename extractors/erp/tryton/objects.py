"""What is pulled from Tryton: models with explicit fields; every number is text.

Only fields whose change moves `last_modified_at` of the record, or of a record named in TOUCHED:
what is computed from other records (a balance, an amount still to pay) would go stale unseen.
"""

from collections.abc import Mapping

from extractors.protocol import Field, ObjectSpec, ParentLink, declare

# By object: relations whose records change what it says of itself without touching it.
TOUCHED: Mapping[str, tuple[str, ...]] = {
    "invoice": ("lines", "taxes"),
    "move": ("lines",),
    "subscription": ("lines",),
}
# Models of modules that not every company has activated; without them there is nothing to read.
OPTIONAL_MODELS = frozenset(
    {"sale.subscription", "sale.subscription.line", "sale.subscription.service"}
)
# By model: the field that carries the reference by which we find a record again. Only a party's
# code is unique for the server; of the others it takes any number that are equal.
REFERENCES: Mapping[str, str] = {
    "party.party": "code",
    "product.template": "code",
    "account.invoice": "reference",
    "account.payment": "reference",
    "sale.subscription": "reference",
}

_CHANGED = "last_modified_at"


def _object(
    name: str, model: str, *fields: tuple[Field, ...], parent: ParentLink | None = None
) -> ObjectSpec:
    declared = tuple(item for group in fields for item in group)
    link = declare(parent.column, required=True) if parent else ()
    return ObjectSpec(
        name=name,
        vendor_name=model,
        fields=(
            *declare("id", required=True),
            *link,
            *declared,
            *declare("create_date", _CHANGED, kind="datetime", required=True),
        ),
        cursor=_CHANGED,
        parent=parent,
    )


COMPANY = _object("company", "company.company", declare("party", "currency", required=True))

PARTY = _object(
    "party",
    "party.party",
    declare("code", required=True),
    declare("name", "lang", "replaced_by"),
    declare("active", kind="boolean"),
)

PARTY_ADDRESS = _object(
    "party_address",
    "party.address",
    declare("party", required=True),
    declare("party_name", "street", "postal_code", "city", "country", "subdivision"),
    declare("active", "invoice", "delivery", kind="boolean"),
)

PARTY_IDENTIFIER = _object(
    "party_identifier",
    "party.identifier",
    declare("party", "code", required=True),
    declare("type", "address"),
    declare("active", kind="boolean"),
)

CONTACT_MECHANISM = _object(
    "contact_mechanism",
    "party.contact_mechanism",
    declare("party", "type", "value", required=True),
    declare("name", "address"),
    declare("active", "invoice", "delivery", kind="boolean"),
)

COUNTRY = _object(
    "country",
    "country.country",
    declare("name", required=True),
    declare("code", "code3"),
    declare("active", kind="boolean"),
)

CURRENCY = _object(
    "currency",
    "currency.currency",
    declare("code", required=True),
    declare("name", "numeric_code", "symbol"),
    declare("digits", "rounding", kind="decimal", required=True),
    declare("active", kind="boolean"),
)

CURRENCY_RATE = _object(
    "currency_rate",
    "currency.currency.rate",
    declare("currency", required=True),
    declare("date", kind="date", required=True),
    declare("rate", kind="decimal", required=True),
)

PRODUCT_TEMPLATE = _object(
    "product_template",
    "product.template",
    declare("name", "type", "default_uom", required=True),
    declare("code", "account_category"),
    declare("list_price", kind="decimal"),
    declare("active", "salable", kind="boolean"),
)

PRODUCT = _object(
    "product",
    "product.product",
    declare("template", required=True),
    declare("code", "suffix_code", "description", "replaced_by"),
    declare("active", kind="boolean"),
)

ACCOUNT = _object(
    "account",
    "account.account",
    declare("name", "company", required=True),
    declare("code", "type", "parent", "second_currency", "replaced_by"),
    declare("start_date", "end_date", kind="date"),
    declare("active", "closed", "reconcile", "party_required", kind="boolean"),
)

FISCAL_YEAR = _object(
    "fiscal_year",
    "account.fiscalyear",
    declare("name", "company", required=True),
    declare("start_date", "end_date", kind="date", required=True),
    declare("state", required=True, allowed=("open", "closed", "locked")),
)

PERIOD = _object(
    "period",
    "account.period",
    declare("name", "fiscalyear", required=True),
    declare("start_date", "end_date", kind="date", required=True),
    declare("type", required=True, allowed=("standard", "adjustment")),
    declare("state", required=True, allowed=("open", "closed", "locked")),
)

JOURNAL = _object(
    "journal",
    "account.journal",
    declare("name", "type", required=True),
    declare("code"),
    declare("active", kind="boolean"),
)

INVOICE = _object(
    "invoice",
    "account.invoice",
    declare("type", required=True, allowed=("out", "in")),
    declare("state", required=True, allowed=("draft", "validated", "posted", "paid", "cancelled")),
    declare("company", "party", "currency", "account", required=True),
    declare("number", "reference", "description", "comment"),
    declare("party_tax_identifier", "invoice_address", "journal", "move", "payment_term"),
    declare("invoice_date", "accounting_date", "payment_term_date", kind="date"),
    declare("untaxed_amount", "tax_amount", "total_amount", kind="decimal", required=True),
)

INVOICE_LINE = _object(
    "invoice_line",
    "account.invoice.line",
    declare("type", required=True, allowed=("line", "subtotal", "title", "comment")),
    declare("sequence", kind="decimal"),
    declare("product", "account", "unit", "description", "note", "origin"),
    declare("quantity", "unit_price", "amount", kind="decimal"),
    parent=ParentLink("invoice", "invoice"),
)

INVOICE_TAX = _object(
    "invoice_tax",
    "account.invoice.tax",
    declare("account", required=True),
    declare("tax", "description"),
    declare("base", "amount", kind="decimal", required=True),
    declare("manual", kind="boolean"),
    parent=ParentLink("invoice", "invoice"),
)

MOVE = _object(
    "move",
    "account.move",
    declare("company", "period", "journal", required=True),
    declare("state", required=True, allowed=("draft", "posted")),
    declare("date", kind="date", required=True),
    declare("post_date", kind="date"),
    declare("number", "description", "origin"),
)

MOVE_LINE = _object(
    "move_line",
    "account.move.line",
    declare("account", required=True),
    declare("debit", "credit", kind="decimal", required=True),
    declare("amount_second_currency", kind="decimal"),
    declare("second_currency", "party", "reconciliation", "description", "origin"),
    declare("maturity_date", kind="date"),
    parent=ParentLink("move", "move"),
)

PAYMENT = _object(
    "payment",
    "account.payment",
    declare("number", "company", "journal", "party", "currency", required=True),
    declare("kind", required=True, allowed=("payable", "receivable")),
    declare("state", required=True),
    declare("date", kind="date", required=True),
    declare("amount", kind="decimal", required=True),
    declare("line", "reference", "origin"),
)

SUBSCRIPTION = _object(
    "subscription",
    "sale.subscription",
    declare("company", "party", "currency", "invoice_recurrence", required=True),
    declare("state", required=True),
    declare("number", "reference", "description", "invoice_party", "payment_term"),
    declare("start_date", kind="date", required=True),
    declare("end_date", "invoice_start_date", "next_invoice_date", kind="date"),
)

SUBSCRIPTION_LINE = _object(
    "subscription_line",
    "sale.subscription.line",
    declare("service", "unit", required=True),
    declare("description"),
    declare("quantity", "unit_price", kind="decimal"),
    declare("start_date", kind="date", required=True),
    declare("end_date", "next_consumption_date", "consumed_until", kind="date"),
    parent=ParentLink("subscription", "subscription"),
)

SUBSCRIPTION_SERVICE = _object(
    "subscription_service",
    "sale.subscription.service",
    declare("product", required=True),
    declare("consumption_recurrence"),
    declare("active", kind="boolean"),
)

OBJECTS: dict[str, ObjectSpec] = {
    spec.name: spec
    for spec in (
        COMPANY,
        PARTY,
        PARTY_ADDRESS,
        PARTY_IDENTIFIER,
        CONTACT_MECHANISM,
        COUNTRY,
        CURRENCY,
        CURRENCY_RATE,
        PRODUCT_TEMPLATE,
        PRODUCT,
        ACCOUNT,
        FISCAL_YEAR,
        PERIOD,
        JOURNAL,
        INVOICE,
        INVOICE_LINE,
        INVOICE_TAX,
        MOVE,
        MOVE_LINE,
        PAYMENT,
        SUBSCRIPTION,
        SUBSCRIPTION_LINE,
        SUBSCRIPTION_SERVICE,
    )
}
