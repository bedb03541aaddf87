"""Customer records that a system holds twice, and link fields that name somebody else."""

import narwhals as nw

from reconcilers.rules.base import NOTHING, Party, Rule
from reconcilers.rules.severity import floor_of

_G_SYNC_HOURS = 6

# Impact: receivables that are dunned apart and revenue that is counted twice (+). The survivor is
# the owner; what becomes of the other is for people, since no merge can be undone.
CUS_DUP_01 = Rule(
    code="CUS-DUP-01",
    over="cmp_customer__within_system",
    drifts=~nw.col("survivor_id").is_null(),
    applies=nw.col("has_system"),
    owner=Party(nw.col("role"), nw.col("source_system"), nw.col("survivor_id")),
    replica=Party(nw.col("role"), nw.col("source_system"), nw.col("system_id")),
    expected=nw.lit("one record"),
    observed=nw.concat_str([nw.lit("to hang over: "), nw.col("to_hang_over")]),
    impact_minor=nw.col("open_minor").fill_null(0) + nw.col("recurring_minor").fill_null(0),
    floor=nw.when(nw.col("have_both_open").fill_null(value=False))
    .then(nw.lit("S2"))
    .otherwise(nw.lit("S3")),
)


_PARTY = ("role", "system", "id")


def _known(column: str, otherwise: str | None = None) -> nw.Expr:
    """Where the crosswalk knows the counterpart; else the record with the field is alone."""
    known = nw.when(nw.col("has_crosswalk")).then(nw.col(column))
    return known.otherwise(nw.col(otherwise) if otherwise else NOTHING)


def _link_rule(attribute: str) -> Rule:
    """Impact: what is open, or was posted of late, on records that may be the wrong ones (+)."""
    is_it = nw.col("attribute") == attribute
    return Rule(
        code="CUS-LINK-01",
        over="cmp_customer_link__copy_vs_crosswalk",
        drifts=is_it & ~nw.col("fault").is_null(),
        applies=is_it & (nw.col("has_crosswalk") | ~nw.col("copied_id").is_null()),
        owner=Party(*(_known(f"crosswalk_{part}", f"copy_{part}") for part in _PARTY)),
        replica=Party(*(_known(f"copy_{part}") for part in _PARTY)),
        attribute=attribute,
        expected=nw.col("crosswalk_id"),
        observed=nw.col("copied_id"),
        impact_minor=nw.col("at_stake_minor").fill_null(0),
        grace_hours=_G_SYNC_HOURS,
        coverage="copy_coverage_seconds",
        cause=nw.col("fault"),
        floor=floor_of("CUS-LINK-01"),
    )


LINK_ATTRIBUTES = ("crm_account_ref", "billing_customer_ref", "erp_customer_ref")
RULES = (CUS_DUP_01, *map(_link_rule, LINK_ATTRIBUTES))
