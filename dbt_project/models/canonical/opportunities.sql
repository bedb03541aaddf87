-- Every opportunity of the CRM, and what became of it: worked out from its contract and the invoices of its thread.
with build as (
    select max(snapshot_date) as snapshot_date
    from {{ ref('stg_control__build') }}
),

contracts as (
    select
        *,
        -- of several contracts of one opportunity the one in force, then the first
        row_number() over (
            partition by opportunity_id order by status = 'activated' desc, start_date, contract_id
        ) as preference
    from {{ ref('contracts') }}
    where opportunity_id is not null
),

renewing as (
    -- what runs until the last day of a contract is what its renewal is about
    select
        lines.contract_id,
        {{ whole_minor('12 * sum(lines.unit_mrr_minor * lines.quantity)') }} as renewal_value_minor
    from {{ ref('contract_lines') }} as lines
    inner join contracts on lines.contract_id = contracts.contract_id
    where lines.end_date >= contracts.end_date
    group by lines.contract_id
),

invoices as (
    select
        invoices.correlation_id,
        invoices.amount_due_minor,
        invoices.status in ('open', 'partially_paid') as is_open,
        coalesce(invoices.due_date, invoices.invoice_date) < build.snapshot_date as is_due
    from {{ ref('invoices') }} as invoices
    cross join build
    where invoices.correlation_id is not null and invoices.status not in ('draft', 'void')
),

invoiced as (
    select
        correlation_id,
        case
            when bool_or(is_open and is_due) then 'overdue'
            when bool_or(is_open) then 'open'
            else 'settled'
        end as invoice_state,
        sum(case when is_open and is_due then amount_due_minor else 0 end) as overdue_minor
    from invoices
    group by correlation_id
)

select
    opportunities.opportunity_id,
    links.canonical_customer_id,
    opportunities.account_id,
    contracts.contract_id,
    'q2c_' || opportunities.opportunity_id as correlation_id,
    opportunities.stage_name as stage,
    opportunities.is_won,
    opportunities.is_closed,
    {{ minor_units('opportunities.amount', 'currencies.minor_per_unit') }} as amount_minor,
    opportunities.currency,
    opportunities.close_date,
    cast(12 * contracts.recurring_mrr_minor as bigint) as booked_arr_minor,
    contracts.total_value_minor as booked_tcv_minor,
    case when contracts.contract_id is not null then coalesce(renewing.renewal_value_minor, 0) end as renewal_value_minor,
    case
        when invoiced.invoice_state is not null then invoiced.invoice_state
        when contracts.contract_id is not null then 'none'
    end as invoice_state,
    case
        when contracts.contract_id is not null then cast(coalesce(invoiced.overdue_minor, 0) as bigint)
    end as payment_risk_minor,
    opportunities.created_at,
    opportunities.modified_at
from {{ ref('stg_salesforce__opportunities') }} as opportunities
left join {{ ref('currencies') }} as currencies on opportunities.currency = currencies.currency
left join {{ ref('customer_links') }} as links
    on links.system = 'salesforce' and opportunities.account_id = links.source_id
left join contracts on opportunities.opportunity_id = contracts.opportunity_id and contracts.preference = 1
left join renewing on contracts.contract_id = renewing.contract_id
left join invoiced on 'q2c_' || opportunities.opportunity_id = invoiced.correlation_id
