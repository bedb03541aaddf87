"""Products that are sold and that a system does not know rightly, and items that post elsewhere."""

import narwhals as nw

from reconcilers.rules.base import Party, Rule, party
from reconcilers.rules.severity import floor_of

_ACCOUNTS = "cmp_product_account__within_erp"

# Impact: what live subscriptions pay a month for what will not be sold, billed or posted (+).
PRD_MAP_01 = Rule(
    code="PRD-MAP-01",
    over="cmp_product__within_system",
    drifts=~nw.col("fault").is_null(),
    applies=nw.col("has_system"),
    owner=Party(nw.lit("billing"), nw.lit("stripe"), nw.col("sold_product_id")),
    replica=Party(nw.col("role"), nw.col("source_system"), nw.col("system_id")),
    expected=nw.lit("one record in use"),
    observed=nw.col("fault"),
    impact_minor=nw.col("live_mrr_minor").fill_null(0),
    cause=nw.col("fault"),
    floor=floor_of("PRD-MAP-01"),
)


def _account_rule(attribute: str) -> Rule:
    """Impact: what was posted on the item since it changed, to another account (+)."""
    is_it = nw.col("attribute") == attribute
    mapped, own = nw.col("mapped_account"), nw.col("item_account")
    is_other = (mapped != own).fill_null(value=False) | (mapped.is_null() != own.is_null())
    return Rule(
        code="PRD-GL-01",
        over=_ACCOUNTS,
        drifts=is_it & is_other,
        applies=is_it & nw.col("has_erp"),
        owner=party("erp"),
        replica=None,
        attribute=attribute,
        expected=mapped,
        observed=own,
        impact_minor=nw.col("posted_minor").fill_null(0),
        floor=floor_of("PRD-GL-01"),
    )


RULES = (PRD_MAP_01, *map(_account_rule, ("revenue_account", "deferred_account")))
