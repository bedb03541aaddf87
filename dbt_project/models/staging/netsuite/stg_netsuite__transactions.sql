select
    id as transaction_id,
    tranid as number,
    case type
        when 'CustInvc' then 'invoice'
        when 'CustPymt' then 'payment'
        when 'CustCred' then 'credit_note'
        when 'CustRfnd' then 'refund'
        when 'Deposit' then 'deposit'
        when 'Journal' then 'journal'
        else lower(type)
    end as transaction_type,
    status as status_letter,
    entity as customer_id,
    cast(trandate as date) as transaction_date,
    cast(duedate as date) as due_date,
    postingperiod as period_id,
    currency as currency_id,
    cast(exchangerate as decimal(28, 12)) as exchange_rate,
    cast(foreigntotal as decimal(28, 8)) as total,
    coalesce(cast(foreignamountunpaid as decimal(28, 8)), 0) as amount_unpaid,
    nullif(externalid, '') as external_id,
    coalesce(voided, 'F') = 'T' or (type in ('CustInvc', 'CustCred', 'CustRfnd') and status = 'V') as is_voided,
    coalesce(posting, 'T') = 'T' as is_posting,
    memo,
    customform as form_name,
    nullif(custbody_stripe_invoice_id, '') as stripe_invoice_id,
    nullif(custbody_stripe_charge_id, '') as stripe_charge_id,
    nullif(custbody_stripe_credit_note_id, '') as stripe_credit_note_id,
    nullif(custbody_stripe_refund_id, '') as stripe_refund_id,
    nullif(custbody_stripe_dispute_id, '') as stripe_dispute_id,
    nullif(custbody_stripe_dispute_stage, '') as dispute_stage,
    nullif(custbody_stripe_payout_id, '') as stripe_payout_id,
    nullif(custbody_q2c_correlation_id, '') as correlation_id,
    cast(custbody_status_changed_at as timestamp) as status_changed_at,
    cast(createddate as timestamp) as created_at,
    cast(lastmodifieddate as timestamp) as modified_at
from {{ source('netsuite', 'transaction') }}
