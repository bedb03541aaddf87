-- Every change of a financial field of a posted document, as the ERP's audit trail tells it.
with notes as (
    select
        notes.*,
        fields.attribute,
        fields.is_amount,
        {{ decimal_of('notes.old_value') }} as old_amount,
        {{ decimal_of('notes.new_value') }} as new_amount
    from {{ ref('stg_netsuite__system_notes') }} as notes
    inner join {{ ref('audited_fields') }} as fields on notes.field = fields.field
)

select
    notes.note_id,
    cast(notes.note_id as bigint) as note_number,
    notes.transaction_id as journal_id,
    notes.attribute || coalesce('/' || notes.line_id, '') as attribute,
    notes.is_amount,
    notes.line_id is not null as is_of_line,
    notes.old_value,
    notes.new_value,
    old_periods.period_id as old_period_id,
    new_periods.period_id as new_period_id,
    currencies.currency,
    -- an amount that is no number moved nobody knows how much
    case
        when
            notes.is_amount
            and (notes.old_value is null or notes.old_amount is not null)
            and (notes.new_value is null or notes.new_amount is not null)
            then {{ minor_units('coalesce(notes.new_amount, 0)', 'units.minor_per_unit') }}
            - {{ minor_units('coalesce(notes.old_amount, 0)', 'units.minor_per_unit') }}
    end as change_minor,
    {{ minor_units('lines.amount', 'units.minor_per_unit') }} as line_minor,
    notes.user_id,
    users.user_id is not null as is_by_integration,
    notes.noted_at as edited_at,
    -- what is moved leaves one period and enters another one
    case
        when notes.attribute = 'period' then
            coalesce(old_periods.is_closed and notes.noted_at > old_periods.closed_at, false)
            or coalesce(new_periods.is_closed and notes.noted_at > new_periods.closed_at, false)
        else coalesce(periods.is_closed and notes.noted_at > periods.closed_at, false)
    end as is_after_close
from notes
inner join {{ ref('stg_netsuite__transactions') }} as transactions on notes.transaction_id = transactions.transaction_id
left join {{ ref('stg_netsuite__transaction_lines') }} as lines
    on notes.transaction_id = lines.transaction_id and notes.line_id = lines.line_id
left join {{ ref('integration_users') }} as users on users.system = 'netsuite' and notes.user_id = users.user_id
left join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
left join {{ ref('stg_netsuite__accounting_periods') }} as old_periods
    on notes.attribute = 'period' and notes.old_value = old_periods.period_id
left join {{ ref('stg_netsuite__accounting_periods') }} as new_periods
    on notes.attribute = 'period' and notes.new_value = new_periods.period_id
left join {{ ref('stg_netsuite__currencies') }} as currencies on transactions.currency_id = currencies.currency_id
left join {{ ref('currencies') }} as units on currencies.currency = units.currency
where
    transactions.is_posting
    -- with what it was entered is no change
    and (notes.old_value is not null or coalesce(notes.noted_at > transactions.created_at, true))
