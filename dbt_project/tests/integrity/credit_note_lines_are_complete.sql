-- Every line of a credit note is in the canonical table once, whatever it is shared by, and in the ERP the lines of a memo
-- are its total before tax.
{{ unequal_totals(
    "select currency, amount_minor as amount from " ~ ref('credit_note_line__billing')
    ~ " union all select lines.currency, lines.amount_minor from " ~ ref('credit_note_line__erp') ~ " as lines inner join "
    ~ ref('credit_notes') ~ " as notes on lines.erp_internal_id = notes.erp_internal_id and notes.owner_role = 'erp'",
    "select currency, sum(amount_minor) as amount from " ~ ref('credit_note_lines') ~ " group by currency, source_line_id"
) }}
