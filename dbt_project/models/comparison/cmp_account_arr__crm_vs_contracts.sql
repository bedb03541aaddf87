-- What the CRM shows of each account's annual recurring revenue beside what its signed contracts come to.
with signed as (
    select
        account_id,
        min(legal_entity) as legal_entity,
        min(currency) as currency,
        count(distinct currency) as currency_count,
        cast(sum(listed_arr_minor) as bigint) as listed_arr_minor,
        count(*) as line_count,
        max(signed_at) as signed_at
    from {{ ref('signed_annual_values') }}
    group by account_id
),

days as (
    -- the first of each line, and the one behind its last; of contracts that are over too
    select
        contracts.account_id,
        {{ local_midnight('lines.start_date', 'legal_entities.time_zone') }} as began_at,
        {{ local_midnight(days_after('lines.end_date', 1), 'legal_entities.time_zone') }} as ended_at,
        {{ watermark('salesforce', 'contract_line') }} as read_at
    from {{ ref('contract_lines') }} as lines
    inner join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    where contracts.status <> 'draft'
),

moved as (
    -- the calendar changes what counts as a signature does
    select
        account_id,
        max(case when ended_at <= read_at then ended_at when began_at <= read_at then began_at end) as moved_at
    from days
    group by account_id
),

known as (
    -- who never signed anything need not show a nought
    select account_id from {{ ref('contracts') }}
    union distinct
    select account_id from {{ ref('stg_salesforce__accounts') }} where arr is not null
),

shown as (
    select
        accounts.account_id,
        customers.canonical_customer_id,
        accounts.currency,
        {{ minor_units('accounts.arr', 'currencies.minor_per_unit') }} as arr_minor,
        -- a CRM without the field shows none of any account
        bool_or(accounts.arr is not null) over () as is_kept
    from {{ ref('stg_salesforce__accounts') }} as accounts
    left join {{ ref('customer__crm') }} as customers on accounts.account_id = customers.source_id
    left join {{ ref('currencies') }} as currencies on accounts.currency = currencies.currency
),

rates as (
    -- the lowest and the highest rate of each pair of currencies that the ledger knows
    select
        transaction_currency as currency,
        base_currency as other_currency,
        min(rate) as lowest_rate,
        max(rate) as highest_rate
    from {{ ref('canonical_fx_rates') }}
    group by transaction_currency, base_currency
),

compared as (
    select
        shown.*,
        signed.legal_entity,
        coalesce(signed.listed_arr_minor, 0) as listed_arr_minor,
        coalesce(signed.line_count, 0) as line_count,
        -- greatest() ignores nulls
        greatest(signed.signed_at, moved.moved_at) as event_at,
        coalesce(signed.currency_count > 1 or signed.currency <> shown.currency, false) as is_converted
    from shown
    inner join known on shown.account_id = known.account_id
    left join signed on shown.account_id = signed.account_id
    left join moved on shown.account_id = moved.account_id
),

converted as (
    -- what the contracts come to is worth what is shown, in another currency
    select distinct compared.account_id
    from compared
    inner join rates on compared.currency = rates.currency
    where
        compared.arr_minor <> compared.listed_arr_minor
        and compared.listed_arr_minor > 0
        -- the CRM writes the number of the other currency with as many decimals as its own has
        and compared.arr_minor between
        floor(compared.listed_arr_minor * rates.lowest_rate) and ceil(compared.listed_arr_minor * rates.highest_rate)
)

select
    'salesforce:' || compared.account_id as row_key,
    'account_arr' as entity,
    compared.canonical_customer_id as canonical_id,
    cast(null as varchar) as correlation_id,
    compared.account_id as crm_id,
    compared.account_id as contracts_id,
    compared.arr_minor is not null as has_crm,
    true as has_contracts,
    compared.legal_entity,
    compared.currency,
    cast(null as varchar) as period,
    compared.arr_minor as crm_amount_minor,
    compared.listed_arr_minor as contracts_amount_minor,
    case
        when not compared.is_kept then 'not_kept'
        -- at which rates the CRM adds up what is signed in other currencies is not read
        when compared.is_converted then 'other_currencies'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'compared.event_at', 'salesforce', 'account') }},
    cast(null as bigint) as contracts_coverage_seconds,
    compared.event_at,
    compared.line_count,
    converted.account_id is not null as is_of_another_currency
from compared
left join converted on compared.account_id = converted.account_id
