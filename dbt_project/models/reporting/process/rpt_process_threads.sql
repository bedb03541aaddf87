-- Won contracts with recurring revenue on their way from the signature to the money, one row per contract and hop. Latency lies between instants of
-- the sources; whether a hop is stuck is judged by how far its system was read, never by the clock.
with customers as (
    select
        canonical_customer_id,
        min_by(source_id, created_at) as source_id,
        min(created_at) as created_at
    from {{ ref('customer__erp') }}
    where canonical_customer_id is not null
    group by canonical_customer_id
),

payable_invoices as (
    -- an invoice of nothing (a trial) is neither posted nor paid; of several of one instant always the same is the first
    select
        subscription_id,
        invoice_key,
        row_number() over (partition by subscription_id order by issued_at, invoice_key) as place
    from {{ ref('invoices') }}
    where issued_at is not null and status not in ('draft', 'void') and total_minor <> 0 and subscription_id is not null
),

first_invoices as (
    select subscription_id, invoice_key
    from payable_invoices
    where place = 1
),

crm_copies as (
    -- the copy counts while it shows what billing says; its time is when it was made, for neither system keeps the instant of
    -- every change of status
    select
        crm.subscription_id,
        min_by(crm.source_id, crm.created_at) as source_id,
        min(crm.created_at) as updated_at
    from {{ ref('subscription__crm') }} as crm
    inner join {{ ref('subscriptions') }} as subscriptions
        on crm.subscription_id = subscriptions.subscription_id and crm.status = subscriptions.status
    group by crm.subscription_id
),

threads as (
    select
        contracts.contract_id,
        contracts.correlation_id,
        contracts.canonical_customer_id,
        coalesce(contracts.legal_entity, 'unknown') as legal_entity,
        contracts.currency,
        contracts.recurring_mrr_minor,
        contracts.signed_at,
        -- a trial delays the start: until it ends nothing is in force
        greatest(
            {{ local_midnight('contracts.start_date', 'legal_entities.time_zone') }}, subscriptions.trial_ends_at
        ) as starts_at,
        customers.source_id as erp_customer_id,
        customers.created_at as customer_at,
        subscriptions.subscription_id,
        subscriptions.activated_at as subscription_at,
        subscriptions.status_changed_at as status_at,
        invoices.invoice_key,
        invoices.issued_at as invoiced_at,
        {{ local_midnight('invoices.due_date', 'legal_entities.time_zone') }} as due_at,
        erp.erp_internal_id,
        erp.issued_at as posted_at,
        case when billing.status = 'paid' then billing.status_changed_at end as paid_at,
        crm_copies.source_id as crm_subscription_id,
        crm_copies.updated_at as crm_at
    from {{ ref('contracts') }} as contracts
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    left join customers on contracts.canonical_customer_id = customers.canonical_customer_id
    left join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join first_invoices on subscriptions.subscription_id = first_invoices.subscription_id
    left join {{ ref('invoices') }} as invoices on first_invoices.invoice_key = invoices.invoice_key
    left join {{ ref('invoice__billing') }} as billing on invoices.invoice_key = billing.invoice_id
    left join {{ ref('invoice__erp') }} as erp on invoices.erp_internal_id = erp.erp_internal_id
    left join crm_copies on subscriptions.subscription_id = crm_copies.subscription_id
    where contracts.is_won and contracts.status <> 'draft' and contracts.signed_at is not null
        and contracts.recurring_mrr_minor <> 0
),

hops as (
    -- hop, when it was reached, what it cannot come before, behind which instant it is due, from when its latency counts if not
    -- from the hop before, the record that shows it
    {% set hops = [
        ('contract_won', 'signed_at', 'signed_at', 'signed_at', none, 'contract', 'contract_id'),
        ('customer_in_erp', 'customer_at', 'invoiced_at', 'invoiced_at', none, 'customer', 'canonical_customer_id'),
        ('subscription', 'subscription_at', 'signed_at', 'starts_at', none, 'subscription', 'subscription_id'),
        ('first_invoice', 'invoiced_at', 'subscription_at', 'starts_at', none, 'invoice', 'invoice_key'),
        ('posted', 'posted_at', 'invoiced_at', 'invoiced_at', none, 'erp_invoice', 'erp_internal_id'),
        ('paid', 'paid_at', 'invoiced_at', 'due_at', none, 'invoice', 'invoice_key'),
        ('crm_updated', 'crm_at', 'subscription_at', 'status_at', 'subscription_at', 'crm_subscription',
            'crm_subscription_id'),
    ] %}
    {% for hop, reached_at, follows_at, not_before_at, counted_from, kind, record_id in hops %}
    {{ '' if loop.first else 'union all' }}
    select
        contract_id, correlation_id, canonical_customer_id, legal_entity, currency, recurring_mrr_minor,
        '{{ hop }}' as hop, {{ loop.index }} as position, {{ reached_at }} as reached_at, {{ follows_at }} as follows_at,
        {{ not_before_at }} as not_before_at, cast({{ counted_from or 'null' }} as timestamp) as counted_from_at,
        case when {{ reached_at }} is not null then '{{ kind }}:' || {{ record_id }} end as node_key
    from threads
    {% endfor %}
),

ordered as (
    select
        hops.*,
        max(reached_at) over earlier as before_at,
        max_by(node_key, case when reached_at is not null then position end) over earlier as before_key
    from hops
    window earlier as (partition by contract_id order by position rows between unbounded preceding and 1 preceding)
),

judged as (
    select
        ordered.*,
        expectations.expected_hours * 3600 as expected_seconds,
        snapshots.watermark_at,
        -- greatest() ignores nulls: an invoice without a due date is due at once. What does not follow yet is not due
        case
            when ordered.follows_at is not null then greatest(ordered.before_at, ordered.not_before_at)
        end as due_from_at,
        greatest({{ seconds_between('coalesce(ordered.counted_from_at, ordered.before_at)', 'ordered.reached_at') }}, 0) as latency_seconds
    from ordered
    inner join {{ ref('process_expectations') }} as expectations on ordered.hop = expectations.hop
    left join {{ ref('stg_control__snapshots') }} as snapshots
        on expectations.measured_by = snapshots.system || '.' || snapshots.object
)

select
    contract_id,
    hop,
    cast(position as bigint) as position,
    correlation_id,
    canonical_customer_id,
    legal_entity,
    currency,
    recurring_mrr_minor,
    node_key,
    reached_at,
    case
        when reached_at is not null and before_at is not null then cast(latency_seconds as bigint)
    end as latency_seconds,
    case
        when reached_at is null and due_from_at is not null
            then cast(greatest({{ seconds_between('due_from_at', 'watermark_at') }}, 0) as bigint)
    end as waited_seconds,
    cast(expected_seconds as bigint) as expected_seconds,
    coalesce(
        reached_at is not null and position > 1
        and {{ seconds_between('due_from_at', 'reached_at') }} > expected_seconds, false
    ) as is_late,
    coalesce(reached_at is null and {{ seconds_between('due_from_at', 'watermark_at') }} > expected_seconds, false) as is_stuck,
    case when reached_at is null then before_key end as blocking_key
from judged
