-- What revenue plans say that moves deferred revenue, and what stands on its accounts, in the currency of the books; a credit
-- is positive.
with sides as (
    {% for side in ['plans', 'ledger'] -%}
    select
        '{{ side }}' as side,
        erp_id,
        movement,
        legal_entity,
        currency,
        period,
        {{ side }}_amount_minor as amount_minor,
        excluded_reason
    from {{ ref('cmp_deferred_entry__plans_vs_ledger') }}
    where has_{{ side }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

off_documents as (
    -- lines of which plan and policy differ, or that have no plan or two
    select distinct erp_internal_id
    from {{ ref('cmp_revenue_schedule__policy_vs_erp') }}
    where
        erp_internal_id is not null
        and not (has_policy and has_erp and plan_count = 1 and policy_amount_minor = erp_amount_minor and excluded_reason is null)
        and coalesce(excluded_reason, '') not in ('earned_at_once', 'zero_amount')
)

select
    concat_ws('|', sides.side, sides.erp_id, sides.currency) as entry_key,
    'revenue_deferred' as control,
    sides.side,
    sides.erp_id as object_key,
    sides.erp_id as document_id,
    case sides.movement
        when 'invoice' then 'billings'
        when 'credit_note' then 'credits'
        when 'recognition' then 'recognised'
        else sides.movement
    end as movement,
    sides.legal_entity,
    sides.currency,
    sides.period,
    sides.amount_minor,
    case
        when sides.excluded_reason <> 'document' then sides.excluded_reason
        when off_documents.erp_internal_id is not null then 'plan_differs'
    end as excluded_reason
from sides
left join off_documents on sides.erp_id = off_documents.erp_internal_id and sides.excluded_reason = 'document'
where sides.amount_minor <> 0
