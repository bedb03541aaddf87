"""The SQL of the facts that corrections of subscriptions need: only those of drift that asks.

Part of what context.py reads: what is written back is in billing's own words, so it comes from
`raw`; what was signed, who sold it and until when a period runs, from the models.
"""

from collections.abc import Mapping

import polars as pl

_TEXT, _WHOLE, _FLAG, _DAY = pl.String(), pl.Int64(), pl.Boolean(), pl.Date()

SUBSCRIPTION_QUERIES: Mapping[str, str] = {
    "billing_ends": """
        select wire.id as subscription_id, wire.status, held.channel,
               nullif(wire.schedule, '') as schedule_id,
               wire.cancel_at_period_end as ends_with_period, wire.cancel_at,
               list_min(list_transform(
                   from_json(wire.items, '["json"]'),
                   lambda item: cast(item ->> '$.current_period_end' as bigint)
               )) as period_end,
               date_diff('day', seen.watermark_at, held.current_period_end_at) as days_left,
               coalesce(wire._changed_at, wire.created::varchar) as version
        from raw.stripe__subscription as wire
        join conformed.subscription__billing as held on wire.id = held.subscription_id
        cross join (
            select watermark_at from raw.snapshots
            where system = 'stripe' and object = 'subscription'
        ) as seen
        where wire.id in (
            select case when owner_system = 'stripe' then owner_id else replica_id end
            from reconciliation.drift where code in ('CON-REN-01', 'SUB-STAT-01', 'CON-TERM-01')
            union
            select copies.subscription_id
            from comparison.cmp_subscription_item__within_billing as copies
            where copies.row_key in (
                select row_key from reconciliation.drift where code = 'SUB-DUP-01'
            )
        )
    """,
    "billing_items": """
        with wires as (
            select * from raw.stripe__subscription where id in (
                select replica_id from reconciliation.drift where code in (
                    'SUB-QTY-01', 'CON-DISC-01', 'CON-AMT-01', 'CON-AMD-01', 'PRD-BAS-01'
                )
            )
        )
        select items.item_id, items.subscription_id, items.product_code, items.quantity,
               coalesce(wire._changed_at, items.modified_at::varchar) as version,
               nullif(wire.schedule, '') as schedule_id,
               cast(json_extract(held.item, '$.discounts') as varchar) as discounts,
               items.price_id, cast(items.discount_factor as varchar) as discount_factor
        from conformed.subscription_item__billing as items
        join wires as wire on items.subscription_id = wire.id
        join (
            select unnest(from_json(items, '["json"]')) as item from wires
        ) as held on items.item_id = json_extract_string(held.item, '$.id')
        order by items.item_id
    """,
    "billing_schedules": """
        select plans.id as schedule_id, plans.subscription as subscription_id, plans.end_behavior,
               coalesce(plans._changed_at, plans.current_phase_start_date::varchar) as version,
               cast(plans.phases as varchar) as phases,
               plans.current_phase_start_date as runs_since,
               cast(epoch(held.current_period_end_at) as bigint) as period_end,
               entities.time_zone
        from raw.stripe__subscription_schedule as plans
        join conformed.subscription__billing as held on plans.subscription = held.subscription_id
        left join seeds.legal_entities as entities on held.legal_entity = entities.legal_entity
        where plans.status in ('active', 'not_started') and plans.subscription in (
            select replica_id from reconciliation.drift
            where code in ('CON-TERM-01', 'CON-RAMP-01')
        )
        order by plans.id
    """,
    # Of the products that subscriptions with drift bill.
    "billing_prices": """
        select id as price_id, product as product_id, currency, recurring_interval as interval,
               coalesce(recurring_interval_count, 1) as interval_count,
               case when billing_scheme = 'per_unit' and recurring_usage_type = 'licensed'
                   then coalesce(unit_amount_decimal, unit_amount::varchar) end as unit_amount,
               coalesce(tax_behavior, 'unspecified') as tax_behavior, active as is_open
        from raw.stripe__price
        where type = 'recurring' and product in (
            select json_extract_string(item, '$.price.product')
            from (
                select unnest(from_json(items, '["json"]')) as item
                from raw.stripe__subscription
                where id in (
                    select replica_id from reconciliation.drift
                    where code in ('CON-AMT-01', 'CON-AMD-01', 'CON-RAMP-01', 'PRD-BAS-01')
                )
            )
            union
            select products.id
            from raw.stripe__product as products
            join canonical.contract_lines as lines on products.metadata_sku = lines.product_code
            where lines.contract_id in (
                select owner_id from reconciliation.drift where code = 'CON-MISS-01'
            )
        )
        order by id
    """,
    "billed_twice": """
        select copies.row_key, copies.billing_id as item_id, copies.subscription_id,
               copies.quantity, copies.charged_minor, copies.kept_id,
               kept.subscription_id as kept_subscription_id, kept.quantity as kept_quantity,
               cast(wire.items as varchar) as items, nullif(wire.schedule, '') as schedule_id,
               coalesce(wire._changed_at, wire.created::varchar) as version
        from comparison.cmp_subscription_item__within_billing as copies
        join raw.stripe__subscription as wire on copies.subscription_id = wire.id
        join conformed.subscription_item__billing as kept on copies.kept_id = kept.item_id
        where copies.row_key in (
            select row_key from reconciliation.drift where code = 'SUB-DUP-01'
        )
    """,
    # Customers of billing that could be the contract's: of the same company, entity and currency.
    "unbilled": """
        select 'salesforce:' || contracts.contract_id as row_key, contracts.contract_id,
               contracts.opportunity_id, contracts.correlation_id, contracts.legal_entity,
               contracts.currency, contracts.billing_frequency, contracts.start_date,
               contracts.end_date, contracts.is_auto_renewed, golden.payment_terms_days,
               min(customers.source_id) as customer_id,
               count(customers.source_id) as customer_count,
               cast(any_value(seen.watermark_at) as date) as as_of_date
        from canonical.contracts as contracts
        cross join (
            select watermark_at from raw.snapshots
            where system = 'stripe' and object = 'subscription'
        ) as seen
        left join canonical.customers as golden
            on contracts.canonical_customer_id = golden.canonical_customer_id
        left join conformed.customer__billing as customers
            on contracts.canonical_customer_id = customers.canonical_customer_id
                and coalesce(customers.currency, contracts.currency) = contracts.currency
                and coalesce(customers.legal_entity, contracts.legal_entity)
                    = contracts.legal_entity
                and customers.is_active
        where contracts.contract_id in (
            select owner_id from reconciliation.drift where code = 'CON-MISS-01'
        )
        group by all
    """,
    "unbilled_lines": """
        select lines.contract_id, lines.contract_line_id, lines.product_code, lines.quantity,
               cast(round(lines.unit_mrr_minor * lines.quantity) as bigint) as mrr_minor,
               cast(coalesce(lines.discount_percent, 0) as varchar) as discount_percent,
               lines.start_date, lines.end_date,
               case when count(*) = 1 then min(products.id) end as product_id
        from canonical.contract_lines as lines
        left join raw.stripe__product as products
            on lines.product_code = products.metadata_sku and products.active
        where lines.unit_mrr_minor * lines.quantity > 0 and lines.contract_id in (
            select owner_id from reconciliation.drift where code = 'CON-MISS-01'
        )
        group by all
        order by lines.contract_line_id
    """,
    # What takes the same percentage off whatever it is given on, for good.
    "billing_coupons": """
        select id as coupon_id, percent_off
        from raw.stripe__coupon
        where valid and duration = 'forever' and percent_off is not null
            and currency is null and redeem_by is null
            and coalesce(json_array_length(applies_to::json, '$.products'), 0) = 0
        order by id
    """,
    "signed_lines": """
        select row_key, crm_quantity as quantity, crm_amount_minor as mrr_minor,
               cast(crm_discount_percent as varchar) as discount_percent
        from comparison.cmp_contract_change__crm_vs_billing
        where row_key in (
            select row_key from reconciliation.drift
            where code in ('CON-DISC-01', 'CON-AMT-01', 'CON-AMD-01', 'PRD-BAS-01')
        )
    """,
    "signed_steps": """
        select compared.row_key, steps.contract_line_id, steps.start_date, steps.end_date,
               steps.quantity, steps.mrr_minor, compared.has_begun,
               cast(lines.discount_percent as varchar) as discount_percent,
               former.contract_line_id as former_line_id
        from comparison.cmp_contract_phase__crm_vs_billing as compared
        join canonical.contract_ramps as steps on compared.crm_id = steps.contract_line_id
        join canonical.contract_lines as lines on compared.crm_id = lines.contract_line_id
        left join canonical.contract_ramps as former
            on steps.contract_id = former.contract_id and steps.product_code = former.product_code
                and steps.ramp_step = former.ramp_step + 1
                and former.end_date = steps.start_date - 1
        where compared.row_key in (
            select row_key from reconciliation.drift where code = 'CON-RAMP-01'
        )
    """,
    # The end of a period is that of the item which is billed first; months where all agree.
    "signed_terms": """
        select drift.row_key, contracts.end_date, terms.billing_end_date, entities.time_zone,
               cast(epoch(held.current_period_end_at) as bigint) as period_end,
               case when min(items.span_months) = max(items.span_months)
                   and min(items.period_end_at) = max(items.period_end_at)
                   then min(items.span_months) end as months
        from reconciliation.drift as drift
        join comparison.cmp_contract_term__crm_vs_billing as terms on drift.row_key = terms.row_key
        join canonical.contracts as contracts on drift.owner_id = contracts.contract_id
        join conformed.subscription__billing as held on drift.replica_id = held.subscription_id
        left join conformed.subscription_item__billing as items
            on held.subscription_id = items.subscription_id
        left join seeds.legal_entities as entities on held.legal_entity = entities.legal_entity
        where drift.code = 'CON-TERM-01'
        group by all
    """,
}

