-- Every record of a commercial thread, whichever system it stands in. `is_shared` marks what many threads have in common:
-- a walk ends there, or one customer, payout or collective journal would tie all threads together.
-- A view, for a night reads none of it: who looks for records filters by kind and id, and both reach the tables below.
with collective as (
    -- journals that recognise the revenue of more than one thread
    select journal_id
    from {{ ref('revenue_events') }}
    where journal_id is not null
    group by journal_id
    having min(coalesce(correlation_id, erp_internal_id)) <> max(coalesce(correlation_id, erp_internal_id))
),

nodes as (
    select
        'opportunity' as kind, opportunity_id as record_id, 'salesforce' as system, stage as status,
        created_at as happened_at, amount_minor, currency, correlation_id,
        cast(null as varchar) as label, false as is_shared
    from {{ ref('opportunities') }}
    union all
    select
        'contract', contract_id, 'salesforce', status, coalesce(signed_at, created_at), recurring_mrr_minor, currency,
        correlation_id, concat_ws(', ', contract_number, 'monthly'), false
    from {{ ref('contracts') }}
    union all
    select
        'contract_line', contract_line_id, 'salesforce', null, effective_at,
        {{ whole_minor('unit_mrr_minor * quantity') }}, currency,
        correlation_id, quantity || ' x ' || product_code || ', monthly', false
    from {{ ref('contract_lines') }}
    union all
    select
        'subscription', subscription_id, 'stripe', status, started_at, mrr_minor, currency, correlation_id, 'monthly', false
    from {{ ref('subscriptions') }}
    union all
    select
        'crm_subscription', source_id, 'salesforce', status, status_changed_at, null, null, null, 'copy in the CRM', false
    from {{ ref('subscription__crm') }}
    union all
    select
        'invoice', invoice_key, case owner_role when 'billing' then 'stripe' else 'netsuite' end, status, issued_at,
        total_minor, currency, correlation_id, number, false
    from {{ ref('invoices') }}
    union all
    select
        'invoice_line', lines.line_key, case invoices.owner_role when 'erp' then 'netsuite' else 'stripe' end, null, null, lines.amount_minor, lines.currency,
        invoices.correlation_id,
        concat_ws(' ', lines.quantity || ' x', lines.product_code, lines.service_start_date || ' to', lines.service_end_date),
        false
    from {{ ref('invoice_lines') }} as lines
    left join {{ ref('invoices') }} as invoices on lines.invoice_key = invoices.invoice_key
    union all
    -- what was used carries no money of its own: its line does
    select
        'usage', usage_key, 'stripe', disposition, used_from_at, null, null, correlation_id,
        concat_ws(' ', trim(trailing '.' from trim(trailing '0' from cast(quantity as varchar))), event_name), false
    from {{ ref('usage') }}
    union all
    select
        'erp_invoice', erp_internal_id, 'netsuite', status, issued_at, total_minor, currency, correlation_id, number, false
    from {{ ref('invoice__erp') }}
    union all
    select
        'credit_note', credit_note_key, case owner_role when 'billing' then 'stripe' else 'netsuite' end, status, issued_at,
        total_minor, currency, correlation_id, concat_ws(', ', number, reason), false
    from {{ ref('credit_notes') }}
    union all
    select
        'erp_credit_note', erp_internal_id, 'netsuite', status, issued_at, total_minor, currency, correlation_id, number, false
    from {{ ref('credit_note__erp') }}
    union all
    select
        'payment', payment_key, case owner_role when 'billing' then 'stripe' else 'netsuite' end, status, paid_at,
        amount_minor, currency, correlation_id, case owner_role when 'erp' then 'collected by the bank' end, false
    from {{ ref('payments') }}
    union all
    select
        'erp_payment', erp_internal_id, 'netsuite', status, paid_at, amount_minor, currency, correlation_id, number, false
    from {{ ref('payment__erp') }}
    union all
    select
        'refund', refund_key, case owner_role when 'billing' then 'stripe' else 'netsuite' end, status, paid_at, amount_minor,
        currency, correlation_id, reason, false
    from {{ ref('refunds') }}
    union all
    select 'erp_refund', erp_internal_id, 'netsuite', status, paid_at, amount_minor, currency, correlation_id, number, false
    from {{ ref('refund__erp') }}
    union all
    select 'dispute', dispute_key, 'stripe', status, opened_at, amount_minor, currency, correlation_id, reason, false
    from {{ ref('disputes') }}
    union all
    select
        'payout', payout_key, case owner_role when 'billing' then 'stripe' else 'netsuite' end, status, arrived_at, net_minor, currency, null, null, true
    from {{ ref('payouts') }}
    union all
    select 'erp_deposit', erp_internal_id, 'netsuite', null, created_at, net_minor, currency, null, number, true
    from {{ ref('deposit__erp') }}
    union all
    -- what Tieout works out under the policy of finance, and beside it what the ERP plans
    select
        'revenue_schedule_line', schedule_line_key, null, case when not is_in_term then 'not in term' when credit_note_key is null then 'earned' else 'taken back' end,
        cast(period || '-01' as timestamp), amount_minor, currency, correlation_id,
        concat_ws(' ', product_code, period), false
    from {{ ref('revenue_schedule_lines') }}
    union all
    select
        'erp_revenue_line', revenue_event_id, 'netsuite',
        case when is_recognized then 'recognised' else 'deferred' end,
        cast(period || '-01' as timestamp), amount_minor, currency, correlation_id,
        concat_ws(' ', product_code, period), false
    from {{ ref('revenue_events') }}
    union all
    select
        'journal_entry', entries.journal_id, 'netsuite', 'posted', entries.posted_at, entries.debit_minor, entries.currency,
        entries.correlation_id, concat_ws(', ', entries.journal_type, entries.number, entries.period),
        collective.journal_id is not null
    from {{ ref('journal_entries') }} as entries
    left join collective on entries.journal_id = collective.journal_id
    union all
    select
        'journal_line', lines.journal_line_key, 'netsuite', null, null, lines.debit_minor - lines.credit_minor,
        lines.currency, null,
        concat_ws(' ', case when lines.debit_minor >= lines.credit_minor then 'debit' else 'credit' end, lines.account_number),
        false
    from {{ ref('journal_entry_lines') }} as lines
    union all
    select
        'customer', canonical_customer_id, null, case when is_active then 'active' else 'inactive' end, created_at, null,
        currency, null, null, true
    from {{ ref('customers') }}
)

select
    kind || ':' || record_id as node_key,
    kind,
    record_id,
    system,
    label,
    status,
    cast(happened_at as timestamp) as happened_at,
    cast(amount_minor as bigint) as amount_minor,
    currency,
    correlation_id,
    is_shared
from nodes
