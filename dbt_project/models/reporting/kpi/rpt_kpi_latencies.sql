-- How long documents take to the ERP, and signed contracts to their first invoice, of what came lately; a row per kind or
-- entity, and one of all.
with build as (
    select {{ days_after('snapshot_date', '-29') }} as month_date, {{ days_after('snapshot_date', '-89') }} as quarter_date
    from {{ ref('stg_control__build') }}
),

{% set documents = [
    ('invoice', 'invoices', 'invoice_key', 'invoice_id', 'issued_at'),
    ('credit_note', 'credit_notes', 'credit_note_key', 'credit_note_id', 'issued_at'),
    ('payment', 'payments', 'payment_key', 'payment_id', 'paid_at'),
    ('refund', 'refunds', 'refund_key', 'refund_id', 'paid_at'),
] %}
postings as (
    {% for document, canonical, key, billing_id, happened_at in documents %}
    {{ '' if loop.first else 'union all' }}
    select
        '{{ document }}' as member,
        greatest({{ seconds_between('billing.' ~ happened_at, 'erp.created_at') }}, 0) as seconds
    from {{ ref(canonical) }} as documents
    inner join {{ ref(document ~ '__billing') }} as billing on documents.{{ key }} = billing.{{ billing_id }}
    inner join {{ ref(document ~ '__erp') }} as erp on documents.erp_internal_id = erp.erp_internal_id
    cross join build
    where erp.created_at >= build.month_date and billing.{{ happened_at }} is not null
    {% endfor %}
),

first_invoices as (
    select
        contracts.contract_id,
        coalesce(min(contracts.legal_entity), 'unknown') as member,
        min(contracts.signed_at) as signed_at,
        min(invoices.issued_at) as invoiced_at
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('invoices') }} as invoices on contracts.subscription_id = invoices.subscription_id
    where contracts.is_won
        and contracts.renews_contract_id is null
        and contracts.start_date <= {{ days_after('cast(contracts.signed_at as date)', var('billing_lead_days')) }}
        and invoices.issued_at is not null
        and invoices.status not in ('draft', 'void')
        and invoices.total_minor <> 0
    group by contracts.contract_id
),

latencies as (
    select 'posting_latency' as code, 'document' as dimension, member, seconds
    from postings
    union all
    select 'close_to_invoice', 'entity', first_invoices.member, {{ seconds_between('signed_at', 'invoiced_at') }}
    from first_invoices
    cross join build
    where invoiced_at >= build.quarter_date and invoiced_at >= signed_at
),

summed as (
    select
        code,
        case when grouping(member) = 1 then 'total' else max(dimension) end as dimension,
        coalesce(member, '') as member,
        count(*) as n,
        quantile_disc(seconds, 0.5) as p50,
        quantile_disc(seconds, 0.95) as p95,
        quantile_disc(seconds, 0.99) as p99
    from latencies
    group by grouping sets ((code, member), (code))
),

measured as (
    {% for code, value in [('posting_latency', 'p50'), ('posting_latency', 'p95'), ('posting_latency', 'p99'),
                           ('close_to_invoice', 'p50'), ('close_to_invoice', 'p95')] %}
    select code || '_{{ value }}' as code, dimension, member, {{ value }} as value
    from summed
    where code = '{{ code }}'
    union all
    {% endfor %}
    select 'documents_posted', dimension, member, n
    from summed
    where code = 'posting_latency'
)

select
    code,
    dimension,
    member,
    cast(value as bigint) as value
from measured
