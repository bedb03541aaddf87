-- How the records of a thread hang together, from the sale towards the ledger. `key`: one record names the other.
-- `inferred`: likeness speaks for it, by the rule that is named.
-- A view, for a night reads none of it: who looks for ways from or to some records filters by kind and id, and both reach
-- the tables below. So every id is a plain column, and what names a record that nobody has falls out by a join.
with identified as (
    -- a record that names another, or that a steward placed, is known by key; who stands alone is itself
    select
        links.system,
        links.source_id,
        customers.canonical_customer_id,
        case when links.method in ('override', 'xref', 'self') then 'key' else 'inferred' end as how,
        ', ' || links.rule as by_rule,
        links.evidence
    from {{ ref('customer_links') }} as links
    inner join {{ ref('customers') }} as customers on links.canonical_customer_id = customers.canonical_customer_id
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
    inner join {{ ref('invoice__billing') }} as billing on invoices.invoice_id = billing.invoice_id
    inner join identified on identified.system = 'stripe' and billing.customer_id = identified.source_id
    where invoices.owner_role = 'billing' and invoices.subscription_id is null
    union all
    select
        'invoice', invoices.invoice_key, 'customer', identified.canonical_customer_id, identified.how,
        'identity of the payer' || identified.by_rule, identified.evidence
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('invoice__erp') }} as erp on invoices.erp_internal_id = erp.erp_internal_id
    inner join identified on identified.system = 'netsuite' and erp.customer_id = identified.source_id
    where invoices.owner_role = 'erp' and invoices.subscription_id is null
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
        'opportunity' as from_kind, opportunities.opportunity_id as from_id, 'contract' as to_kind,
        contracts.contract_id as to_id, 'key' as how, 'contract names its opportunity' as rule,
        cast(null as bigint) as amount_minor, cast(null as varchar) as currency
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('opportunities') }} as opportunities on contracts.opportunity_id = opportunities.opportunity_id
    union all
    select
        'contract', contracts.contract_id, 'contract_line', lines.contract_line_id, 'key', 'line names its contract',
        null, null
    from {{ ref('contract_lines') }} as lines
    inner join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
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
        'subscription', subscriptions.subscription_id, 'crm_subscription', copies.source_id, 'key',
        'CRM copy names the subscription', null, null
    from {{ ref('subscription__crm') }} as copies
    inner join {{ ref('subscriptions') }} as subscriptions on copies.subscription_id = subscriptions.subscription_id
    union all
    select
        'subscription', subscriptions.subscription_id, 'invoice', invoices.invoice_key, 'key',
        'invoice names its subscription', invoices.total_minor, invoices.currency
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('subscriptions') }} as subscriptions on invoices.subscription_id = subscriptions.subscription_id
    union all
    select
        'contract', contracts.contract_id, 'invoice', invoices.invoice_key, 'key', 'same correlation id',
        invoices.total_minor, invoices.currency
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('contracts') }} as contracts on invoices.correlation_id = contracts.correlation_id
    where invoices.subscription_id is null
    union all
    select
        'invoice', invoices.invoice_key, 'invoice_line', lines.line_key, 'key', 'line of the invoice',
        lines.amount_minor, lines.currency
    from {{ ref('invoice_lines') }} as lines
    inner join {{ ref('invoices') }} as invoices on lines.invoice_key = invoices.invoice_key
    union all
    select
        'invoice_line', lines.line_key, 'usage', usage.usage_key, 'key', 'use in the period of the line', null, null
    from {{ ref('usage') }} as usage
    inner join {{ ref('invoice_lines') }} as lines on usage.line_key = lines.line_key
    union all
    select
        'subscription', subscriptions.subscription_id, 'usage', usage.usage_key, 'key',
        'use of its metered item, on no invoice', null, null
    from {{ ref('usage') }} as usage
    inner join {{ ref('subscriptions') }} as subscriptions on usage.subscription_id = subscriptions.subscription_id
    where usage.line_key is null
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
    -- what is applied says how much, so it is told before what is only named
    select
        'invoice', notes.invoice_key, 'credit_note', notes.credit_note_key, 'key', 'credit note names its invoice',
        notes.total_minor, notes.currency
    from {{ ref('credit_notes') }} as notes
    left join {{ ref('credit_note_applications') }} as applied
        on notes.invoice_key = applied.invoice_key and notes.credit_note_key = applied.credit_note_key
    where notes.invoice_key is not null and applied.credit_note_key is null
    union all
    select
        'invoice', invoices.invoice_key, 'credit_note', notes.credit_note_key, 'key', 'credit applied',
        sum(applied.applied_minor), applied.currency
    from {{ ref('credit_note_applications') }} as applied
    inner join {{ ref('invoices') }} as invoices on applied.invoice_key = invoices.invoice_key
    inner join {{ ref('credit_notes') }} as notes on applied.credit_note_key = notes.credit_note_key
    group by invoices.invoice_key, notes.credit_note_key, applied.currency
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
    -- a payment that did not succeed is applied to nothing
    select
        'invoice', invoices.invoice_key, 'payment', payments.payment_key, 'key', 'payment names its invoice',
        payments.amount_minor, payments.currency
    from {{ ref('payments') }} as payments
    inner join {{ ref('invoices') }} as invoices on payments.invoice_id = invoices.invoice_id
    left join {{ ref('payment_applications') }} as applied
        on invoices.invoice_key = applied.invoice_key and payments.payment_key = applied.payment_key
    where applied.payment_key is null
    union all
    select
        'invoice', invoices.invoice_key, 'payment', payments.payment_key, 'key', 'payment applied',
        sum(applied.applied_minor), applied.currency
    from {{ ref('payment_applications') }} as applied
    inner join {{ ref('invoices') }} as invoices on applied.invoice_key = invoices.invoice_key
    inner join {{ ref('payments') }} as payments on applied.payment_key = payments.payment_key
    group by invoices.invoice_key, payments.payment_key, applied.currency
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
    -- several lines of one payment may settle the same document
    select
        'erp_invoice', invoices.erp_internal_id, 'erp_payment', payments.erp_internal_id, 'key', 'ERP application',
        sum({{ minor_units('links.amount', 'currencies.minor_per_unit') }}), payments.currency
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('invoice__erp') }} as invoices on links.previous_transaction_id = invoices.erp_internal_id
    inner join {{ ref('payment__erp') }} as payments on links.next_transaction_id = payments.erp_internal_id
    left join {{ ref('currencies') }} as currencies on payments.currency = currencies.currency
    where links.link_type = 'payment'
    group by invoices.erp_internal_id, payments.erp_internal_id, payments.currency
    union all
    select
        'payment', payments.payment_key, 'refund', refunds.refund_key, 'key', 'refund names its payment',
        refunds.amount_minor, refunds.currency
    from {{ ref('refunds') }} as refunds
    inner join {{ ref('payments') }} as payments on refunds.payment_key = payments.payment_key
    union all
    select
        'credit_note', notes.credit_note_key, 'refund', refunds.refund_key, 'key', 'refund of the credit',
        refunds.credited_minor, refunds.currency
    from {{ ref('refunds') }} as refunds
    inner join {{ ref('credit_notes') }} as notes on refunds.credit_note_key = notes.credit_note_key
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
    select
        'payment', payments.payment_key, 'dispute', disputes.dispute_key, 'key', 'dispute names its payment',
        disputes.amount_minor, disputes.currency
    from {{ ref('disputes') }} as disputes
    inner join {{ ref('payments') }} as payments on disputes.payment_key = payments.payment_key
    union all
    select
        'dispute', disputes.dispute_key, 'journal_entry', entries.journal_id, 'key', 'journal names the dispute',
        documents.total_minor, documents.currency
    from {{ ref('dispute_entry__erp') }} as documents
    inner join {{ ref('disputes') }} as disputes on documents.dispute_id = disputes.dispute_key
    inner join {{ ref('journal_entries') }} as entries on documents.erp_internal_id = entries.journal_id
    {%- for kind, sources, kinds in [
        ('payment', 'payments', ['payment']), ('refund', 'refunds', ['refund']),
        ('dispute', 'disputes', ['dispute', 'dispute_reversal']),
    ] %}
    union all
    -- a dispute that was withdrawn and given back within one payout is one way to it, worth the sum of both
    select
        '{{ kind }}', sources.{{ kind }}_key, 'payout', payouts.payout_key, 'key', 'balance transaction of the payout',
        sum(members.net_minor), members.currency
    from {{ ref('payout_members') }} as members
    inner join {{ ref(sources) }} as sources on members.source_key = sources.{{ kind }}_key
    inner join {{ ref('payouts') }} as payouts on members.payout_key = payouts.payout_key
    where members.source_kind in ('{{ kinds | join("', '") }}')
    group by sources.{{ kind }}_key, payouts.payout_key, members.currency
    {%- endfor %}
    union all
    select
        'payout', payouts.payout_key, 'erp_deposit', copies.erp_internal_id, 'key', 'deposit carries the payout id',
        erp.net_minor, erp.currency
    from {{ ref('deposit_copies') }} as copies
    inner join {{ ref('payouts') }} as payouts on copies.payout_id = payouts.payout_id
    inner join {{ ref('deposit__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
    {%- for kind, documents in [
        ('erp_invoice', 'invoice__erp'), ('erp_payment', 'payment__erp'), ('erp_credit_note', 'credit_note__erp'),
        ('erp_refund', 'refund__erp'),
    ] %}
    union all
    select
        '{{ kind }}', documents.erp_internal_id, 'journal_entry', entries.journal_id, 'key', 'posting of the document',
        entries.debit_minor, entries.currency
    from {{ ref(documents) }} as documents
    inner join {{ ref('journal_entries') }} as entries on documents.erp_internal_id = entries.journal_id
    {%- endfor %}
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
        'revenue_schedule_line', lines.schedule_line_key, 'erp_revenue_line', events.revenue_event_id, 'key',
        'plan names the invoice line', events.amount_minor, events.currency
    from {{ ref('revenue_events') }} as events
    inner join {{ ref('revenue_schedule_lines') }} as lines
        on events.schedule_key = lines.schedule_key and events.period = lines.period
    union all
    -- a plan of a line that has no schedule, as that of a void invoice
    select
        'invoice_line', events.line_key, 'erp_revenue_line', events.revenue_event_id, 'key', 'plan names the invoice line',
        events.amount_minor, events.currency
    from {{ ref('revenue_events') }} as events
    left join {{ ref('revenue_schedules') }} as schedules on events.schedule_key = schedules.schedule_key
    where events.line_key is not null and schedules.schedule_key is null
    {%- for kind, documents in [('erp_invoice', 'invoice__erp'), ('erp_credit_note', 'credit_note__erp')] %}
    union all
    -- a plan of a copy that earns nothing, or of a line that billing does not have
    select
        '{{ kind }}', documents.erp_internal_id, 'erp_revenue_line', events.revenue_event_id, 'key',
        'plan names its document', events.amount_minor, events.currency
    from {{ ref('revenue_events') }} as events
    inner join {{ ref(documents) }} as documents on events.erp_internal_id = documents.erp_internal_id
    where events.line_key is null
    {%- endfor %}
    union all
    select
        'erp_revenue_line', events.revenue_event_id, 'journal_entry', entries.journal_id, 'key',
        'plan line names its journal', events.amount_minor, events.currency
    from {{ ref('revenue_events') }} as events
    inner join {{ ref('journal_entries') }} as entries on events.journal_id = entries.journal_id
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
)

select
    from_kind || ':' || from_id as from_key,
    to_kind || ':' || to_id as to_key,
    from_kind,
    from_id,
    to_kind,
    to_id,
    how,
    rule,
    cast(amount_minor as bigint) as amount_minor,
    currency,
    evidence
from told
