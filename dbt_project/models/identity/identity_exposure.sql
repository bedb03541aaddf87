-- How much is billed to a customer record, in the reporting currency; it only orders the questions that stewards are asked.
with rates as (
    select
        fx_rates.currency,
        fx_rates.rate * into_currency.minor_per_unit as rate,
        from_currency.minor_per_unit,
        row_number() over (partition by fx_rates.currency order by fx_rates.valid_from desc) as recency
    from {{ ref('fx_rates') }} as fx_rates
    inner join {{ ref('currencies') }} as from_currency on fx_rates.currency = from_currency.currency
    inner join {{ ref('currencies') }} as into_currency on fx_rates.reporting_currency = into_currency.currency
)

select
    'stripe' as system,
    invoices.customer_id as source_id,
    cast(
        sum({{ whole_minor(exact_ratio('invoices.total_minor * rates.rate', 'rates.minor_per_unit')) }}) as bigint
    ) as amount_reporting_minor
from {{ ref('stg_stripe__invoices') }} as invoices
inner join rates on invoices.currency = rates.currency and rates.recency = 1
where invoices.stripe_status in ('open', 'paid')
group by invoices.customer_id
