-- What revenue plans say that moves deferred revenue, and what stands on its accounts, in the currency of the books; a credit
-- is positive.
with off_documents as (
    -- lines of which plan and policy differ, or that have no plan or two, and by how much
    select
        schedules.erp_internal_id,
        sum({{ in_books(
            'abs(coalesce(schedules.policy_amount_minor, 0) - coalesce(schedules.erp_amount_minor, 0))',
            'own.minor_per_unit',
            'documents.exchange_rate',
            'units.minor_per_unit'
        ) }}) as told_minor
    from {{ ref('cmp_revenue_schedule__policy_vs_erp') }} as schedules
    inner join {{ ref('stg_netsuite__transactions') }} as documents on schedules.erp_internal_id = documents.transaction_id
    inner join {{ ref('legal_entities') }} as books on schedules.legal_entity = books.legal_entity
    inner join {{ ref('currencies') }} as own on schedules.currency = own.currency
    inner join {{ ref('currencies') }} as units on books.functional_currency = units.currency
    where
        coalesce(schedules.policy_amount_minor, 0) <> coalesce(schedules.erp_amount_minor, 0)
        and coalesce(schedules.excluded_reason, '') not in ('earned_at_once', 'zero_amount')
    group by schedules.erp_internal_id
),

told as (
    select
        entries.*,
        case
            when entries.excluded_reason <> 'document' then entries.excluded_reason
            when
                -- one minor unit is rounding
                abs(coalesce(entries.plans_amount_minor, 0) - coalesce(entries.ledger_amount_minor, 0))
                <= off_documents.told_minor + 1
                then 'plan_differs'
        end as reason
    from {{ ref('cmp_deferred_entry__plans_vs_ledger') }} as entries
    left join off_documents on entries.erp_id = off_documents.erp_internal_id
),

sides as (
    {% for side in ['plans', 'ledger'] -%}
    select
        '{{ side }}' as side,
        erp_id,
        movement,
        legal_entity,
        currency,
        period,
        {{ side }}_amount_minor as amount_minor,
        reason
    from told
    where has_{{ side }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    concat_ws('|', sides.side, sides.erp_id, sides.currency) as entry_key,
    'revenue_deferred' as control,
    sides.side,
    -- a memo that takes a second copy of an invoice back stands with the copy
    coalesce(credits.corrected_id, sides.erp_id) as object_key,
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
    sides.reason as excluded_reason
from sides
left join {{ ref('ledger_correction__erp') }} as credits on sides.erp_id = credits.source_id and credits.kind = 'credit'
where sides.amount_minor <> 0
