-- Which row of a comparison can bring about which row of another one. What of it does, and when, is said by the cause
-- graph of the rules; a link alone explains nothing.
select
    'cmp_customer__billing_vs_erp' as parent_comparison,
    'stripe:' || customer_id as parent_key,
    'cmp_invoice__billing_vs_erp' as child_comparison,
    'stripe:' || invoice_id as child_key
from {{ ref('invoice__billing') }}
union all
select
    'cmp_customer__billing_vs_erp',
    'stripe:' || customer_id,
    'cmp_payment__billing_vs_erp',
    'stripe:' || payment_id
from {{ ref('payment__billing') }}
union all
select distinct
    'cmp_payment__billing_vs_erp',
    'stripe:' || payment_id,
    'cmp_invoice__billing_vs_erp',
    'stripe:' || invoice_id
from {{ ref('payment_application__billing') }}
where payment_id is not null and invoice_id is not null
union all
select
    'cmp_customer__billing_vs_erp',
    'stripe:' || customer_id,
    'cmp_credit_note__billing_vs_erp',
    'stripe:' || credit_note_id
from {{ ref('credit_note__billing') }}
union all
select distinct
    'cmp_credit_note__billing_vs_erp',
    'stripe:' || credit_note_id,
    'cmp_invoice__billing_vs_erp',
    'stripe:' || invoice_id
from {{ ref('credit_note_application__billing') }}
union all
select
    'cmp_credit_note_application__billing_vs_erp',
    'stripe:' || source_id,
    'cmp_invoice__billing_vs_erp',
    'stripe:' || invoice_id
from {{ ref('credit_note_application__billing') }}
union all
select
    'cmp_customer__billing_vs_erp',
    'stripe:' || customer_id,
    'cmp_refund__billing_vs_erp',
    'stripe:' || refund_id
from {{ ref('refund__billing') }}
where customer_id is not null
union all
select
    'cmp_invoice_tax__billing_vs_erp',
    row_key,
    'cmp_invoice__billing_vs_erp',
    'stripe:' || billing_id
from {{ ref('cmp_invoice_tax__billing_vs_erp') }}
where excluded_reason is null
union all
select
    'cmp_payment_application__billing_vs_erp',
    'stripe:' || source_id,
    'cmp_invoice__billing_vs_erp',
    'stripe:' || invoice_id
from {{ ref('payment_application__billing') }}
where invoice_id is not null
