"""What TO-EXT ties by entity, in one list: staged = published + left out for a stated reason.

A row says where the records of a raw object are staged, where they are published, and which are
left out on purpose. Each side is a query of one row per record, with its currency and its amount in
minor units (0 where only the number of records is tied). A new entity is a new row; a raw object
without one says in NOT_TIED why. The rows of the ERP stand in `entity_sums_erp`,
those of prices and phases in `entity_sums_commercial`, of what settles invoices in
`entity_sums_settlement`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class LeftOut:
    """Staged records that are not published, and why.

    Without a query of their own the staged ones tell them, by this reason in a column `left_out`.
    """

    reason: str
    query: str | None = None


@dataclass(frozen=True)
class EntitySum:
    """The records of one raw object (system.object) that make up one entity."""

    entity: str
    object: str
    staged: str
    published: str
    staged_query: str
    published_query: str
    left_out: tuple[LeftOut, ...] = ()

    @property
    def scope(self) -> str:
        return f"{self.object}/{self.entity}"


def counted(
    entity: str,
    read: str,
    staged: str,
    published: str,
    *,
    where: str = "true",
    left_out: tuple[LeftOut, ...] = (),
) -> EntitySum:
    """An entity whose records carry no money, or none that adds up to anything."""
    select = "select null::varchar as currency, 0 as amount_minor from"
    there, here = f"{select} {staged}", f"{select} {published} where {where}"
    return EntitySum(entity, read, staged, published, there, here, left_out)


def summed(
    entity: str,
    read: str,
    staged: tuple[str, str],
    published: tuple[str, str],
    *,
    where: str = "true",
    left_out: tuple[LeftOut, ...] = (),
) -> EntitySum:
    """An entity that is staged in minor units; each side is (table, expression of the amount)."""
    (there, there_minor), (here, here_minor) = staged, published
    return EntitySum(
        entity,
        read,
        there,
        here,
        f"select currency, {there_minor} as amount_minor from {there}",
        f"select currency, {here_minor} as amount_minor from {here} where {where}",
        left_out,
    )


_CRM = "staging.stg_salesforce__"
_BILLING = "staging.stg_stripe__"

CRM = (
    counted("customer", "salesforce.account", f"{_CRM}accounts", "conformed.customer__crm"),
    counted("product", "salesforce.product2", f"{_CRM}products", "conformed.product__crm"),
    counted(
        "price", "salesforce.pricebook_entry", f"{_CRM}pricebook_entries", "conformed.price__crm"
    ),
    counted(
        "opportunity",
        "salesforce.opportunity",
        f"{_CRM}opportunities",
        "canonical.opportunities",
    ),
    counted("contract", "salesforce.contract", f"{_CRM}contracts", "conformed.contract__crm"),
    counted(
        "contract_line",
        "salesforce.contract_line",
        f"{_CRM}contract_lines",
        "canonical.contract_lines",
    ),
    counted(
        "subscription",
        "salesforce.subscription",
        f"{_CRM}subscriptions",
        "conformed.subscription__crm",
    ),
)

_REREAD = "days without use, and parts of days that a later night read in other parts"
_USAGE = EntitySum(
    "usage",
    "stripe.usage",
    f"{_BILLING}usages",
    "canonical.usage",
    "select null::varchar as currency, 0 as amount_minor, "
    f"case when not is_last_reading then '{_REREAD}' end as left_out from {_BILLING}usages",
    # a day stands once for each item that it is billed by
    "select null::varchar as currency, 0 as amount_minor "
    "from (select distinct usage_id from canonical.usage)",
    (LeftOut(_REREAD),),
)
_UNSOLD = LeftOut(
    "lines of drafts and void invoices, which earn nothing",
    "select lines.currency, lines.amount_minor from canonical.invoice_lines as lines "
    "inner join canonical.invoices as invoices using (invoice_key) "
    "where invoices.status not in ('open', 'partially_paid', 'paid', 'written_off')",
)

BILLING = (
    _USAGE,
    counted("customer", "stripe.customer", f"{_BILLING}customers", "conformed.customer__billing"),
    counted("product", "stripe.product", f"{_BILLING}products", "conformed.product__billing"),
    counted("price", "stripe.price", f"{_BILLING}prices", "conformed.price__billing"),
    counted(
        "subscription", "stripe.subscription", f"{_BILLING}subscriptions", "canonical.subscriptions"
    ),
    counted(
        "subscription_item",
        "stripe.subscription",
        f"{_BILLING}subscription_items",
        "canonical.subscription_items",
    ),
    summed(
        "invoice",
        "stripe.invoice",
        (f"{_BILLING}invoices", "total_minor"),
        ("canonical.invoices", "total_minor"),
        where="owner_role = 'billing'",
    ),
    summed(
        "invoice_line",
        "stripe.invoice",
        (f"{_BILLING}invoice_lines", "gross_minor - discount_minor"),
        ("canonical.invoice_lines", "amount_minor"),
        where="not starts_with(line_key, 'erp-')",
    ),
    summed(
        "invoice_tax_line",
        "stripe.invoice",
        (f"{_BILLING}invoice_taxes", "tax_minor"),
        ("canonical.invoice_tax_lines", "tax_minor"),
        where="not starts_with(tax_line_key, 'erp-')",
    ),
    summed(
        "payment",
        "stripe.charge",
        (f"{_BILLING}charges", "amount_minor"),
        ("canonical.payments", "amount_minor"),
        where="owner_role = 'billing'",
    ),
    # Beyond the canonical line: what is earned of it, period by period.
    EntitySum(
        "revenue_schedule",
        "stripe.invoice",
        "canonical.invoice_lines",
        "canonical.revenue_schedule_lines",
        "select currency, amount_minor from canonical.invoice_lines",
        "select currency, sum(amount_minor)::bigint as amount_minor "
        "from canonical.revenue_schedule_lines where credit_note_key is null "
        "group by schedule_key, currency",
        (_UNSOLD,),
    ),
)

NOT_TIED: Mapping[str, str] = MappingProxyType(
    {
        "salesforce.opportunity_history": "evidence of when a field changed, no entity",
        "salesforce.contract_history": "evidence of when a field changed, no entity",
        "salesforce.contract_line_history": "evidence of when a field changed, no entity",
        "stripe.tax_id": "attribute of the customer",
        "stripe.coupon": "attribute of the subscription's items",
        "stripe.invoiceitem": "billed by the line that comes of it; ours are in usage ratings",
        "stripe.meter": "attribute of the usage that it counts",
        "stripe.balance_transaction": "tied to the balance that the source itself reports",
        "netsuite.term": "attribute of the customer",
        "netsuite.currency": "names the currency of amounts",
        "netsuite.accounting_book": "says which book is the primary one",
        "netsuite.system_note": "evidence of when a field changed, no entity",
        "netsuite.revenue_plan": "its lines are the revenue events",
    }
)
