-- Who buys and who is billed, for each contract and each invoice. Invoices of billing follow their contract for the buyer;
-- where none is known the one who is billed is taken for the buyer as well.
with contract_sold as (
    select
        'contract' as document_type,
        contract_id as document_id,
        'sold_to' as role,
        canonical_customer_id,
        'crm' as stated_by,
        account_id as source_id
    from {{ ref('contracts') }}
),

contract_billed as (
    select
        'contract' as document_type,
        contracts.contract_id as document_id,
        'bill_to' as role,
        subscriptions.canonical_customer_id,
        'billing' as stated_by,
        subscriptions.customer_id as source_id
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
),

billing_of as (
    select
        invoices.invoice_key,
        billing.customer_id,
        billing.canonical_customer_id,
        contracts.account_id,
        contracts.canonical_customer_id as sold_to_customer_id
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('invoice__billing') }} as billing on invoices.invoice_id = billing.invoice_id
    left join {{ ref('subscriptions') }} as subscriptions on billing.subscription_id = subscriptions.subscription_id
    left join {{ ref('contracts') }} as contracts on subscriptions.contract_id = contracts.contract_id
),

invoice_sold as (
    select
        'invoice' as document_type,
        invoice_key as document_id,
        'sold_to' as role,
        case when account_id is null then canonical_customer_id else sold_to_customer_id end as canonical_customer_id,
        case when account_id is null then 'billing' else 'crm' end as stated_by,
        coalesce(account_id, customer_id) as source_id
    from billing_of
),

invoice_billed as (
    select
        'invoice' as document_type,
        invoice_key as document_id,
        'bill_to' as role,
        canonical_customer_id,
        'billing' as stated_by,
        customer_id as source_id
    from billing_of
),

invoice_posted as (
    select
        'invoice' as document_type,
        invoices.invoice_key as document_id,
        'posted_to' as role,
        erp.canonical_customer_id,
        'erp' as stated_by,
        erp.customer_id as source_id
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('invoice__erp') }} as erp on invoices.erp_internal_id = erp.erp_internal_id
),

roles as (
    select * from contract_sold
    union all
    select * from contract_billed
    union all
    select * from invoice_sold
    union all
    select * from invoice_billed
    union all
    select * from invoice_posted
)

select
    roles.document_type,
    roles.document_id,
    roles.role,
    roles.canonical_customer_id,
    hierarchy.ultimate_parent_customer_id,
    roles.stated_by,
    roles.source_id
from roles
left join {{ ref('customer_hierarchy') }} as hierarchy
    on roles.canonical_customer_id = hierarchy.canonical_customer_id
