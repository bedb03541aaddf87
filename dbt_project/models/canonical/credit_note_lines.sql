-- What credit notes take off which sold line: the line that is named, else all lines of the invoice that cost something,
-- each by its share of them. Of notes in both systems billing's lines count.
with credited as (
    select
        lines.source_id,
        notes.credit_note_key,
        notes.invoice_key,
        'billing' as owner_role,
        lines.invoice_line_id,
        lines.currency,
        lines.amount_minor
    from {{ ref('credit_note_line__billing') }} as lines
    inner join {{ ref('credit_notes') }} as notes on lines.credit_note_id = notes.credit_note_id
    union all
    select
        'erp-' || lines.source_id,
        notes.credit_note_key,
        notes.invoice_key,
        'erp',
        lines.invoice_line_id,
        lines.currency,
        lines.amount_minor
    from {{ ref('credit_note_line__erp') }} as lines
    inner join {{ ref('credit_notes') }} as notes
        on lines.erp_internal_id = notes.erp_internal_id and notes.owner_role = 'erp'
),

shares as (
    select
        invoice_key,
        line_key,
        product_code,
        sum(amount_minor) over (
            partition by invoice_key order by line_key rows between unbounded preceding and current row
        ) as upto_minor,
        sum(amount_minor) over (partition by invoice_key) as all_minor
    from {{ ref('invoice_lines') }}
    where amount_minor > 0
),

placed as (
    select
        credited.*,
        coalesce(named.line_key, shares.line_key) as line_key,
        coalesce(named.product_code, shares.product_code) as product_code,
        case
            when named.line_key is not null then 'named'
            when shares.line_key is not null then 'shared'
            else 'none'
        end as placed_by,
        case
            when named.line_key is not null or shares.line_key is null then credited.amount_minor
            else {{ earned_share('credited.amount_minor', 'shares.upto_minor', 'shares.all_minor') }}
        end as upto_amount_minor
    from credited
    left join {{ ref('invoice_lines') }} as named
        on credited.invoice_line_id = named.line_key and credited.invoice_key = named.invoice_key
    left join shares on credited.invoice_key = shares.invoice_key and named.line_key is null
),

parted as (
    select
        *,
        upto_amount_minor - coalesce(
            lag(upto_amount_minor) over (partition by source_id order by line_key), 0
        ) as part_minor
    from placed
)

select
    source_id || coalesce('/' || line_key, '') as credit_note_line_key,
    source_id as source_line_id,
    credit_note_key,
    invoice_key,
    line_key,
    owner_role,
    placed_by,
    product_code,
    currency,
    part_minor as amount_minor
from parted
