"""Stages of a dispute that the ledger does not follow: money withdrawn, and how it ended."""

import narwhals as nw

from reconcilers.rules.base import Rule, either
from reconcilers.rules.severity import floor_of

_OVER = "cmp_dispute__billing_vs_erp"
_G_SYNC_HOURS = 6
_EVIDENCE_SECONDS = 3 * 24 * 3600

_is_ours = ~nw.col("has_billing")
_is_lone = nw.col("has_billing") & ~nw.col("has_erp")
_other_outcome = (nw.col("billing_stage") != nw.col("erp_stage")).fill_null(value=False)
_other_amount = (nw.col("billing_amount_minor") != nw.col("erp_amount_minor")).fill_null(
    value=False
)


def _valued(side: str) -> nw.Expr:
    """What a stage does to what we own: a won dispute adds, the others take away."""
    amount = nw.col(f"{side}_amount_minor").fill_null(0)
    return nw.when(nw.col(f"{side}_stage") == "won").then(amount).otherwise(-amount)


# Impact: the provider's stage, with its fee, less the ledger's: + is money that the ledger leaves
# out, - money that it still shows. Another outcome counts once, as the provider has it.
DSP_LIFE_01 = Rule(
    code="DSP-LIFE-01",
    over=_OVER,
    drifts=_is_ours | _is_lone | _other_outcome | _other_amount,
    applies=nw.col("has_billing") | nw.col("has_erp"),
    owner=either("billing", "erp", nw.col("has_billing")),
    replica=either("billing", "erp", _is_ours),
    attribute="stage",
    part=nw.col("phase"),
    expected=nw.concat_str(
        [nw.col("billing_stage"), nw.lit(" "), nw.col("billing_amount_minor").cast(nw.String)]
    ),
    observed=nw.concat_str(
        [nw.col("erp_stage"), nw.lit(" "), nw.col("erp_amount_minor").cast(nw.String)]
    ),
    impact_minor=nw.when(_is_ours)
    .then(-_valued("erp"))
    .otherwise(
        nw.when(_is_lone | _other_outcome)
        .then(_valued("billing") - nw.col("fee_minor").fill_null(0))
        .otherwise(_valued("billing") - _valued("erp"))
    ),
    grace_hours=_G_SYNC_HOURS,
    coverage="stage_coverage_seconds",
    cause=nw.when(_is_ours)
    .then(nw.lit("not_at_provider"))
    .otherwise(
        nw.when(_is_lone)
        .then(nw.lit("not_posted"))
        .otherwise(
            nw.when(_other_outcome).then(nw.lit("other_outcome")).otherwise(nw.lit("other_amount"))
        )
    ),
    floor=nw.when((nw.col("evidence_seconds") < _EVIDENCE_SECONDS).fill_null(value=False))
    .then(nw.lit("S2"))
    .otherwise(floor_of("DSP-LIFE-01")),
)

RULES = (DSP_LIFE_01,)
