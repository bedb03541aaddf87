"""TO-USG: what was metered = billed + not billed, by meter; nothing used is lost."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import duckdb

Line = Mapping[str, Any]

# By meter, what was staged and what has become of it: days (each once), and units of the meter.
# Days of a meter that keeps last values do not add up: their sum only proves that none changed.
_METERED = """
    with published as (
        select meter_id, usage_id, max(quantity) as quantity, min(disposition) as disposition
        from canonical.usage group by all
    ),
    placed as (
        select meter_id, disposition, count(*) as days, sum(quantity) as quantity
        from published group by all
    ),
    metered as (
        select meter_id, count(*) as days, sum(quantity) as quantity
        from staging.stg_stripe__usages where is_last_reading group by all
    )
    select coalesce(metered.meter_id, placed.meter_id), placed.disposition,
        coalesce(any_value(metered.days), 0), coalesce(any_value(metered.quantity), 0),
        coalesce(any_value(placed.days), 0), coalesce(any_value(placed.quantity), 0),
        coalesce(any_value(meters.aggregation), 'sum') <> 'last'
    from metered full outer join placed on metered.meter_id = placed.meter_id
    left join staging.stg_stripe__meters as meters
        on coalesce(metered.meter_id, placed.meter_id) = meters.meter_id
    group by 1, 2 order by 1, 2
"""


def usage_lines(con: duckdb.DuckDBPyConnection) -> Iterator[Line]:
    """A line of TO-USG per meter that counted anything; quantities, which are no money, in words.

    Days that were read and broke their contract are staged nowhere: TO-EXT counts them.
    """
    read = "select 1 from raw.snapshots where system = 'stripe' and object = 'usage'"
    if not con.sql(read).fetchall():
        return
    by_meter: dict[str, list[tuple[Any, ...]]] = {}
    for meter, *placed in con.sql(_METERED).fetchall():
        by_meter.setdefault(meter, []).append(tuple(placed))
    for meter, placed in by_meter.items():
        yield _line(meter, placed)


def _line(meter: str, placed: list[tuple[Any, ...]]) -> Line:
    _, days, quantity, _, _, adds_up = placed[0]
    there, units = sum(row[3] for row in placed), sum(row[4] for row in placed)
    told = ", ".join(f"{_text(row[4]) if adds_up else row[3]} {row[0]}" for row in placed if row[0])
    metered = f"{_text(quantity)} units" if adds_up else f"{days} last values"
    return {
        "code": "TO-USG",
        "scope": meter,
        "left_label": "staging.stg_stripe__usages",
        "left_rows": days,
        "right_label": "canonical.usage, each day once",
        "right_rows": there,
        "unexplained_rows": abs(days - there),
        "holds": (days, quantity) == (there, units),
        "detail": f"{metered} metered: {told or 'none published'}",
    }


def _text(quantity: Decimal) -> str:
    return format(quantity.normalize(), "f")
