{{ config(materialized='view') }}
-- What names a customer record in its own system: what would have to be hung over if the record went.
with named as (
    select
        'crm' as role, account_id as source_id, 'contract' as kind, contract_id as reference_id, currency,
        cast(0 as bigint) as open_minor,
        case when status = 'activated' then 12 * recurring_mrr_minor else 0 end as recurring_minor
    from {{ ref('contracts') }}
    union all
    select 'crm', account_id, 'opportunity', opportunity_id, currency, 0, 0
    from {{ ref('stg_salesforce__opportunities') }}
    union all
    select 'crm', parent_source_id, 'subsidiary', source_id, null, 0, 0
    from {{ ref('customer_parent__crm') }}
    union all
    select
        'billing', customer_id, 'subscription', subscription_id, currency, 0,
        case when status in ('active', 'past_due') then 12 * mrr_minor else 0 end
    from {{ ref('subscription__billing') }}
    union all
    select
        'billing', customer_id, 'invoice', invoice_id, currency,
        case when status in ('open', 'partially_paid') then amount_due_minor else 0 end, 0
    from {{ ref('invoice__billing') }}
    union all
    select 'billing', customer_id, 'payment', source_id, currency, 0, 0
    from {{ ref('payment__billing') }}
    union all
    select 'erp', customer_id, 'invoice', erp_internal_id, currency, amount_due_minor, 0
    from {{ ref('invoice__erp') }}
    union all
    select 'erp', customer_id, 'payment', source_id, currency, 0, 0
    from {{ ref('payment__erp') }}
    union all
    select 'erp', parent_source_id, 'subsidiary', source_id, null, 0, 0
    from {{ ref('customer_parent__erp') }}
)

select
    role,
    source_id,
    kind,
    reference_id,
    currency,
    cast(open_minor as bigint) as open_minor,
    cast(recurring_minor as bigint) as recurring_minor
from named
where source_id is not null
