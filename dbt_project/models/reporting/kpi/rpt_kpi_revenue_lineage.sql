-- Revenue in the ledger of the last twelve months by how far its chain of keys reaches: to a contract (key), to one through a
-- link that likeness speaks for (inferred), to a self-serve subscription, or nowhere (none).
with build as (
    select {{ accounting_period(months_after(month_start('snapshot_date'), -11)) }} as first_period
    from {{ ref('stg_control__build') }}
),

posted as (
    select
        journal_id,
        coalesce(min(legal_entity), 'unknown') as legal_entity,
        transaction_currency as currency,
        min(document_key) as document_key,
        sum(coalesce(transaction_credit_minor, 0) - coalesce(transaction_debit_minor, 0)) as revenue_minor
    from {{ ref('journal_entry_lines') }}
    cross join build
    where account_type = 'Income' and period >= first_period and transaction_currency is not null
    group by journal_id, transaction_currency
),

linked as (
    select
        subscription_id,
        -- a renewal inherits its link from whatever linked its neighbour
        bool_or(link_method in ('contract_reference', 'correlation_id')) as is_by_key
    from {{ ref('contracts') }}
    where subscription_id is not null and is_won
    group by subscription_id
),

kinds as (
    select
        subscriptions.subscription_id,
        case
            when named.contract_id is not null or linked.is_by_key then 'key'
            when linked.subscription_id is not null then 'inferred'
            when subscriptions.channel = 'self_serve' then 'self_serve'
            else 'none'
        end as kind
    from {{ ref('subscriptions') }} as subscriptions
    left join {{ ref('contracts') }} as named on subscriptions.contract_id = named.contract_id and named.is_won
    left join linked on subscriptions.subscription_id = linked.subscription_id
),

recognised as (
    select
        events.journal_id,
        events.currency,
        coalesce(kinds.kind, 'none') as kind,
        sum(events.amount_minor) as amount_minor
    from {{ ref('revenue_events') }} as events
    left join {{ ref('revenue_schedules') }} as schedules on events.schedule_key = schedules.schedule_key
    left join kinds on schedules.subscription_id = kinds.subscription_id
    where events.is_recognized and events.journal_id is not null
    group by events.journal_id, events.currency, coalesce(kinds.kind, 'none')
),

chained as (
    select posted.journal_id, posted.legal_entity, posted.currency, recognised.kind, recognised.amount_minor
    from posted
    inner join recognised on posted.journal_id = recognised.journal_id and posted.currency = recognised.currency
    union all
    -- what a document posts as revenue itself
    select posted.journal_id, posted.legal_entity, posted.currency, coalesce(kinds.kind, 'none'), posted.revenue_minor
    from posted
    inner join {{ ref('invoices') }} as invoices on posted.document_key = invoices.invoice_key
    left join kinds on invoices.subscription_id = kinds.subscription_id
),

scaled as (
    -- a journal counts for no more than it posted, whatever its plans say
    select
        *,
        sum(abs(amount_minor)) over (partition by journal_id, currency) as claimed_minor
    from chained
),

parts as (
    select
        scaled.legal_entity,
        scaled.currency,
        scaled.kind,
        abs(scaled.amount_minor) * least(scaled.claimed_minor, abs(posted.revenue_minor))
        // nullif(scaled.claimed_minor, 0) as amount_minor,
        0 as posted_minor
    from scaled
    inner join posted on scaled.journal_id = posted.journal_id and scaled.currency = posted.currency
    union all
    select legal_entity, currency, null, 0, abs(revenue_minor)
    from posted
)

select
    legal_entity,
    currency,
    cast(coalesce(sum(case when kind = 'key' then amount_minor end), 0) as bigint) as key_minor,
    cast(coalesce(sum(case when kind = 'inferred' then amount_minor end), 0) as bigint) as inferred_minor,
    cast(coalesce(sum(case when kind = 'self_serve' then amount_minor end), 0) as bigint) as self_serve_minor,
    cast(sum(posted_minor) as bigint) as posted_minor
from parts
group by legal_entity, currency
