"""The plan's facts about what has no paper, or has what nobody signed, as SQL."""

from collections.abc import Mapping

import polars as pl

_TEXT, _WHOLE = pl.String(), pl.Int64()
# What billing serves or changed without paper: what sales is to be asked for, of a subscription.
UNPAPERED: dict[str, pl.DataType] = {
    "row_key": _TEXT,
    "subscription_id": _TEXT,
    "status": _TEXT,
    "name": _TEXT,
    "key": _TEXT,
    "monthly_minor": _WHOLE,
    "currency": _TEXT,
    "period_end": pl.Date(),
    "account_id": _TEXT,
    "accounts": _WHOLE,
}

# The newest save of a contract line that the CRM changed and nobody signed, and what was before it.
UNSIGNED_EDITS: dict[str, pl.DataType] = {
    "row_key": _TEXT,
    "lines": _WHOLE,
    "line_id": _TEXT,
    "is_signed": pl.Boolean(),
    "changes_term": pl.Boolean(),
    "mrr_before_minor": _WHOLE,
    **{
        f"{field}_{when}": _TEXT
        for field in ("quantity", "unit_price", "discount_percent")
        for when in ("now", "before")
    },
    "effective_at": _TEXT,
    "version": _TEXT,
}

PAPER_SCHEMAS = {"unpapered": UNPAPERED, "unsigned_edits": UNSIGNED_EDITS}
PAPER_QUERIES: Mapping[str, str] = {
    "unpapered": """
        with asked as (
            select row_key, billing_id as subscription_id, 'Unpapered ' || billing_id as name,
                   'unpapered_' || billing_id as key, billing_amount_minor as monthly_minor
            from comparison.cmp_contract__crm_vs_billing
            where row_key in (
                select row_key from reconciliation.drift where code = 'CON-MISS-02'
            )
            union all
            select row_key, billing_id, 'Amendment ' || crm_id || ' ' || product_code,
                   'amendment_' || crm_id || '_' || product_code,
                   billing_amount_minor - crm_amount_minor
            from comparison.cmp_contract_change__crm_vs_billing
            where row_key in (
                select row_key from reconciliation.drift where code = 'CON-AMD-02'
            )
            union all
            select row_key, billing_id, 'Renewal ' || crm_id, 'renewal_' || crm_id,
                   billing_amount_minor
            from comparison.cmp_contract_renewal__crm_vs_billing
            where row_key in (
                select row_key from reconciliation.drift
                where code = 'CON-REN-01' and cause = 'renewed_in_billing_only'
            )
        )
        select asked.row_key, asked.subscription_id, wire.status, asked.name, asked.key,
               asked.monthly_minor, subscriptions.currency,
               cast(subscriptions.current_period_end_at as date) as period_end,
               min(accounts.source_id) as account_id, count(accounts.source_id) as accounts
        from asked
        join conformed.subscription__billing as subscriptions
            on asked.subscription_id = subscriptions.subscription_id
        join raw.stripe__subscription as wire on subscriptions.subscription_id = wire.id
        left join conformed.customer__crm as accounts
            on subscriptions.canonical_customer_id = accounts.canonical_customer_id
            and accounts.is_active
        group by all
    """,
    "unsigned_edits": """
        with told as (
            select row_key, replica_id as contract_id, split_part(attribute, ':', 2) as product_code
            from reconciliation.drift where code = 'CON-AMD-01' and cause = 'unsigned'
        ),
        sold as (
            select told.row_key, min(lines.contract_line_id) as line_id, count(*) as lines
            from told
            join canonical.contract_lines as lines
                on told.contract_id = lines.contract_id and told.product_code = lines.product_code
            where lines.as_of_date between lines.start_date and lines.end_date
            group by told.row_key
        )
        select sold.row_key, sold.lines, sold.line_id, saves.is_signed, saves.changes_term,
               saves.mrr_before_minor, wire.quantity__c as quantity_now,
               case when saves.changes_quantity then saves.quantity_before end as quantity_before,
               wire.unit_price__c as unit_price_now,
               case when saves.changes_price then saves.unit_price_before end as unit_price_before,
               wire.discount_percent__c as discount_percent_now,
               case when saves.changes_discount then saves.discount_percent_before end
                   as discount_percent_before,
               wire.effective_at__c as effective_at, wire.systemmodstamp as version
        from sold
        join raw.salesforce__contract_line as wire on sold.line_id = wire.id
        left join canonical.contract_amendments as saves on sold.line_id = saves.contract_line_id
        qualify row_number() over (
            partition by sold.row_key
            order by saves.changed_at desc nulls last, saves.contract_amendment_id desc
        ) = 1
    """,
}
