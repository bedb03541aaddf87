-- Every change of a financial field of a posted document, as the ERP's audit trail tells it.
select
    notes.note_id,
    cast(notes.note_id as bigint) as note_number,
    notes.transaction_id as journal_id,
    fields.attribute || coalesce('/' || notes.line_id, '') as attribute,
    fields.is_amount,
    notes.line_id is not null as is_of_line,
    notes.old_value,
    notes.new_value,
    currencies.currency,
    case
        when fields.is_amount
            then {{ minor_units('coalesce(try_cast(notes.new_value as decimal(28, 8)), 0)', 'units.minor_per_unit') }}
            - {{ minor_units('coalesce(try_cast(notes.old_value as decimal(28, 8)), 0)', 'units.minor_per_unit') }}
    end as change_minor,
    notes.user_id,
    users.user_id is not null as is_by_integration,
    notes.noted_at as edited_at,
    coalesce(periods.is_closed and notes.noted_at > periods.closed_at, false) as is_after_close
from {{ ref('stg_netsuite__system_notes') }} as notes
inner join {{ ref('audited_fields') }} as fields on notes.field = fields.field
inner join {{ ref('stg_netsuite__transactions') }} as transactions on notes.transaction_id = transactions.transaction_id
left join {{ ref('integration_users') }} as users on users.system = 'netsuite' and notes.user_id = users.user_id
left join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
left join {{ ref('stg_netsuite__currencies') }} as currencies on transactions.currency_id = currencies.currency_id
left join {{ ref('currencies') }} as units on currencies.currency = units.currency
where transactions.is_posting
