-- Whether contracts go on beyond the end of a term, as the CRM and as billing have it.
with contracts as (
    select
        contracts.*,
        legal_entities.time_zone,
        {{ local_date(watermark('stripe', 'subscription'), 'legal_entities.time_zone') }} as as_of_date
    from {{ ref('contracts') }} as contracts
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    where contracts.is_won and contracts.status <> 'draft' and contracts.subscription_id is not null
),

succeeded as (
    select distinct renews_contract_id as contract_id
    from {{ ref('contracts') }}
    where renews_contract_id is not null and is_won and status <> 'draft'
),

terms as (
    -- the last term that is over: one that was prolonged, or the contract that this one renews
    select contract_id, max(term_end_date) as term_end_date
    from (
        select contract_id, term_end_date from {{ ref('contract_renewals') }}
        where method = 'extended'
        union all
        select new_contract_id, term_end_date from {{ ref('contract_renewals') }}
        where method = 'new_contract'
    ) as ended
    group by contract_id
),

judged as (
    select
        contracts.*,
        subscriptions.mrr_minor as billing_mrr_minor,
        subscriptions.modified_at as billing_modified_at,
        subscriptions.ended_at,
        subscriptions.status as billing_status,
        subscriptions.is_cancelled_at_period_end,
        {{ local_date('subscriptions.ended_at', 'contracts.time_zone') }} as ended_date,
        {{ local_date('subscriptions.current_period_end_at', 'contracts.time_zone') }} as period_end_date,
        {{ local_date('subscriptions.cancel_requested_at', 'contracts.time_zone') }} as notice_date,
        -- of a contract that was renewed the end before, of any other its own
        case
            when contracts.end_date < contracts.as_of_date then contracts.end_date
            else terms.term_end_date
        end as term_end_date,
        succeeded.contract_id is not null as is_succeeded
    from contracts
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join terms on contracts.contract_id = terms.contract_id
    left join succeeded on contracts.contract_id = succeeded.contract_id
),

noticed as (
    -- a notice that was missed at the end of the term ends the period in which it is given
    select
        *,
        case when notice_date > term_end_date then notice_date else term_end_date end as noticed_date
    from judged
),

asked as (
    -- sales was asked for the paper of a renewal (a correction of CON-REN-01), and has not said no, nor let
    -- the day pass by which it was asked
    select distinct q2c_key
    from {{ ref('stg_salesforce__opportunities') }}
    where
        q2c_key like 'renewal\_%' escape '\'
        and not is_closed
        and close_date >= cast({{ watermark('stripe', 'subscription') }} as date)
),

running as (
    select
        *,
        -- while it is paused nothing is charged; who leaves at the end of a later period is charged until then
        billing_status not in ('cancelled', 'paused')
        and not (
            is_cancelled_at_period_end
            and coalesce({{ days_between('noticed_date', 'period_end_date') }} <= {{ var('renewal_window_days') }}, true)
        ) as bills_on
    from noticed
),

compared as (
    select
        *,
        case
            when is_succeeded then 'succeeded'
            when link_method = 'renewal' and start_date > as_of_date then 'not_begun'
            -- nobody gave notice: by the paper it goes on, whatever became of the contract's end
            when
                is_auto_renewed and link_method <> 'renewal' and status <> 'cancelled' and end_date < as_of_date and bills_on
                then 'renews_itself'
            when 'renewal_' || contract_id in (select asked.q2c_key from asked) then 'paper_asked_for'
            when term_end_date is null and status = 'activated' then 'first_term'
            when term_end_date is null then 'ended_before_its_term'
        end as excluded_reason
    from running
),

found as (
    select
        *,
        case
            when link_method = 'renewal' and status = 'activated' and bills_on then 'not_taken_up'
            when link_method = 'renewal' then null
            when status <> 'activated' and bills_on then 'billed_after_churn'
            when end_date < as_of_date and bills_on then 'renewed_in_billing_only'
            -- within a period of the end of the term: whoever left later did not leave at the renewal
            when
                status = 'activated'
                and end_date >= as_of_date
                and billing_status = 'cancelled'
                and {{ days_between('term_end_date', 'ended_date') }}
                between -1 and {{ var('renewal_window_days') }}
                then 'ended_in_billing'
        end as disagreement,
        {{ local_midnight(days_after('term_end_date', 1), 'time_zone') }} as renewed_at
    from compared
)

select
    'salesforce:' || contract_id as row_key,
    'contract' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    contract_id as crm_id,
    subscription_id as billing_id,
    true as has_crm,
    true as has_billing,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    recurring_mrr_minor as crm_amount_minor,
    billing_mrr_minor as billing_amount_minor,
    excluded_reason,
    {{ coverage('crm_coverage_seconds', 'greatest(renewed_at, ended_at)', 'salesforce', 'contract') }},
    {{ coverage('billing_coverage_seconds', 'renewed_at', 'stripe', 'subscription') }},
    renewed_at as event_at,
    status as crm_status,
    billing_status,
    term_end_date,
    end_date,
    disagreement,
    greatest({{ full_months(days_after('term_end_date', 1), 'as_of_date') }} + 1, 1) as months_since_term_end
from found
