-- A save is signed when it says from when on it holds, or when it goes with a move of the contract's own end. All others
-- are edits that nobody signed.
with moved as (
    select distinct contract_id, changed_at
    from {{ ref('contract_term_change__crm') }}
),

judged as (
    select
        changes.*,
        contracts.canonical_customer_id,
        contracts.correlation_id,
        contracts.legal_entity,
        changes.effective_at is not null or moved.contract_id is not null as is_signed,
        moved.contract_id is not null as is_renewal
    from {{ ref('contract_line_change__crm') }} as changes
    left join {{ ref('contracts') }} as contracts on changes.contract_id = contracts.contract_id
    left join moved on changes.contract_id = moved.contract_id and changes.changed_at = moved.changed_at
)

select
    judged.source_id as contract_amendment_id,
    judged.contract_line_id,
    judged.contract_id,
    judged.canonical_customer_id,
    judged.correlation_id,
    judged.product_code,
    judged.is_signed,
    judged.is_renewal,
    judged.changed_at,
    coalesce(judged.effective_at, judged.changed_at) as effective_at,
    {{ local_date('coalesce(judged.effective_at, judged.changed_at)', 'legal_entities.time_zone') }} as effective_date,
    judged.changed_by_id,
    judged.changes_quantity,
    judged.changes_price,
    judged.changes_discount,
    judged.changes_term,
    judged.quantity_before,
    judged.quantity_after,
    judged.unit_price_before,
    judged.unit_price_after,
    judged.discount_percent_before,
    judged.discount_percent_after,
    judged.start_date_before,
    judged.start_date_after,
    judged.end_date_before,
    judged.end_date_after,
    judged.mrr_before_minor,
    judged.mrr_after_minor,
    judged.currency
from judged
left join {{ ref('legal_entities') }} as legal_entities on judged.legal_entity = legal_entities.legal_entity
