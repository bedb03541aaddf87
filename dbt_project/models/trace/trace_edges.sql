-- How the records of a thread hang together, from the sale towards the ledger. `key`: one record names the other.
-- `inferred`: likeness speaks for it, by the rule that is named.
with identified as (
    -- a record that names another, or that a steward placed, is known by key; who stands alone is itself
    select
        system,
        source_id,
        canonical_customer_id,
        case when method in ('override', 'xref', 'self') then 'key' else 'inferred' end as how,
        ', ' || rule as by_rule,
        evidence
    from {{ ref('customer_links') }}
),

to_customers as (
    select
        'contract' as from_kind, contracts.contract_id as from_id, 'customer' as to_kind,
        identified.canonical_customer_id as to_id, identified.how, 'identity of the account' || identified.by_rule as rule,
        identified.evidence
    from {{ ref('contracts') }} as contracts
    inner join identified on identified.system = 'salesforce' and contracts.account_id = identified.source_id
    union all
    select
        'subscription', subscriptions.subscription_id, 'customer', identified.canonical_customer_id, identified.how,
        'identity of the payer' || identified.by_rule, identified.evidence
    from {{ ref('subscriptions') }} as subscriptions
    inner join identified on identified.system = 'stripe' and subscriptions.customer_id = identified.source_id
    where subscriptions.contract_id is null
    union all
    select
        'invoice', invoices.invoice_key, 'customer', identified.canonical_customer_id, identified.how,
        'identity of the payer' || identified.by_rule, identified.evidence
    from {{ ref('invoices') }} as invoices
    left join {{ ref('invoice__billing') }} as billing
        on invoices.owner_role = 'billing' and invoices.invoice_id = billing.invoice_id
    left join {{ ref('invoice__erp') }} as erp
        on invoices.owner_role = 'erp' and invoices.erp_internal_id = erp.erp_internal_id
    inner join identified
        on coalesce(billing.customer_id, erp.customer_id) = identified.source_id
        and identified.system = case invoices.owner_role when 'billing' then 'stripe' else 'netsuite' end
    where invoices.subscription_id is null
    union all
    select
        'usage', usage.usage_key, 'customer', identified.canonical_customer_id, identified.how,
        'identity of who used it' || identified.by_rule, identified.evidence
    from {{ ref('usage') }} as usage
    inner join {{ ref('usage__billing') }} as billing on usage.usage_key = billing.source_id
    inner join identified on identified.system = 'stripe' and billing.customer_id = identified.source_id
    where usage.subscription_id is null
),

