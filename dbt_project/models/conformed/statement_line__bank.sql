-- Lines of statements that stand. Words of the text are kept of the payment provider's lines alone: others name people.
with lines as (
    select
        lines.*,
        array_contains(
            {{ words_of("lower(concat_ws(' ', lines.counterparty, lines.remittance_text))") }}, '{{ var("processor_name") }}'
        ) as is_processor
    from {{ ref('stg_bank__statement_lines') }} as lines
    inner join {{ ref('stg_bank__statements') }} as statements on lines.statement_id = statements.statement_id
)

select
    lines.line_id as source_id,
    'bank' as source_system,
    lines.line_id,
    lines.statement_id,
    lines.account,
    lines.currency,
    lines.booking_date,
    lines.value_date,
    {{ minor_units('lines.amount', 'currencies.minor_per_unit') }} as amount_minor,
    lines.is_processor,
    case
        when lines.is_processor then {{ words_of("concat_ws(' ', lines.reference, lines.remittance_text)") }}
        else {{ list_of([]) }}
    end as reference_keys
from lines
inner join {{ ref('currencies') }} as currencies on lines.currency = currencies.currency