SUBSCRIPTION_SCHEMAS: Mapping[str, dict[str, pl.DataType]] = {
    "billing_ends": {
        "subscription_id": _TEXT,
        "status": _TEXT,
        "channel": _TEXT,
        "schedule_id": _TEXT,
        "ends_with_period": _FLAG,
        "cancel_at": _WHOLE,
        "period_end": _WHOLE,
        "days_left": _WHOLE,
        "version": _TEXT,
    },
    # `discounts` and `phases` are JSON as the vendor sent it; `runs_since`, `period_end` are unix
    # seconds.
    "billing_items": {
        "item_id": _TEXT,
        "subscription_id": _TEXT,
        "product_code": _TEXT,
        "quantity": _WHOLE,
        "version": _TEXT,
        "schedule_id": _TEXT,
        "discounts": _TEXT,
        "price_id": _TEXT,
        "discount_factor": _TEXT,
    },
    # `unit_amount` is minor units of `currency`, in exact decimals, null where none is charged.
    "billing_prices": {
        "price_id": _TEXT,
        "product_id": _TEXT,
        "currency": _TEXT,
        "interval": _TEXT,
        "interval_count": _WHOLE,
        "unit_amount": _TEXT,
        "tax_behavior": _TEXT,
        "is_open": _FLAG,
    },
    "signed_steps": {
        "row_key": _TEXT,
        "contract_line_id": _TEXT,
        "start_date": _DAY,
        "end_date": _DAY,
        "quantity": _WHOLE,
        "mrr_minor": _WHOLE,
        "has_begun": _FLAG,
        "discount_percent": _TEXT,
        "former_line_id": _TEXT,
    },
    "billing_schedules": {
        "schedule_id": _TEXT,
        "subscription_id": _TEXT,
        "end_behavior": _TEXT,
        "version": _TEXT,
        "phases": _TEXT,
        "runs_since": _WHOLE,
        "period_end": _WHOLE,
        "time_zone": _TEXT,
    },
    # `charged_minor` is minor units of the subscription's currency, `items` JSON of the vendor.
    "billed_twice": {
        "row_key": _TEXT,
        "item_id": _TEXT,
        "subscription_id": _TEXT,
        "quantity": _WHOLE,
        "charged_minor": _WHOLE,
        "kept_id": _TEXT,
        "kept_subscription_id": _TEXT,
        "kept_quantity": _WHOLE,
        "items": _TEXT,
        "schedule_id": _TEXT,
        "version": _TEXT,
    },
    "unbilled": {
        "row_key": _TEXT,
        "contract_id": _TEXT,
        "opportunity_id": _TEXT,
        "correlation_id": _TEXT,
        "legal_entity": _TEXT,
        "currency": _TEXT,
        "billing_frequency": _TEXT,
        "start_date": _DAY,
        "end_date": _DAY,
        "is_auto_renewed": _FLAG,
        "payment_terms_days": _WHOLE,
        "customer_id": _TEXT,
        "customer_count": _WHOLE,
        "as_of_date": _DAY,
    },
    "unbilled_lines": {
        "contract_id": _TEXT,
        "contract_line_id": _TEXT,
        "product_code": _TEXT,
        "quantity": _WHOLE,
        "mrr_minor": _WHOLE,
        "discount_percent": _TEXT,
        "start_date": _DAY,
        "end_date": _DAY,
        "product_id": _TEXT,
    },
    "billing_coupons": {"coupon_id": _TEXT, "percent_off": _TEXT},
    "signed_lines": {
        "row_key": _TEXT,
        "quantity": _WHOLE,
        "mrr_minor": _WHOLE,
        "discount_percent": _TEXT,
    },
    "signed_terms": {
        "row_key": _TEXT,
        "end_date": _DAY,
        "billing_end_date": _DAY,
        "time_zone": _TEXT,
        "period_end": _WHOLE,
        "months": _WHOLE,
    },
}
