"""The SQL of the facts that corrections of subscriptions need: only those of drift that asks.

Part of what context.py reads: what is written back is in billing's own words, so it comes from
`raw`; who sold it, and until when a period runs, from `conformed`.
"""

from collections.abc import Mapping

import polars as pl

_TEXT, _WHOLE, _FLAG = pl.String(), pl.Int64(), pl.Boolean()

SUBSCRIPTION_QUERIES: Mapping[str, str] = {
    "billing_ends": """
        select wire.id as subscription_id, wire.status, held.channel,
               nullif(wire.schedule, '') as schedule_id,
               wire.cancel_at_period_end as ends_with_period, wire.cancel_at,
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
            from reconciliation.drift where code in ('CON-REN-01', 'SUB-STAT-01')
        )
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
        "days_left": _WHOLE,
        "version": _TEXT,
    },
}
