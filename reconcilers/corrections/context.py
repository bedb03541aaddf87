"""Reads the plan's facts from the warehouse: which SQL fills which frame of PlanContext.

What is written back has to be in the vendor's own words, so wire values (links, status, versions,
NetSuite ids) come from `raw`; money, dates and who is whom come from `conformed` and the seeds.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb
import polars as pl

from reconcilers.corrections.add_on_queries import ADD_ON_QUERIES
from reconcilers.corrections.application_queries import APPLICATION_QUERIES
from reconcilers.corrections.billing_frames import BILLING_QUERIES
from reconcilers.corrections.cash_queries import CASH_QUERIES
from reconcilers.corrections.customer_queries import (
    CUSTOMER_QUERIES,
    INVOICE_IDS_TAKEN,
    PERSONAL_FIELDS_HELD,
)
from reconcilers.corrections.document_queries import DOCUMENT_QUERIES
from reconcilers.corrections.invoice_queries import POSTED_FIELDS_HELD
from reconcilers.corrections.paper_queries import PAPER_QUERIES
from reconcilers.corrections.plan_context import PlanContext
from reconcilers.corrections.revenue_queries import REVENUE_QUERIES
from reconcilers.corrections.subscription_queries import SUBSCRIPTION_QUERIES
from reconcilers.corrections.usage_queries import USAGE_QUERIES

# The records of both sides of all drift: whatever is planned is of one of them.
_TOLD = """
        with told as (
            select owner_id as id from reconciliation.drift
            union
            select replica_id from reconciliation.drift
        )
