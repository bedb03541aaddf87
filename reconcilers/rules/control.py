"""Readings that are not complete or not fresh; a hit makes what it could explain unproven."""

import narwhals as nw

from reconcilers.rules.base import ROLE_OF_SYSTEM, Party, Rule
from reconcilers.rules.comparison import CONTROL
from reconcilers.rules.severity import floor_of

# A system that is read more than this behind the newest one cannot be compared with it.
STALE_AFTER_SECONDS = 6 * 3600


def _role() -> nw.Expr:
    role: nw.Expr = nw.lit(None, dtype=nw.String)
    for system, name in ROLE_OF_SYSTEM.items():
        role = nw.when(nw.col("system") == system).then(nw.lit(name)).otherwise(role)
    return role


_OBJECT = Party(role=_role(), system=nw.col("system"), id=nw.col("object"))

_ARRIVED = nw.col("landed_count") + nw.col("quarantined_count")

# Impact: unknown (0), since the source does not say which records are gone.
CTL_CNT_01 = Rule(
    code="CTL-CNT-01",
    over=CONTROL.name,
    drifts=nw.col("difference") != 0,
    applies=~nw.col("source_count").is_null(),
    owner=_OBJECT,
    replica=None,
    # Of the counts before and after the read, the one that is nearer to what arrived.
    expected=(_ARRIVED + nw.col("difference")).cast(nw.String),
    observed=_ARRIVED.cast(nw.String),
    impact_minor=nw.lit(0),
    cause=nw.when(nw.col("difference") > 0)
    .then(nw.lit("records_missing"))
    .otherwise(nw.lit("records_surplus")),
    floor=floor_of("CTL-CNT-01"),
)

_is_behind = (nw.col("staleness_seconds") > STALE_AFTER_SECONDS).fill_null(value=True)
_is_short = ~nw.col("covers_day").fill_null(value=False)

CTL_STALE_01 = Rule(
    code="CTL-STALE-01",
    over=CONTROL.name,
    drifts=_is_behind | _is_short,
    applies=~nw.col("system").is_null(),
    owner=_OBJECT,
    replica=None,
    expected=nw.col("newest_watermark_at").dt.to_string("%Y-%m-%dT%H:%M:%SZ"),
    observed=nw.col("watermark_at").dt.to_string("%Y-%m-%dT%H:%M:%SZ"),
    impact_minor=nw.lit(0),
    cause=nw.when(_is_behind)
    .then(nw.lit("behind_the_others"))
    .otherwise(nw.lit("day_not_covered")),
    floor=floor_of("CTL-STALE-01"),
)

RULES = (CTL_CNT_01, CTL_STALE_01)
