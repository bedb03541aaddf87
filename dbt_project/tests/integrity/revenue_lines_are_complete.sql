-- Every revenue plan line, and every catch-up of one, is a canonical revenue event; lines whose plan is missing are left out.
{% set staged %}
    select erp_currencies.currency, lines.amount
    from {{ ref('revenue_plan_line__erp') }} as lines
    inner join {{ ref('stg_netsuite__revenue_plans') }} as plans on lines.revenue_plan_id = plans.revenue_plan_id
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on plans.currency_id = erp_currencies.currency_id
{% endset %}
{% set accounted %}
    select events.currency, {{ in_units('events.amount_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('revenue_events') }} as events
    left join {{ ref('currencies') }} as currencies on events.currency = currencies.currency
{% endset %}
{{ unequal_totals(staged, accounted) }}
