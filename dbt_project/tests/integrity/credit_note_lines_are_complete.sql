-- The lines of a credit note, whatever they are shared by, are its amount before tax, once, and so are those of each memo in
-- the ERP. A memo of which a line was held back for breaking its contract cannot be.
with held_back as (
    select 'erp-' || scope as note
    from {{ source('control', 'quarantine') }}
    where system = 'netsuite' and object = 'transaction_line'
),

sides as (
    select 'canonical' as layer, credit_note_key as note, subtotal_minor, 0 as lines_minor
    from {{ ref('credit_notes') }}
    union all
    select 'canonical', credit_note_key, 0, amount_minor
    from {{ ref('credit_note_lines') }}
    union all
    select 'conformed', 'erp-' || erp_internal_id, subtotal_minor, 0
    from {{ ref('credit_note__erp') }}
    union all
    select 'conformed', 'erp-' || erp_internal_id, 0, amount_minor
    from {{ ref('credit_note_line__erp') }}
)

select
    layer,
    note,
    sum(subtotal_minor) as subtotal_minor,
    sum(lines_minor) as lines_minor
from sides
where note not in (select held_back.note from held_back)
group by layer, note
having sum(subtotal_minor) <> sum(lines_minor)
