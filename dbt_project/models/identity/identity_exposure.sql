-- What is at stake with a customer record, per currency and in the reporting currency: what billing billed, what is open
-- in the ERP, what the CRM has under contract. It only orders the questions that stewards are asked.
with rates as (
    {{ rates_by_recency() }}
),

at_stake as (
    select 'stripe' as system, customer_id as source_id, 'billed' as kind, currency, sum(total_minor) as amount_minor
    from {{ ref('stg_stripe__invoices') }}
    where stripe_status in ('open', 'paid')
    group by customer_id, currency
    union all
    select
        'netsuite', transactions.customer_id, 'open receivable', currencies.currency,
        sum({{ minor_units('transactions.amount_unpaid', 'currencies.minor_per_unit') }})
    from {{ ref('stg_netsuite__transactions') }} as transactions
    inner join {{ ref('stg_netsuite__currencies') }} as erp_currencies
        on transactions.currency_id = erp_currencies.currency_id
    inner join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
    where transactions.transaction_type = 'invoice' and not transactions.is_voided and transactions.amount_unpaid > 0
    group by transactions.customer_id, currencies.currency
    union all
    -- the lines in force, at their list price less discount; one that is sold by tiers at the price that it states
    select
        'salesforce', contracts.account_id, 'recurring revenue', lines.currency,
        {{ whole_minor(
            "sum(
                coalesce(lines.unit_price, 0) * lines.quantity * currencies.minor_per_unit
                * (100 - lines.discount_percent) * 0.01 * case lines.price_period when 'year' then 1 else 12 end
            )"
        ) }}
    from {{ ref('stg_salesforce__contract_lines') }} as lines
    inner join {{ ref('stg_salesforce__contracts') }} as contracts on lines.contract_id = contracts.contract_id
    inner join {{ ref('currencies') }} as currencies on lines.currency = currencies.currency
    cross join {{ ref('stg_control__build') }} as build
    where contracts.status = 'activated'
        and lines.start_date <= build.snapshot_date and lines.end_date >= build.snapshot_date
    group by contracts.account_id, lines.currency
)

select
    at_stake.system,
    at_stake.source_id,
    at_stake.kind,
    at_stake.currency,
    cast(at_stake.amount_minor as bigint) as amount_minor,
    cast(
        {{ whole_minor(exact_ratio('at_stake.amount_minor * rates.rate', 'rates.minor_per_unit')) }} as bigint
    ) as amount_reporting_minor
from at_stake
inner join rates on at_stake.currency = rates.currency and rates.recency = 1
where at_stake.source_id is not null and at_stake.amount_minor <> 0
