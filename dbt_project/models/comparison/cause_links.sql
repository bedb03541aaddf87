{{ config(materialized='view') }}

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
from (
    select payment_id, invoice_id from {{ ref('payment_application__billing') }}
    union all
    -- what a charge that failed paid is no application any more
    select payment_id, invoice_id from {{ ref('payment__billing') }} where status = 'failed'
) as paid
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
union all
-- who has no account has no contract; one whose link was lost may have
select
    'cmp_customer__crm_vs_billing',
    'stripe:' || customer_id,
    'cmp_contract__crm_vs_billing',
    'stripe:' || subscription_id
from {{ ref('subscription__billing') }}
where
    coalesce(canonical_customer_id, '') not in (
        select accounts.canonical_customer_id from {{ ref('customer__crm') }} as accounts
        where accounts.canonical_customer_id is not null
    )
union all
-- only where nothing but the copies makes the units differ
select
    'cmp_subscription_item__within_billing',
    items.row_key,
    'cmp_contract_line__crm_vs_billing',
    lines.row_key
from (
    select
        *,
        sum(quantity) over (partition by subscription_id, product_code) as copied_quantity
    from {{ ref('cmp_subscription_item__within_billing') }}
    where kept_id is not null
) as items
inner join {{ ref('cmp_contract_line__crm_vs_billing') }} as lines
    on items.subscription_id = lines.billing_id and items.product_code = lines.product_code
where lines.billing_quantity - items.copied_quantity = lines.crm_quantity
union all
select
    'cmp_journal_entry__within_erp',
    'netsuite:' || erp_internal_id,
    'cmp_dispute__billing_vs_erp',
    'netsuite:' || erp_internal_id
from {{ ref('dispute_entry__erp') }}
union all
-- who changed a line without the other side, and what differs of it since
select
    'cmp_contract_change__crm_vs_billing',
    row_key,
    'cmp_contract_line__crm_vs_billing',
    row_key
from {{ ref('cmp_contract_change__crm_vs_billing') }}
where changed_side is not null and excluded_reason is null
union all
-- a renewal that billing has not taken up, and what it charges otherwise meanwhile
select
    'cmp_contract_renewal__crm_vs_billing',
    renewals.row_key,
    'cmp_contract_line__crm_vs_billing',
    lines.row_key
from {{ ref('cmp_contract_renewal__crm_vs_billing') }} as renewals
inner join {{ ref('cmp_contract_line__crm_vs_billing') }} as lines on renewals.crm_id = lines.crm_id
where renewals.disagreement = 'not_taken_up' and renewals.excluded_reason is null and lines.excluded_reason is null
union all
-- a step that billing has not begun, and the units and price that it bills instead
select
    'cmp_contract_phase__crm_vs_billing',
    steps.row_key,
    'cmp_contract_line__crm_vs_billing',
    'salesforce:' || steps.contract_id || ':' || steps.product_code
from {{ ref('cmp_contract_phase__crm_vs_billing') }} as steps
where steps.has_begun and steps.disagreement is not null and steps.excluded_reason is null
union all
-- who is out of use is named by links that lead to nothing in use
select
    'cmp_customer_status__billing_vs_erp',
    customers.row_key,
    'cmp_customer_link__copy_vs_crosswalk',
    links.row_key
from {{ ref('cmp_customer_status__billing_vs_erp') }} as customers
inner join {{ ref('cmp_customer_link__copy_vs_crosswalk') }} as links
    on links.attribute = 'erp_customer_ref' and customers.erp_id = links.copied_id
where not customers.is_active_in_erp and customers.excluded_reason is null and links.fault = 'not_in_use'
union all
-- a price on another basis, and the value of the line that differs by it
select
    'cmp_contract_line__crm_vs_billing',
    row_key,
    'cmp_contract_line__crm_vs_billing',
    row_key
from {{ ref('cmp_contract_line__crm_vs_billing') }}
where price_ratio is not null and excluded_reason is null
union all
select
    'cmp_payment_application__billing_vs_erp',
    'netsuite:' || source_id,
    'cmp_invoice__billing_vs_erp',
    'stripe:' || invoice_id
from {{ ref('payment_application__erp') }}
where payment_id is null and invoice_id is not null
union all
-- a code on the wrong rate brings its tax along
select
    'cmp_invoice_tax__billing_vs_erp',
    row_key,
    'cmp_invoice_tax__billing_vs_erp',
    row_key
from {{ ref('cmp_invoice_tax__billing_vs_erp') }}
where code_fault is not null
union all
-- who changed a document by hand changed what other classes see of it
select
    'cmp_journal_edit__within_erp',
    'netsuite:' || edited.journal_id,
    edited.child_comparison,
    edited.child_key
from (
    select journal_id, 'cmp_closed_journal__signed_vs_ledger' as child_comparison, 'netsuite:' || journal_id as child_key
    from {{ ref('journal_edits') }} where is_after_close and not is_by_integration
    union
    -- the closed period that it left
    select journal_id, 'cmp_closed_journal__signed_vs_ledger', 'netsuite:' || journal_id || '/' || old_period_id
    from {{ ref('journal_edits') }} where is_after_close and not is_by_integration and old_period_id is not null
    union
    select journal_id, 'cmp_posting__event_vs_ledger', 'netsuite:' || journal_id
    from {{ ref('journal_edits') }} where attribute = 'period' and not is_by_integration
    union
    select journal_id, 'cmp_posting_line__mapping_vs_ledger', 'netsuite:' || journal_id || '-' || substr(attribute, 9)
    from {{ ref('journal_edits') }} where attribute like 'account/%' and not is_by_integration
    union
    select edits.journal_id, 'cmp_invoice__billing_vs_erp', 'stripe:' || copies.invoice_id
    from {{ ref('journal_edits') }} as edits
    inner join {{ ref('invoice__erp') }} as copies on edits.journal_id = copies.erp_internal_id
    where edits.is_amount and not edits.is_by_integration and copies.invoice_id is not null
) as edited
union all
-- a change within a period that is planned otherwise than it is earned, and what is seen of it line by line and by month
select
    'cmp_contract_modification__policy_vs_erp',
    modifications.row_key,
    'cmp_revenue_schedule__policy_vs_erp',
    'schedule:' || parts.schedule_key
from {{ ref('cmp_contract_modification__policy_vs_erp') }} as modifications
inner join {{ ref('modification_lines') }} as parts on modifications.billing_id = parts.invoice_id
where modifications.fault is not null and modifications.excluded_reason is null
union all
select
    'cmp_contract_modification__policy_vs_erp',
    modifications.row_key,
    'cmp_revenue_period__policy_vs_erp',
    'schedule:' || lines.schedule_line_key
from {{ ref('cmp_contract_modification__policy_vs_erp') }} as modifications
inner join {{ ref('modification_lines') }} as parts on modifications.billing_id = parts.invoice_id
inner join {{ ref('revenue_schedule_lines') }} as lines on parts.schedule_key = lines.schedule_key
where modifications.fault is not null and modifications.excluded_reason is null
