with settled as (
    select
        links.next_transaction_id as transaction_id,
        invoices.invoice_id,
        invoices.correlation_id,
        row_number() over (
            partition by links.next_transaction_id
            order by
                case when invoices.invoice_id is null then 1 else 0 end,
                links.amount desc,
                invoices.erp_internal_id,
                links.previous_line_id,
                links.next_line_id
        ) as preference
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('invoice__erp') }} as invoices on links.previous_transaction_id = invoices.erp_internal_id
    where links.link_type = 'payment'
),

applied as (
    -- the invoice that a payment settles; of several the one that takes most of it, one of billing before others; of equals
    -- always the same
    select
        transaction_id,
        max(case when preference = 1 then invoice_id end) as invoice_id,
        max(case when preference = 1 then correlation_id end) as correlation_id,
        count(*) as invoice_count
    from settled
    group by transaction_id
),

document_subsidiary as (
    select
        transaction_id,
        min(subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__transaction_lines') }}
    group by transaction_id
)

select
    transactions.transaction_id as source_id,
    'netsuite' as source_system,
    coalesce(
        transactions.stripe_charge_id,
        case when transactions.external_id like 'ch\_%' escape '\' then transactions.external_id end
    ) as payment_id,
    transactions.transaction_id as erp_internal_id,
    transactions.number,
    crosswalk.canonical_customer_id,
    transactions.customer_id,
    applied.invoice_id,
    coalesce(applied.invoice_count, 0) as invoice_count,
    case when transactions.is_voided then 'void' else 'succeeded' end as status,
    not transactions.is_voided as is_settled,
    transactions.is_voided,
    transactions.created_at as paid_at,
    transactions.transaction_date as payment_date,
    coalesce(periods.period, {{ accounting_period('transactions.transaction_date') }}) as period,
    subsidiaries.legal_entity,
    erp_currencies.currency,
    {{ minor_units('transactions.total', 'currencies.minor_per_unit') }} as amount_minor,
    coalesce(transactions.correlation_id, applied.correlation_id) as correlation_id,
    transactions.created_at,
    transactions.modified_at,
    {{ fingerprint([
        'transactions.is_voided', 'subsidiaries.legal_entity', 'erp_currencies.currency', 'transactions.total',
    ]) }} as fingerprint
from {{ ref('stg_netsuite__transactions') }} as transactions
left join applied on transactions.transaction_id = applied.transaction_id
left join document_subsidiary on transactions.transaction_id = document_subsidiary.transaction_id
left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
    on document_subsidiary.subsidiary_id = subsidiaries.subsidiary_id
left join {{ ref('stg_netsuite__currencies') }} as erp_currencies
    on transactions.currency_id = erp_currencies.currency_id
left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
left join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and transactions.customer_id = crosswalk.source_id
where transactions.transaction_type = 'payment'
