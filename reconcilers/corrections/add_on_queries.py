"""The plan's facts about add-ons that were sold to end with their contract, as SQL."""

from collections.abc import Mapping

import polars as pl

_TEXT, _WHOLE, _FLAG, _DAY = pl.String(), pl.Int64(), pl.Boolean(), pl.Date()

_OF_SUBSCRIPTION: dict[str, pl.DataType] = {
    "status": _TEXT,
    "customer_id": _TEXT,
    "currency": _TEXT,
    "schedule_id": _TEXT,
    "cancel_at": _WHOLE,
    "ends_with_period": _FLAG,
    "discounts": _TEXT,
    "items": _TEXT,
}

ADD_ON_SCHEMAS: Mapping[str, dict[str, pl.DataType]] = {
    # What a line, its contract and the contract's subscription say of the end: `end_date` as the
    # CRM has it, `cancel_at` and `runs_since` unix seconds, `phases` JSON of the vendor.
    # `lines_beside` counts lines of the same product that are served by then, too.
    "co_terms": {
        "row_key": _TEXT,
        "line_id": _TEXT,
        "start_date": _DAY,
        "end_date": _TEXT,
        "as_of_date": _DAY,
        "contract_id": _TEXT,
        "contract_end_date": _DAY,
        "lines_beside": _WHOLE,
        "changed_side": _TEXT,
        "subscription_id": _TEXT,
        "cancel_at": _WHOLE,
        "schedule_id": _TEXT,
        "phases": _TEXT,
        "runs_since": _WHOLE,
        "planned_end_date": _DAY,
        "time_zone": _TEXT,
        "version": _TEXT,
    },
    # The subscription that bills a line alone, and that of its contract: `items` and `discounts`
    # JSON of the vendor, `cancel_at` and `read_at` unix seconds.
    "add_ons": {
        "row_key": _TEXT,
        "line_id": _TEXT,
        "is_as_signed": _FLAG,
        "item_id": _TEXT,
        "item_count": _WHOLE,
        "channel": _TEXT,
        "read_at": _WHOLE,
        "subscription_id": _TEXT,
        **_OF_SUBSCRIPTION,
        "contract_subscription_id": _TEXT,
        **{f"contract_{name}": kind for name, kind in _OF_SUBSCRIPTION.items()},
    },
}

ADD_ON_QUERIES: Mapping[str, str] = {
    "co_terms": """
        select told.row_key, lines.contract_line_id as line_id, lines.start_date,
               wire.end_date__c as end_date, lines.as_of_date, contracts.contract_id,
               contracts.end_date as contract_end_date, (
                   select count(*) from canonical.contract_lines as others
                   where others.contract_id = lines.contract_id
                     and others.product_code = lines.product_code
                     and others.contract_line_id <> lines.contract_line_id
                     and others.end_date >= least(lines.end_date, contracts.end_date)
               ) as lines_beside,
               changes.changed_side, held.id as subscription_id, held.cancel_at,
               nullif(held.schedule, '') as schedule_id, cast(plans.phases as varchar) as phases,
               plans.current_phase_start_date as runs_since, (
                   select max(end_date) from canonical.subscription_phases as planned
                   where planned.subscription_schedule_id = plans.id
               ) as planned_end_date,
               entities.time_zone, wire.systemmodstamp as version
        from reconciliation.drift as told
        join canonical.contract_lines as lines on told.owner_id = lines.contract_line_id
        join raw.salesforce__contract_line as wire on lines.contract_line_id = wire.id
        join canonical.contracts as contracts on lines.contract_id = contracts.contract_id
        join raw.stripe__subscription as held on contracts.subscription_id = held.id
        left join raw.stripe__subscription_schedule as plans on held.schedule = plans.id
        left join comparison.cmp_contract_change__crm_vs_billing as changes
            on lines.contract_id = changes.crm_id and lines.product_code = changes.product_code
        left join seeds.legal_entities as entities
            on contracts.legal_entity = entities.legal_entity
        where told.code = 'CON-COT-01' and told.attribute like 'end_date:%'
    """,
    "add_ons": """
        with held as (
            select id as subscription_id, status, customer as customer_id, currency,
                   nullif(schedule, '') as schedule_id, cancel_at,
                   cancel_at_period_end as ends_with_period,
                   cast(discounts as varchar) as discounts, cast(items as varchar) as items
            from raw.stripe__subscription
        ),
        billed as (
            select items.contract_line_id, count(*) as item_count, min(items.item_id) as item_id,
                   sum(items.quantity) as quantity,
                   sum(items.unit_mrr_minor * items.quantity) as mrr_minor
            from canonical.subscription_items as items
            join canonical.subscriptions as running
                on items.subscription_id = running.subscription_id
            where running.status <> 'cancelled'
            group by items.contract_line_id
        )
        select told.row_key, lines.contract_line_id as line_id,
               coalesce(
                   billed.quantity = lines.quantity
                   and abs(billed.mrr_minor - lines.unit_mrr_minor * lines.quantity) <= 1, false
               ) as is_as_signed,
               billed.item_id, billed.item_count, kept.channel,
               cast(epoch(seen.watermark_at) as bigint) as read_at, apart.*, {own}
        from reconciliation.drift as told
        join canonical.contract_lines as lines on told.owner_id = lines.contract_line_id
        join canonical.contracts as contracts on lines.contract_id = contracts.contract_id
        join billed on lines.contract_line_id = billed.contract_line_id
        join held as apart on told.replica_id = apart.subscription_id
        join conformed.subscription__billing as kept
            on apart.subscription_id = kept.subscription_id
        join held as own on contracts.subscription_id = own.subscription_id
        cross join (
            select watermark_at from raw.snapshots
            where system = 'stripe' and object = 'subscription'
        ) as seen
        where told.code = 'CON-COT-01' and told.attribute like 'subscription:%'
    """.format(
        own=", ".join(
            f"own.{name} as contract_{name}" for name in ("subscription_id", *_OF_SUBSCRIPTION)
        )
    ),
}
