select
    lines.source_id as journal_line_key,
    lines.journal_id,
    lines.line_id,
    entries.period,
    lines.account_number,
    lines.account_type,
    lines.legal_entity,
    lines.currency,
    lines.debit_minor,
    lines.credit_minor
from {{ ref('journal_entry_line__erp') }} as lines
inner join {{ ref('journal_entry__erp') }} as entries on lines.journal_id = entries.journal_id
