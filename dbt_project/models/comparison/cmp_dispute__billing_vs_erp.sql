-- A row per dispute and phase (withdrawn, closed), since the ledger follows each with a journal of its own.
with billing as (
    select
        *,
        'withdrawn' as phase,
        'opened' as stage,
        withdrawn_minor as stage_minor,
        opened_at as stage_at
    from {{ ref('dispute__billing') }}
    union all
    select
        *,
        'closed' as phase,
        status as stage,
        case when status = 'lost' then withdrawn_minor - reinstated_minor else reinstated_minor end as stage_minor,
        closed_at as stage_at
    from {{ ref('dispute__billing') }}
    where status in ('won', 'lost', 'withdrawn') and withdrawn_minor <> 0
),

entries as (
    select
        *,
        case when stage = 'opened' then 'withdrawn' else 'closed' end as phase
    from {{ ref('dispute_entry__erp') }}
),

ranked as (
    -- the oldest live journal of a phase stands
    select
        *,
        row_number() over (
            partition by dispute_id, phase, is_voided order by cast(erp_internal_id as bigint)
        ) as preference
    from entries
),

paired as (
    select
        billing.dispute_id as billing_id,
        billing.phase,
        ranked.erp_internal_id as erp_id
    from billing
    left join ranked
        on
            billing.dispute_id = ranked.dispute_id
            and billing.phase = ranked.phase
            and ranked.preference = 1
            and not ranked.is_voided
),

rows_of_both as (
    select * from paired
    union all
    select cast(null as varchar), ranked.phase, ranked.erp_internal_id
    from ranked
    left join paired on ranked.erp_internal_id = paired.erp_id
    where paired.erp_id is null
)

select
    coalesce(
        'stripe:' || billing.dispute_id || ':' || rows_of_both.phase, 'netsuite:' || erp.erp_internal_id
    ) as row_key,
    'dispute' as entity,
    billing.canonical_customer_id as canonical_id,
    coalesce(billing.correlation_id, erp.correlation_id) as correlation_id,
    billing.dispute_id as billing_id,
    erp.erp_internal_id as erp_id,
    billing.dispute_id is not null as has_billing,
    erp.erp_internal_id is not null as has_erp,
    coalesce(billing.legal_entity, erp.legal_entity) as legal_entity,
    coalesce(billing.currency, erp.currency) as currency,
    erp.period,
    billing.stage_minor as billing_amount_minor,
    erp.total_minor as erp_amount_minor,
    case
        when erp.is_voided then 'erp_voided'
        when billing.withdrawn_minor = 0 and erp.erp_internal_id is null then 'nothing_withdrawn'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp.posted_at', 'stripe', 'dispute') }},
    {{ coverage('erp_coverage_seconds', 'billing.stage_at', 'netsuite', 'transaction') }},
    {{ when_read(
        'stage_coverage_seconds',
        'coalesce(' ~ seconds_between('{stage_at}', '{netsuite transaction}')
        ~ ', ' ~ seconds_between('{posted_at}', '{stripe dispute}') ~ ')',
        stage_at='billing.stage_at', posted_at='erp.posted_at'
    ) }},
    coalesce(billing.stage_at, erp.posted_at) as event_at,
    rows_of_both.phase,
    billing.stage as billing_stage,
    erp.stage as erp_stage,
    erp.number as erp_number,
    billing.payment_id,
    case when rows_of_both.phase = 'withdrawn' then billing.fee_minor end as fee_minor,
    {{ when_read(
        'evidence_seconds',
        seconds_between('{stripe dispute}', '{evidence_due_at}'),
        evidence_due_at="case when rows_of_both.phase = 'withdrawn' and billing.status = 'open' then billing.evidence_due_at end"
    ) }}
from rows_of_both
left join billing on rows_of_both.billing_id = billing.dispute_id and rows_of_both.phase = billing.phase
left join {{ ref('dispute_entry__erp') }} as erp on rows_of_both.erp_id = erp.erp_internal_id
