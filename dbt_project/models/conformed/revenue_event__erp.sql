select
    lines.revenue_plan_line_id as source_id,
    'netsuite' as source_system,
    lines.revenue_plan_line_id as revenue_event_id,
    plans.revenue_plan_id,
    plans.transaction_id as erp_internal_id,
    plans.transaction_id || '-' || plans.line_id as erp_line_key,
    coalesce(document_lines.invoice_line_id, credited_lines.invoice_line_id) as invoice_line_id,
    coalesce(invoices.invoice_id, notes.invoice_id) as invoice_id,
    coalesce(invoices.canonical_customer_id, notes.canonical_customer_id) as canonical_customer_id,
    coalesce(invoices.correlation_id, notes.correlation_id) as correlation_id,
    items.product_code,
    -- the plan names a period of the ERP; its own wording counts where that is unknown
    coalesce(periods.period, lines.period) as period,
    coalesce(invoices.legal_entity, notes.legal_entity) as legal_entity,
    erp_currencies.currency,
    {{ minor_units('lines.amount', 'currencies.minor_per_unit') }} as amount_minor,
    lines.is_recognized,
    lines.journal_transaction_id as journal_id,
    lines.is_catch_up,
    {{ fingerprint(['lines.period', 'lines.amount', 'lines.is_recognized']) }} as fingerprint
from {{ ref('revenue_plan_line__erp') }} as lines
inner join {{ ref('stg_netsuite__revenue_plans') }} as plans on lines.revenue_plan_id = plans.revenue_plan_id
left join {{ ref('stg_netsuite__accounting_periods') }} as periods on lines.period_id = periods.period_id
left join {{ ref('invoice__erp') }} as invoices on plans.transaction_id = invoices.erp_internal_id
left join {{ ref('invoice_line__erp') }} as document_lines
    on plans.transaction_id || '-' || plans.line_id = document_lines.source_id
-- a plan of a credit memo takes revenue back
left join {{ ref('credit_note__erp') }} as notes on plans.transaction_id = notes.erp_internal_id
left join {{ ref('credit_note_line__erp') }} as credited_lines
    on plans.transaction_id || '-' || plans.line_id = credited_lines.source_id
left join {{ ref('stg_netsuite__items') }} as items on plans.item_id = items.item_id
left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on plans.currency_id = erp_currencies.currency_id
left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