edges as (
    select
        'opportunity' as from_kind, opportunity_id as from_id, 'contract' as to_kind, contract_id as to_id,
        'key' as how, 'contract names its opportunity' as rule,
        cast(null as bigint) as amount_minor, cast(null as varchar) as currency
    from {{ ref('contracts') }}
    where opportunity_id is not null
    union all
    select 'contract', contract_id, 'contract_line', contract_line_id, 'key', 'line names its contract', null, null
    from {{ ref('contract_lines') }}
    union all
    select
        'contract', contract_id, 'subscription', subscription_id,
        case when link_method = 'customer_and_start' then 'inferred' else 'key' end,
        case link_method
            when 'contract_reference' then 'subscription names the contract'
            when 'correlation_id' then 'same correlation id'
            else 'same customer and currency, nearest start'
        end,
        null, null
    from {{ ref('contracts') }}
    where subscription_id is not null
    union all
    -- a second subscription that names the contract as well
    select
        'contract', billing.contract_id, 'subscription', billing.subscription_id, 'key', 'subscription names the contract',
        null, null
    from {{ ref('subscription__billing') }} as billing
    inner join {{ ref('contracts') }} as contracts
        on billing.contract_id = contracts.contract_id
    where contracts.subscription_id is distinct from billing.subscription_id
    union all
    select
        'subscription', subscription_id, 'crm_subscription', source_id, 'key', 'CRM copy names the subscription', null, null
    from {{ ref('subscription__crm') }}
    where subscription_id is not null
    union all
    select
        'subscription', subscription_id, 'invoice', invoice_key, 'key', 'invoice names its subscription',
        total_minor, currency
    from {{ ref('invoices') }}
    where subscription_id is not null
    union all
    select
        'contract', contracts.contract_id, 'invoice', invoices.invoice_key, 'key', 'same correlation id',
        invoices.total_minor, invoices.currency
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('contracts') }} as contracts on invoices.correlation_id = contracts.correlation_id
    where invoices.subscription_id is null
    union all
    select
        'invoice', invoice_key, 'invoice_line', line_key, 'key', 'line of the invoice', amount_minor, currency
    from {{ ref('invoice_lines') }}
    union all
    select 'invoice_line', line_key, 'usage', usage_key, 'key', 'use in the period of the line', null, null
    from {{ ref('usage') }}
    where line_key is not null
    union all
    select
        'subscription', subscription_id, 'usage', usage_key, 'key', 'use of its metered item, on no invoice', null, null
    from {{ ref('usage') }}
    where line_key is null and subscription_id is not null
    union all
    select
        'invoice', invoices.invoice_key, 'erp_invoice', copies.erp_internal_id, 'key', 'ERP copy carries the billing id',
        erp.total_minor, erp.currency
    from {{ ref('invoice_copies') }} as copies
    inner join {{ ref('invoices') }} as invoices on copies.invoice_id = invoices.invoice_id
    inner join {{ ref('invoice__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    union all
    select
        'invoice', invoice_key, 'erp_invoice', erp_internal_id, 'key', 'the ERP document itself', total_minor, currency
    from {{ ref('invoices') }}
    where owner_role = 'erp'
    union all
    -- a copy without billing id that resembles another document
    select
        'erp_invoice', copies.duplicate_of, 'erp_invoice', copies.erp_internal_id, 'inferred',
        'same customer, total, lines and days', erp.total_minor, erp.currency
    from {{ ref('invoice_copies') }} as copies
    inner join {{ ref('invoice__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    where copies.duplicate_basis = 'signature'
    union all
    select 'invoice', invoice_key, 'credit_note', credit_note_key, 'key', 'credit note names its invoice', total_minor, currency
    from {{ ref('credit_notes') }}
    where invoice_key is not null
    union all
    select 'invoice', invoice_key, 'credit_note', credit_note_key, 'key', 'credit applied', sum(applied_minor), currency
    from {{ ref('credit_note_applications') }}
    group by invoice_key, credit_note_key, currency
    union all
    select
        'credit_note', notes.credit_note_key, 'erp_credit_note', copies.erp_internal_id, 'key',
        'ERP copy carries the billing id', erp.total_minor, erp.currency
    from {{ ref('credit_note_copies') }} as copies
    inner join {{ ref('credit_notes') }} as notes on copies.credit_note_id = notes.credit_note_id
    inner join {{ ref('credit_note__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    union all
    select
        'credit_note', credit_note_key, 'erp_credit_note', erp_internal_id, 'key', 'the ERP document itself',
        total_minor, currency
    from {{ ref('credit_notes') }}
    where owner_role = 'erp'
    union all
    select 'invoice', invoice_key, 'payment', payment_key, 'key', 'payment applied', sum(applied_minor), currency
    from {{ ref('payment_applications') }}
    group by invoice_key, payment_key, currency
    union all
    -- a payment that did not succeed is applied to nothing
    select
        'invoice', coalesce(invoices.invoice_key, payments.invoice_id), 'payment', payments.payment_key, 'key',
        'payment names its invoice', payments.amount_minor, payments.currency
    from {{ ref('payments') }} as payments
    left join {{ ref('invoices') }} as invoices on payments.invoice_id = invoices.invoice_id
    where payments.invoice_id is not null
    union all
    select
        'payment', payments.payment_key, 'erp_payment', copies.erp_internal_id, 'key', 'ERP payment carries the charge id',
        erp.amount_minor, erp.currency
    from {{ ref('payment_copies') }} as copies
    inner join {{ ref('payments') }} as payments on copies.payment_id = payments.payment_id
    inner join {{ ref('payment__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    union all
    select
        'payment', payment_key, 'erp_payment', erp_internal_id, 'key', 'the ERP payment itself', amount_minor, currency
    from {{ ref('payments') }}
    where owner_role = 'erp'
    union all
    select
        'erp_invoice', invoices.erp_internal_id, 'erp_payment', payments.erp_internal_id, 'key', 'ERP application',
        {{ minor_units('links.amount', 'currencies.minor_per_unit') }}, payments.currency
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('invoice__erp') }} as invoices on links.previous_transaction_id = invoices.erp_internal_id
    inner join {{ ref('payment__erp') }} as payments on links.next_transaction_id = payments.erp_internal_id
    left join {{ ref('currencies') }} as currencies on payments.currency = currencies.currency
    where links.link_type = 'payment'
    union all
    select 'payment', payment_key, 'refund', refund_key, 'key', 'refund names its payment', amount_minor, currency
    from {{ ref('refunds') }}
    where payment_key is not null
    union all
    select 'credit_note', credit_note_key, 'refund', refund_key, 'key', 'refund of the credit', credited_minor, currency
    from {{ ref('refunds') }}
    where credit_note_key is not null
    union all
    select
        'refund', refunds.refund_key, 'erp_refund', copies.erp_internal_id, 'key', 'ERP refund carries the billing id',
        erp.amount_minor, erp.currency
    from {{ ref('refund_copies') }} as copies
    inner join {{ ref('refunds') }} as refunds on copies.refund_id = refunds.refund_id
    inner join {{ ref('refund__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    union all
    select 'refund', refund_key, 'erp_refund', erp_internal_id, 'key', 'the ERP document itself', amount_minor, currency
    from {{ ref('refunds') }}
    where owner_role = 'erp'
    union all
    select 'payment', payment_key, 'dispute', dispute_key, 'key', 'dispute names its payment', amount_minor, currency
    from {{ ref('disputes') }}
    where payment_key is not null
    union all
    select
        'dispute', entries.dispute_id, 'journal_entry', entries.erp_internal_id, 'key', 'journal names the dispute',
        entries.total_minor, entries.currency
    from {{ ref('dispute_entry__erp') }} as entries
    union all
    select
        case members.source_kind when 'dispute_reversal' then 'dispute' else members.source_kind end, members.source_key,
        'payout', members.payout_key, 'key', 'balance transaction of the payout', sum(members.net_minor), members.currency
    from {{ ref('payout_members') }} as members
    -- a dispute that was withdrawn and given back within one payout is one way to it, worth the sum of both
    group by
        case members.source_kind when 'dispute_reversal' then 'dispute' else members.source_kind end, members.source_key,
        members.payout_key, members.currency
    union all
    select
        'payout', payouts.payout_key, 'erp_deposit', copies.erp_internal_id, 'key', 'deposit carries the payout id',
        erp.net_minor, erp.currency
    from {{ ref('deposit_copies') }} as copies
    inner join {{ ref('payouts') }} as payouts on copies.payout_id = payouts.payout_id
    inner join {{ ref('deposit__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    union all
    select
        'erp_invoice', documents.erp_internal_id, 'journal_entry', entries.journal_id, 'key', 'posting of the document',
        entries.debit_minor, entries.currency
    from {{ ref('invoice__erp') }} as documents
    inner join {{ ref('journal_entries') }} as entries on documents.erp_internal_id = entries.journal_id
    union all
    select
        'erp_payment', documents.erp_internal_id, 'journal_entry', entries.journal_id, 'key', 'posting of the document',
        entries.debit_minor, entries.currency
    from {{ ref('payment__erp') }} as documents
    inner join {{ ref('journal_entries') }} as entries on documents.erp_internal_id = entries.journal_id
    union all
    select
        'erp_credit_note', documents.erp_internal_id, 'journal_entry', entries.journal_id, 'key', 'posting of the document',
        entries.debit_minor, entries.currency
    from {{ ref('credit_note__erp') }} as documents
    inner join {{ ref('journal_entries') }} as entries on documents.erp_internal_id = entries.journal_id
    union all
    select
        'erp_refund', documents.erp_internal_id, 'journal_entry', entries.journal_id, 'key', 'posting of the document',
        entries.debit_minor, entries.currency
    from {{ ref('refund__erp') }} as documents
    inner join {{ ref('journal_entries') }} as entries on documents.erp_internal_id = entries.journal_id
    union all
    select
        'invoice_line', line_key, 'revenue_schedule_line', schedule_line_key, 'key', 'schedule of the line',
        amount_minor, currency
    from {{ ref('revenue_schedule_lines') }}
    where credit_note_key is null
    union all
    select
        'credit_note', credit_note_key, 'revenue_schedule_line', schedule_line_key, 'key', 'revenue taken back by the credit',
        amount_minor, currency
    from {{ ref('revenue_schedule_lines') }}
    where credit_note_key is not null
    union all
    select
        'revenue_schedule_line', schedule_key || '|' || period, 'erp_revenue_line', revenue_event_id, 'key',
        'plan names the invoice line', amount_minor, currency
    from {{ ref('revenue_events') }}
    where schedule_key is not null
    union all
    -- a plan of a line that has no schedule, as that of a void invoice
    select
        'invoice_line', events.line_key, 'erp_revenue_line', events.revenue_event_id, 'key', 'plan names the invoice line',
        events.amount_minor, events.currency
    from {{ ref('revenue_events') }} as events
    left join {{ ref('revenue_schedules') }} as schedules on events.schedule_key = schedules.schedule_key
    where events.line_key is not null and schedules.schedule_key is null
    union all
    -- a plan of a copy that earns nothing, or of a line that billing does not have
    select
        case when memos.erp_internal_id is null then 'erp_invoice' else 'erp_credit_note' end, events.erp_internal_id,
        'erp_revenue_line', events.revenue_event_id, 'key', 'plan names its document', events.amount_minor, events.currency
    from {{ ref('revenue_events') }} as events
    left join {{ ref('credit_note__erp') }} as memos on events.erp_internal_id = memos.erp_internal_id
    where events.erp_internal_id is not null and events.line_key is null
    union all
    select
        'erp_revenue_line', revenue_event_id, 'journal_entry', journal_id, 'key', 'plan line names its journal',
        amount_minor, currency
    from {{ ref('revenue_events') }}
    where journal_id is not null
    union all
    select
        'journal_entry', journal_id, 'journal_line', journal_line_key, 'key', 'line of the entry',
        debit_minor - credit_minor, currency
    from {{ ref('journal_entry_lines') }}
),

told as (
    select *, cast(null as varchar) as evidence from edges
    union all
    select from_kind, from_id, to_kind, to_id, how, rule, null, null, evidence from to_customers
),

ranked as (
    -- the surest way between two records is told; what names a record that nobody has leads nowhere
    select
        from_kind || ':' || from_id as from_key,
        to_kind || ':' || to_id as to_key,
        told.*,
        row_number() over (
            partition by from_kind, from_id, to_kind, to_id order by how = 'inferred', rule
        ) as preference
    from told
    where to_kind || ':' || to_id in (select nodes.node_key from {{ ref('trace_nodes') }} as nodes)
        and from_kind || ':' || from_id in (select nodes.node_key from {{ ref('trace_nodes') }} as nodes)
)

select
    from_key,
    to_key,
    from_kind,
    from_id,
    to_kind,
    to_id,
    how,
    rule,
    cast(amount_minor as bigint) as amount_minor,
    currency,
    evidence
from ranked
where preference = 1
