-- What is still asked for on each invoice, in billing and in the ERP, and which notes and payments it was settled with.
with pairs as (
    select
        coalesce(compared.billing_id, compared.erp_id) as object_key,
        billing.invoice_id,
        erp.erp_internal_id,
        -- an invoice of which billing does not say whose it is is nobody else's
        coalesce(billing.legal_entity, erp.legal_entity) as billing_legal_entity,
        erp.legal_entity as erp_legal_entity,
        coalesce(billing.currency, erp.currency) as currency,
        case when billing.status in ('open', 'partially_paid') then billing.amount_due_minor else 0 end as billing_minor,
        case when erp.status in ('open', 'partially_paid') then erp.amount_due_minor else 0 end as erp_minor,
        case when billing.invoice_id is null and erp.is_manual then 'manual_erp' end as excluded_reason
    from {{ ref('pairs_invoice__billing_vs_erp') }} as compared
    left join {{ ref('invoice__billing') }} as billing on compared.billing_id = billing.source_id
    left join {{ ref('invoice__erp') }} as erp on compared.erp_id = erp.source_id
),

apart as (
    select * from pairs where billing_minor <> erp_minor
),

settled_with as (
    {%- for model, note in [('payment_application', 'payment_id'), ('credit_note_application', 'credit_note_id')] %}
    select apart.object_key, applied.{{ note }} as document_id
    from apart
    inner join {{ ref(model ~ '__billing') }} as applied on apart.invoice_id = applied.invoice_id
    union
    {%- for id in [note, 'erp_internal_id'] %}
    select apart.object_key, applied.{{ id }}
    from apart
    inner join {{ ref(model ~ '__erp') }} as applied on apart.erp_internal_id = applied.invoice_erp_internal_id
    {% if not loop.last %}union{% endif %}
    {%- endfor %}
    {% if not loop.last %}union{% endif %}
    {%- endfor %}
),

entries as (
    select object_key, 'billing' as side, invoice_id as document_id, 'open' as movement, billing_minor as amount_minor
    from pairs where invoice_id is not null
    union all
    select object_key, 'ledger', erp_internal_id, 'open', erp_minor from pairs where erp_internal_id is not null
    union all
    select object_key, 'ledger', document_id, 'settled_with', 0 from settled_with where document_id is not null
)

select
    concat_ws('|', entries.side, entries.object_key, entries.document_id) as entry_key,
    'open_receivable' as control,
    entries.side,
    entries.object_key,
    entries.document_id,
    entries.movement,
    case entries.side when 'billing' then pairs.billing_legal_entity else pairs.erp_legal_entity end as legal_entity,
    pairs.currency,
    cast(null as varchar) as period,
    cast(entries.amount_minor as bigint) as amount_minor,
    pairs.excluded_reason
from entries
inner join pairs on entries.object_key = pairs.object_key
where pairs.billing_minor <> 0 or pairs.erp_minor <> 0
