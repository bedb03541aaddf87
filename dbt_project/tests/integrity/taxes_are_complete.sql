-- The tax lines of a canonical invoice add up to its tax, to the minor unit.
with lines as (
    select invoice_key, sum(tax_minor) as tax_minor
    from {{ ref('invoice_tax_lines') }}
    group by invoice_key
)

select invoices.invoice_key, invoices.tax_minor, lines.tax_minor as lines_minor
from {{ ref('invoices') }} as invoices
left join lines on invoices.invoice_key = lines.invoice_key
where invoices.tax_minor <> coalesce(lines.tax_minor, 0)
