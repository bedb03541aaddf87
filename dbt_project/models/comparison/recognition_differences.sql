-- By how much plans and policies of a month differ, or what was not run, in the currency of the books: so much of what is off in
-- a run has a class of its own.
with differences as (
    select
        periods.row_key,
        periods.legal_entity,
        periods.period,
        periods.currency,
        schedules.erp_internal_id as document_id,
        abs(coalesce(periods.policy_amount_minor, 0) - coalesce(periods.erp_amount_minor, 0)) as amount_minor
    from {{ ref('cmp_revenue_period__policy_vs_erp') }} as periods
    left join {{ ref('revenue_schedule_lines') }} as lines on periods.policy_id = lines.schedule_line_key
    left join {{ ref('cmp_revenue_schedule__policy_vs_erp') }} as schedules on lines.schedule_key = schedules.policy_id
    where
        case
            when periods.excluded_reason is null then abs(periods.policy_amount_minor - periods.erp_amount_minor) > 1
            else periods.excluded_reason in (
                'invoice_not_in_erp', 'note_not_in_erp', 'total_differs', 'note_differs', 'line_not_in_erp', 'no_plan',
                'planned_twice', 'amount_differs'
            )
        end
    union all
    select
        row_key,
        legal_entity,
        period,
        currency,
        cast(null as varchar),
        abs(event_amount_minor)
    from {{ ref('cmp_posting__event_vs_ledger') }}
    where document = 'recognition' and not has_ledger and excluded_reason is null
),

highest_rates as (
    -- for what has no document in the ERP, and so no rate
    select base_currency, transaction_currency, max(rate) as rate
    from {{ ref('canonical_fx_rates') }}
    where rate_type = 'erp'
    group by base_currency, transaction_currency
)

select
    differences.row_key,
    differences.legal_entity,
    differences.period,
    books.functional_currency as currency,
    {{ in_books(
        'differences.amount_minor',
        'own.minor_per_unit',
        'case when differences.currency = books.functional_currency then 1
            else coalesce(documents.exchange_rate, highest_rates.rate) end',
        'units.minor_per_unit'
    ) }} as amount_minor
from differences
inner join {{ ref('legal_entities') }} as books on differences.legal_entity = books.legal_entity
inner join {{ ref('currencies') }} as own on differences.currency = own.currency
inner join {{ ref('currencies') }} as units on books.functional_currency = units.currency
left join {{ ref('stg_netsuite__transactions') }} as documents on differences.document_id = documents.transaction_id
left join highest_rates
    on books.functional_currency = highest_rates.base_currency
    and differences.currency = highest_rates.transaction_currency
where differences.amount_minor <> 0
