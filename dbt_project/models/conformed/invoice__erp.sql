with line_totals as (
    select
        erp_internal_id,
        coalesce(sum(amount_minor) filter (where line_type = 'item'), 0) as subtotal_minor,
        coalesce(sum(amount_minor) filter (where line_type = 'tax'), 0) as tax_minor,
        count(*) filter (where line_type = 'item') as line_count,
        min(service_start_date) as service_start_date,
        max(service_end_date) as service_end_date,
        -- what is sold, for how much and for which days, whatever the order of the lines
        string_agg(
            concat_ws('|', product_code, quantity, amount_minor, service_start_date, service_end_date), ';'
            order by product_code, quantity, amount_minor, service_start_date, service_end_date
        ) filter (where line_type = 'item') as line_signature
    from {{ ref('invoice_line__erp') }}
    group by erp_internal_id
),

credited as (
    -- a credit note lowers what is due without being a payment
    select
        links.previous_transaction_id as transaction_id,
        sum(abs(links.amount)) as amount
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('stg_netsuite__transactions') }} as notes on links.next_transaction_id = notes.transaction_id
    where notes.transaction_type = 'credit_note' and links.link_type = 'payment'
    group by links.previous_transaction_id
),

document_subsidiary as (
    select
        transaction_id,
        min(subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__transaction_lines') }}
    group by transaction_id
),

invoices as (
    select
        transactions.transaction_id,
        transactions.number,
        transactions.customer_id,
        -- our posting service and most connectors key the copy by the billing id
        coalesce(
            transactions.stripe_invoice_id,
            case when transactions.external_id like 'in\_%' escape '\' then transactions.external_id end
        ) as invoice_id,
        transactions.status_letter,
        transactions.is_voided,
        transactions.form_name,
        transactions.transaction_date,
        transactions.due_date,
        periods.period,
        subsidiaries.legal_entity,
        erp_currencies.currency,
        {{ minor_units('transactions.total', 'currencies.minor_per_unit') }} as total_minor,
        {{ minor_units('transactions.amount_unpaid', 'currencies.minor_per_unit') }} as unpaid_minor,
        coalesce({{ minor_units('credited.amount', 'currencies.minor_per_unit') }}, 0) as credited_minor,
        transactions.correlation_id,
        transactions.status_changed_at,
        transactions.created_at,
        transactions.modified_at
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join credited on transactions.transaction_id = credited.transaction_id
    left join document_subsidiary on transactions.transaction_id = document_subsidiary.transaction_id
    left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
        on document_subsidiary.subsidiary_id = subsidiaries.subsidiary_id
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies
        on transactions.currency_id = erp_currencies.currency_id
    left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
    left join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
    where transactions.transaction_type = 'invoice'
),

with_status as (
    select
        *,
        case
            when is_voided then 'void'
            when status_letter = 'B' or (unpaid_minor = 0 and total_minor <> 0) then 'paid'
            when unpaid_minor > 0 and unpaid_minor + credited_minor < total_minor then 'partially_paid'
            else 'open'
        end as status,
        case when is_voided then 0 else unpaid_minor end as amount_due_minor
    from invoices
)

select
    with_status.transaction_id as source_id,
    'netsuite' as source_system,
    with_status.invoice_id,
    with_status.transaction_id as erp_internal_id,
    with_status.number,
    crosswalk.canonical_customer_id,
    with_status.customer_id,
    with_status.status,
    coalesce(with_status.status_changed_at, with_status.modified_at) as status_changed_at,
    with_status.created_at as issued_at,
    with_status.transaction_date as invoice_date,
    with_status.due_date,
    coalesce(with_status.period, {{ accounting_period('with_status.transaction_date') }}) as period,
    with_status.legal_entity,
    with_status.currency,
    cast(coalesce(line_totals.subtotal_minor, 0) as bigint) as subtotal_minor,
    cast(coalesce(line_totals.tax_minor, 0) as bigint) as tax_minor,
    with_status.total_minor,
    with_status.amount_due_minor,
    coalesce(line_totals.line_count, 0) as line_count,
    cast(null as varchar) as subscription_id,
    with_status.correlation_id,
    coalesce(with_status.form_name = 'manual services', false) as is_manual,
    with_status.is_voided,
    line_totals.service_start_date,
    line_totals.service_end_date,
    line_totals.line_signature,
    with_status.created_at,
    with_status.modified_at,
    {{ fingerprint([
        'with_status.number', 'with_status.status', 'with_status.transaction_date', 'with_status.due_date',
        'coalesce(with_status.period, ' ~ accounting_period('with_status.transaction_date') ~ ')',
        'with_status.legal_entity', 'with_status.currency', 'cast(coalesce(line_totals.subtotal_minor, 0) as bigint)',
        'cast(coalesce(line_totals.tax_minor, 0) as bigint)', 'with_status.total_minor', 'with_status.amount_due_minor',
    ]) }} as fingerprint
from with_status
left join line_totals on with_status.transaction_id = line_totals.erp_internal_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and with_status.customer_id = crosswalk.source_id