"""

QUERIES: Mapping[str, str] = {
    "crm_accounts": _TOLD
    + """
        select id as account_id, nullif(stripe_customer_id__c, '') as stripe_customer_id,
               systemmodstamp as system_modstamp
        from raw.salesforce__account
        where id in (from told) or stripe_customer_id__c in (from told)
    """,
    "held_fields": """
        with doubtful as (
            select distinct canonical_id from reconciliation.drift where code = 'CUS-LINK-01'
        ),
        said as (
            select 'salesforce' as system, id as record_id, systemmodstamp as version,
                   null as crm, stripe_customer_id__c as billing, netsuite_customer_id__c as erp
            from raw.salesforce__account
            union all
            select 'stripe', id, coalesce(_changed_at, created::varchar),
                   metadata_crm_account_id, null, metadata_netsuite_customer_id
            from raw.stripe__customer
            union all
            select 'netsuite', id, lastmodifieddate, custentity_sfdc_id, custentity_stripe_id, null
            from raw.netsuite__customer
        ),
        concerned as (
            select said.*
            from said
            join canonical.customer_links as links
                on said.system = links.system and said.record_id = links.source_id
            where links.canonical_customer_id in (select canonical_id from doubtful)
        ),
        links as (
            select system, record_id, 'crm_account_ref' as attribute, crm as value, version
            from concerned where system <> 'salesforce'
            union all
            select system, record_id, 'billing_customer_ref', billing, version
            from concerned where system <> 'stripe'
            union all
            select system, record_id, 'erp_customer_ref', erp, version
            from concerned where system <> 'netsuite'
        ),
        told as (
            select code, coalesce(replica_system, owner_system) as system,
                   coalesce(replica_id, owner_id) as record_id
            from reconciliation.drift
            where code in ('CTL-XREF-01', 'CUS-ATTR-01', 'HIE-PAR-01', 'INV-DATE-01', 'MRR-XSYS-01',
                           'JE-PER-01', 'PRD-GL-01')
               or (code = 'PYT-DEP-01' and cause = 'key_lost')
               or (code = 'PRD-MAP-01' and cause = 'retired')
            union
            select code, owner_system, owner_id from reconciliation.drift
            where code = 'CUS-STAT-01'
        ),
        accounts as (
            select * from raw.salesforce__account
            where id in (select record_id from told where system = 'salesforce')
        ),
        customers as (
            select * from raw.netsuite__customer
            where id in (select record_id from told where code in ('CUS-STAT-01', 'HIE-PAR-01'))
        ),
        invoices as (
            select * from raw.netsuite__transaction
            where id in (select record_id from told where code in ('CTL-XREF-01', 'INV-DATE-01'))
        )
        select system, 'customer' as entity, record_id, attribute, nullif(value, '') as value,
               version, null as period_id
        from links
        union all
        select 'salesforce', 'mrr_month', id, 'arr', arr__c, systemmodstamp, null from accounts
        union all
        select 'salesforce', 'customer', id, 'country_code', billingcountrycode, systemmodstamp,
               null
        from accounts
        union all
        select 'salesforce', 'customer', id, 'payment_terms_days', payment_terms__c,
               systemmodstamp, null
        from accounts
        union all
        select 'netsuite', 'customer', id, 'is_active', isinactive, lastmodifieddate, null
        from customers
        union all
        select 'netsuite', 'customer_hierarchy', id, 'parent', nullif(parent, ''),
               lastmodifieddate, null
        from customers
        union all
        select 'netsuite', 'invoice', id, 'invoice_id', nullif(custbody_stripe_invoice_id, ''),
               lastmodifieddate, postingperiod
        from invoices
        union all
        select 'netsuite', 'payout', id, 'payout_id', nullif(custbody_stripe_payout_id, ''),
               lastmodifieddate, postingperiod
        from raw.netsuite__transaction
        where id in (select record_id from told where code = 'PYT-DEP-01')
        union all
        select 'netsuite', 'invoice', id, 'due_date', duedate, lastmodifieddate, postingperiod
        from invoices
    """
    + PERSONAL_FIELDS_HELD
    + POSTED_FIELDS_HELD
    + INVOICE_IDS_TAKEN,
    "crm_subscriptions": _TOLD
    + """
        select id as subscription_id, stripe_subscription_id__c as stripe_subscription_id,
               status__c as status, status_changed_at__c as status_changed_at,
               systemmodstamp as system_modstamp
        from raw.salesforce__subscription
        where id in (from told)
    """,
    "billing_subscriptions": _TOLD
    + """
        select subscription_id, status, status_changed_at
        from conformed.subscription__billing
        where subscription_id in (from told)
    """,
    "erp_customers": """
        select customers.canonical_customer_id, customers.source_id as customer_id,
               wire.subsidiary as subsidiary_id,
               customers.billing_customer_ref as stripe_customer_id,
               coalesce(wire.isinactive, 'F') as is_inactive
        from conformed.customer__erp as customers
        inner join raw.netsuite__customer as wire on customers.source_id = wire.id
        order by customers.is_primary desc, customers.source_id
    """,
    "erp_items": """
        select items.id as item_id, items.itemid as sku, items.displayname as name,
               items.incomeaccount as income_account_id,
               items.deferredrevenueaccount as deferred_account_id,
               coalesce(items.isinactive, 'F') as is_inactive, families.family
        from raw.netsuite__item as items
        left join (
            select productcode, any_value(family) as family
            from raw.salesforce__product2 group by productcode
        ) as families on items.itemid = families.productcode
    """,
    "erp_accounts": """
        select id as account_id, acctnumber as number, accttype as account_type,
               coalesce(isinactive, 'F') as is_inactive
        from raw.netsuite__account
    """,
    "erp_tax_codes": """
        select id as tax_code_id, itemid as name, rate, upper(country) as country
        from raw.netsuite__tax_code
    """,
    "erp_currencies": """
        select id as currency_id, upper(symbol) as currency,
               cast(currencyprecision as bigint) as exponent
        from raw.netsuite__currency
    """,
    "erp_subsidiaries": """
        select id as subsidiary_id, upper(custrecord_entity_code) as legal_entity,
               upper(country) as country
        from raw.netsuite__subsidiary
    """,
    "erp_periods": """
        select id as period_id, periodname as name, cast(startdate as date) as start_date,
               cast(enddate as date) as end_date, coalesce(closed, 'F') as is_closed,
               coalesce(arlocked, 'F') as is_ar_locked, coalesce(isquarter, 'F') as is_quarter,
               coalesce(isyear, 'F') as is_year
        from raw.netsuite__accounting_period
    """,
    "legal_entities": """
        select entities.legal_entity, entities.functional_currency as currency,
               codes.rate_percent as tax_rate
        from seeds.legal_entities as entities
        left join seeds.tax_codes as codes on entities.tax_code = codes.tax_code
    """,
    "ledger_accounts": """
        select product_family, legal_entity, event_type, account_number as number
        from seeds.ledger_accounts
    """,
    **DOCUMENT_QUERIES,
    **SUBSCRIPTION_QUERIES,
    **BILLING_QUERIES,
    **APPLICATION_QUERIES,
    **CASH_QUERIES,
    **REVENUE_QUERIES,
    **CUSTOMER_QUERIES,
    **PAPER_QUERIES,
    **ADD_ON_QUERIES,
    **USAGE_QUERIES,
}

WATERMARKS = "select system || '.' || object, watermark_at from raw.snapshots order by 1"


def read_context(con: duckdb.DuckDBPyConnection) -> PlanContext:
    """All facts of the night that the warehouse is built for."""
    return PlanContext(**{name: _frame(con, name) for name in PlanContext.SCHEMAS})


def read_watermarks(con: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Up to which instant (UTC) each object is covered, by 'system.object'."""
    return {
        name: at.replace(tzinfo=UTC)
        for name, at in con.sql(WATERMARKS).fetchall()
        if at is not None
    }


def _frame(con: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """The query's rows in exactly the types that the context declares."""
    return con.sql(QUERIES[name]).pl().cast(dict(PlanContext.SCHEMAS[name]))
