-- A row per document that stands in the ERP and must post, per plan line whose recognition is due, and per journal (and
-- currency of the plans) by which revenue was recognised. What the ERP lacks as a document is told by that document's class.
with recorded as (
    -- effect: what the books understate (+) or overstate (-) as long as it is not posted
    select
        'invoice' as document,
        erp.erp_internal_id,
        erp.canonical_customer_id,
        erp.correlation_id,
        erp.legal_entity,
        erp.currency,
        erp.period,
        erp.is_voided,
        erp.total_minor as effect_minor,
        erp.invoice_date as ledger_date,
        billing.invoice_date as event_date,
        erp.created_at
    from {{ ref('invoice__erp') }} as erp
    left join {{ ref('invoice__billing') }} as billing on erp.invoice_id = billing.invoice_id
    union all
    select
        'credit_note',
        erp.erp_internal_id,
        erp.canonical_customer_id,
        erp.correlation_id,
        erp.legal_entity,
        erp.currency,
        erp.period,
        erp.is_voided,
        -erp.total_minor,
        erp.credit_date,
        billing.credit_date,
        erp.created_at
    from {{ ref('credit_note__erp') }} as erp
    left join {{ ref('credit_note__billing') }} as billing on erp.credit_note_id = billing.credit_note_id
    union all
    select
        case when erp.payment_id is null then 'bank_payment' else 'card_payment' end,
        erp.erp_internal_id,
        erp.canonical_customer_id,
        erp.correlation_id,
        erp.legal_entity,
        erp.currency,
        erp.period,
        erp.is_voided,
        -erp.amount_minor,
        erp.payment_date,
        {{ local_date('billing.paid_at', 'legal_entities.time_zone') }},
        erp.created_at
    from {{ ref('payment__erp') }} as erp
    left join {{ ref('payment__billing') }} as billing on erp.payment_id = billing.payment_id
    left join {{ ref('legal_entities') }} as legal_entities on erp.legal_entity = legal_entities.legal_entity
    union all
    select
        'refund',
        erp.erp_internal_id,
        erp.canonical_customer_id,
        erp.correlation_id,
        erp.legal_entity,
        erp.currency,
        erp.period,
        erp.is_voided,
        -erp.amount_minor,
        erp.refund_date,
        billing.refund_date,
        erp.created_at
    from {{ ref('refund__erp') }} as erp
    left join {{ ref('refund__billing') }} as billing on erp.refund_id = billing.refund_id
    union all
    select
        'deposit',
        erp.erp_internal_id,
        cast(null as varchar),
        cast(null as varchar),
        erp.legal_entity,
        erp.currency,
        erp.period,
        erp.is_voided,
        erp.net_minor,
        erp.deposit_date,
        cast(null as date),
        erp.created_at
    from {{ ref('deposit__erp') }} as erp
    union all
    select
        'dispute',
        erp.erp_internal_id,
        billing.canonical_customer_id,
        coalesce(erp.correlation_id, billing.correlation_id),
        erp.legal_entity,
        erp.currency,
        erp.period,
        erp.is_voided,
        case when erp.stage = 'won' then erp.total_minor else -erp.total_minor end,
        erp.entry_date,
        -- its end is known from the provider's message alone: the day of the booking counts
        case when erp.stage = 'opened' then {{ local_date('billing.opened_at', 'legal_entities.time_zone') }} end,
        erp.posted_at
    from {{ ref('dispute_entry__erp') }} as erp
    left join {{ ref('dispute__billing') }} as billing on erp.dispute_id = billing.dispute_id
    left join {{ ref('legal_entities') }} as legal_entities on erp.legal_entity = legal_entities.legal_entity
),

documents as (
    select
        recorded.*,
        journals.period as posted_period,
        journals.journal_id as ledger_id
    from recorded
    left join {{ ref('journal_entries') }} as journals on recorded.erp_internal_id = journals.journal_id
    where recorded.document in (select document from {{ ref('posting_matrix') }})
),

sources as (
    select erp_internal_id, is_voided, created_at from {{ ref('invoice__erp') }}
    union all
    select erp_internal_id, is_voided, created_at from {{ ref('credit_note__erp') }}
),

