-- By which ids people know a record: of every system, short and long, canonical, and those of the thread. A view, for a
-- night reads none of it: who looks for a record filters by alias, and that reaches the tables below.
with known as (
    select
        links.system,
        links.source_id,
        'customer:' || customers.canonical_customer_id as node_key
    from {{ ref('customer_links') }} as links
    inner join {{ ref('customers') }} as customers on links.canonical_customer_id = customers.canonical_customer_id
),

names as (
    select node_key, record_id as alias from {{ ref('trace_nodes') }}
    union all
    -- Salesforce shows ids of 15 characters to people and of 18 to programs
    select node_key, left(record_id, 15) from {{ ref('trace_nodes') }}
    where system = 'salesforce' and length(record_id) = 18
    union all
    select 'opportunity:' || opportunity_id, correlation_id from {{ ref('opportunities') }}
    union all
    select 'contract:' || contract_id, contract_number from {{ ref('contracts') }}
    union all
    select 'invoice:' || invoice_key, number from {{ ref('invoices') }}
    union all
    select 'erp_invoice:' || erp_internal_id, number from {{ ref('invoice__erp') }}
    union all
    select 'erp_payment:' || erp_internal_id, number from {{ ref('payment__erp') }}
    union all
    select 'journal_entry:' || journal_id, number from {{ ref('journal_entries') }}
    union all
    select 'credit_note:' || credit_note_key, number from {{ ref('credit_notes') }}
    union all
    select 'erp_credit_note:' || erp_internal_id, number from {{ ref('credit_note__erp') }}
    union all
    select 'erp_refund:' || erp_internal_id, number from {{ ref('refund__erp') }}
    union all
    select 'erp_deposit:' || erp_internal_id, number from {{ ref('deposit__erp') }}
    union all
    select 'payment:' || payments.payment_key, charges.payment_intent_id
    from {{ ref('stg_stripe__charges') }} as charges
    inner join {{ ref('payments') }} as payments on charges.charge_id = payments.payment_key
    union all
    select node_key, source_id from known
    union all
    select node_key, left(source_id, 15) from known
    where system = 'salesforce' and length(source_id) = 18
)

select distinct
    alias,
    node_key
from names
where alias is not null
