-- What the lines of each contract come to in a month that were in force when billing was read; before the start those of the
-- first day, after the end those of the last.
{{ config(materialized='view', meta={'turns': true}) }}
select
    lines.contract_id,
    {{ whole_minor('sum(lines.unit_mrr_minor * lines.quantity)') }} as recurring_mrr_minor
from {{ ref('contract_lines') }} as lines
inner join {{ ref('contract__crm') }} as contracts on lines.contract_id = contracts.contract_id
where
    greatest(contracts.start_date, least(contracts.end_date, lines.as_of_date))
    between lines.start_date and lines.end_date
group by lines.contract_id
