-- What customers owe, times 90 days, beside what was sold on credit in the last 90: days sales outstanding are the one over the
-- other, once both are in one currency.
with build as (
    select {{ days_after('snapshot_date', '-89') }} as quarter_date, snapshot_date
    from {{ ref('stg_control__build') }}
),

documents as (
    select
        legal_entity,
        currency,
        -- what was written off was sold all the same
        case when status = 'written_off' then 0 else amount_due_minor end as open_minor,
        invoice_date as document_date,
        total_minor as sold_minor
    from {{ ref('invoices') }}
    where issued_at is not null and status not in ('draft', 'void')
    union all
    select legal_entity, currency, -unapplied_minor, credit_date, -total_minor
    from {{ ref('credit_notes') }}
    where status <> 'void'
)

select
    coalesce(legal_entity, 'unknown') as legal_entity,
    currency,
    cast(sum(90 * open_minor) as bigint) as open_days_minor,
    cast(sum(case when document_date between quarter_date and snapshot_date then sold_minor else 0 end) as bigint) as sold_minor
from documents
cross join build
group by coalesce(legal_entity, 'unknown'), currency
