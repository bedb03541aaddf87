"""Fields that two writers keep changing; what did not help is told in ineffective.py."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

FLAPS = 3

# Impact: none of its own; what the field is worth is told by its class.
CTL_CORR_01 = Rule(
    code="CTL-CORR-01",
    over="cmp_field_writes__within_erp",
    drifts=(nw.col("change_count") >= FLAPS) & (nw.col("writer_count") > 1),
    applies=nw.col("has_erp"),
    owner=party("erp"),
    replica=None,
    attribute="flaps",
    part=nw.col("field"),
    expected=nw.lit("one writer"),
    observed=nw.concat_str(
        [nw.col("change_count").cast(nw.String), nw.lit(" changes, now "), nw.col("last_value")]
    ),
    impact_minor=nw.lit(0),
    cause=nw.lit("flapping"),
    floor=floor_of("CTL-CORR-01"),
)

RULES = (CTL_CORR_01,)