planned as (
    -- what is planned for a month is recognised at its end; what is booked later, at the end of the month of the booking
    select
        events.*,
        {{ months_after(
            'greatest(' ~ month_start("cast(events.period || '-01' as date)") ~ ', ' ~ month_start('sources.created_at') ~ ')',
            1
        ) }} as run_date
    from {{ ref('revenue_events') }} as events
    inner join sources on events.erp_internal_id = sources.erp_internal_id
    -- of what is void or gone nothing is recognised any more
    where not events.is_recognized and not sources.is_voided
),

recognised_or_due as (
    -- what is recognised, by far the most, is summed up without its documents
    select
        coalesce(journal_id, revenue_event_id) as run_id,
        journal_id,
        currency,
        is_recognized,
        cast(null as varchar) as canonical_customer_id,
        cast(null as varchar) as correlation_id,
        legal_entity,
        period,
        amount_minor,
        cast(null as date) as run_date
    from {{ ref('revenue_events') }}
    where is_recognized
    union all
    select
        coalesce(journal_id, revenue_event_id),
        journal_id,
        currency,
        is_recognized,
        canonical_customer_id,
        correlation_id,
        legal_entity,
        period,
        amount_minor,
        run_date
    from planned
    where run_date <= (select last_run_date from {{ ref('due_runs') }})
),

recognitions as (
    select
        run_id,
        currency,
        min(canonical_customer_id) as canonical_customer_id,
        min(correlation_id) as correlation_id,
        min(legal_entity) as legal_entity,
        max(period) as period,
        cast(sum(amount_minor) as bigint) as effect_minor,
        min(run_date) as run_date,
        max(journal_id) as journal_id
    from recognised_or_due
    group by run_id, currency, is_recognized
),

posted as (
    select
        'netsuite:' || erp_internal_id as row_key,
        document,
        canonical_customer_id as canonical_id,
        correlation_id,
        erp_internal_id as erp_id,
        ledger_id,
        legal_entity,
        currency,
        case when ledger_id is not null then posted_period else period end as period,
        effect_minor,
        case
            when is_voided then 'erp_voided'
            when effect_minor = 0 and ledger_id is null then 'zero_amount'
        end as excluded_reason,
        created_at as event_at,
        created_at as recorded_at,
        cast(null as timestamp) as due_at,
        coalesce(event_date, ledger_date) as accounting_date,
        ledger_date
    from documents
    union all
    select
        'netsuite:recognition:' || recognitions.run_id || ':' || coalesce(recognitions.currency, ''),
        'recognition',
        recognitions.canonical_customer_id,
        recognitions.correlation_id,
        recognitions.run_id,
        journals.journal_id,
        coalesce(journals.legal_entity, recognitions.legal_entity),
        recognitions.currency,
        coalesce(journals.period, recognitions.period),
        recognitions.effect_minor,
        case when recognitions.effect_minor = 0 and journals.journal_id is null then 'zero_amount' end,
        coalesce(cast(recognitions.run_date as timestamp), journals.posted_at),
        cast(null as timestamp),
        cast({{ days_after('recognitions.run_date', 1) }} as timestamp),
        journals.entry_date,
        journals.entry_date
    from recognitions
    left join {{ ref('journal_entries') }} as journals on recognitions.journal_id = journals.journal_id
)

select
    row_key,
    'posting' as entity,
    canonical_id,
    correlation_id,
    erp_id,
    erp_id as event_id,
    ledger_id,
    true as has_event,
    ledger_id is not null as has_ledger,
    legal_entity,
    currency,
    period,
    effect_minor as event_amount_minor,
    case when ledger_id is not null then effect_minor end as ledger_amount_minor,
    excluded_reason,
    cast(null as bigint) as event_coverage_seconds,
    {{ when_read(
        'ledger_coverage_seconds',
        'coalesce(' ~ seconds_between('{recorded_at}', '{netsuite transaction}')
        ~ ', ' ~ seconds_between('{due_at}', '{netsuite revenue_plan_line}') ~ ')',
        recorded_at='recorded_at', due_at='due_at'
    ) }},
    event_at,
    document,
    accounting_date,
    ledger_date,
    case
        -- another date of an invoice or a deposit is told by its own class; the period follows from it
        when document in ('invoice', 'deposit') and period = {{ accounting_period('ledger_date') }} then period
        else {{ accounting_period('accounting_date') }}
    end as due_period
from posted
