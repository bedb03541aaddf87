-- One row per save of a contract line that changed what is sold, with the line before and after it. A history tells single
-- fields; what it does not tell was the same before and after, up to the line as it is now.
with saves as (
    select
        contract_line_id,
        changed_at,
        min(changed_by_id) as changed_by_id,
        min(change_id) as change_id,
        max(case when field = 'Quantity__c' then cast(value_before as decimal(18, 4)) end) as quantity_before,
        max(case when field = 'Unit_Price__c' then cast(value_before as decimal(20, 6)) end) as unit_price_before,
        max(case when field = 'Discount_Percent__c' then cast(value_before as decimal(9, 6)) end)
            as discount_percent_before,
        max(case when field = 'Start_Date__c' then cast(left(value_before, 10) as date) end) as start_date_before,
        max(case when field = 'End_Date__c' then cast(left(value_before, 10) as date) end) as end_date_before,
        max(case when field = 'Effective_At__c' then value_after end) as effective_after,
        coalesce(bool_or(field = 'Quantity__c'), false) as changes_quantity,
        coalesce(bool_or(field = 'Unit_Price__c'), false) as changes_price,
        coalesce(bool_or(field = 'Discount_Percent__c'), false) as changes_discount,
        coalesce(bool_or(field in ('Start_Date__c', 'End_Date__c')), false) as changes_term
    from {{ ref('stg_salesforce__contract_line_histories') }}
    group by contract_line_id, changed_at
),

later as (
    -- how many saves from here on tell the field: the earliest of them says what it was until then
    select
        *,
        {% for field in ['quantity', 'unit_price', 'discount_percent', 'start_date', 'end_date'] -%}
        count({{ field }}_before) over (
            partition by contract_line_id order by changed_at desc
            rows between unbounded preceding and current row
        ) as {{ field }}_told,
        {% endfor -%}
        row_number() over (partition by contract_line_id order by changed_at desc) as age
    from saves
),

states as (
    select
        later.contract_line_id,
        later.change_id,
        later.changed_at,
        later.changed_by_id,
        {{ from_iso('later.effective_after') }} as effective_at,
        later.changes_quantity,
        later.changes_price,
        later.changes_discount,
        later.changes_term,
        later.age,
        lines.contract_id,
        lines.product_id,
        lines.price_period,
        lines.currency,
        {% for field in ['quantity', 'unit_price', 'discount_percent', 'start_date', 'end_date'] -%}
        lines.{{ field }} as {{ field }}_now,
        case
            when later.{{ field }}_told = 0 then lines.{{ field }}
            else max(later.{{ field }}_before) over (partition by later.contract_line_id, later.{{ field }}_told)
        end as {{ field }}_before{{ ',' if not loop.last }}
        {% endfor %}
    from later
    inner join {{ ref('stg_salesforce__contract_lines') }} as lines
        on later.contract_line_id = lines.contract_line_id
),

sides as (
    select
        *,
        {% for field in ['quantity', 'unit_price', 'discount_percent', 'start_date', 'end_date'] -%}
        case
            when age = 1 then {{ field }}_now
            else lead({{ field }}_before) over (partition by contract_line_id order by changed_at)
        end as {{ field }}_after{{ ',' if not loop.last }}
        {% endfor %}
    from states
),

priced as (
    select
        sides.*,
        products.product_code,
        case sides.price_period when 'year' then 12 else 1 end as period_months,
        cast(sides.quantity_before as bigint) * sides.unit_price_before * currencies.minor_per_unit
        * (100 - sides.discount_percent_before) * 0.01 as period_before_minor,
        cast(sides.quantity_after as bigint) * sides.unit_price_after * currencies.minor_per_unit
        * (100 - sides.discount_percent_after) * 0.01 as period_after_minor
    from sides
    left join {{ ref('stg_salesforce__products') }} as products on sides.product_id = products.product_id
    left join {{ ref('currencies') }} as currencies on sides.currency = currencies.currency
)

select
    change_id as source_id,
    'salesforce' as source_system,
    contract_line_id,
    contract_id,
    product_code,
    changed_at,
    changed_by_id,
    effective_at,
    changes_quantity,
    changes_price,
    changes_discount,
    changes_term,
    cast(quantity_before as bigint) as quantity_before,
    cast(quantity_after as bigint) as quantity_after,
    cast(unit_price_before as decimal(20, 6)) as unit_price_before,
    cast(unit_price_after as decimal(20, 6)) as unit_price_after,
    cast(discount_percent_before as decimal(9, 6)) as discount_percent_before,
    cast(discount_percent_after as decimal(9, 6)) as discount_percent_after,
    start_date_before,
    start_date_after,
    end_date_before,
    end_date_after,
    currency,
    {{ whole_minor(exact_ratio('period_before_minor', 'period_months')) }} as mrr_before_minor,
    {{ whole_minor(exact_ratio('period_after_minor', 'period_months')) }} as mrr_after_minor
from priced
where changes_quantity or changes_price or changes_discount or changes_term
