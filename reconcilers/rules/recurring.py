"""Recurring revenue: each month follows the one before, and the CRM shows what was signed."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_is_gap = nw.col("fault") == "not_charged"

# Impact: what the roll-forward lost of revenue that went on (+), or what does not add up. No
# tolerance and no window: all of it is made here, of what billing says.
MRR_ROLL_01 = Rule(
    code="MRR-ROLL-01",
    over="cmp_mrr_month__movements_vs_closing",
    drifts=~nw.col("fault").is_null(),
    applies=nw.col("has_closing"),
    owner=party("billing"),
    replica=None,
    attribute="movement",
    part=nw.col("period"),
    expected=nw.when(_is_gap)
    .then(nw.col("opening_minor").cast(nw.String))
    .otherwise(nw.col("movements_amount_minor").cast(nw.String)),
    observed=nw.col("closing_amount_minor").cast(nw.String),
    impact_minor=nw.when(_is_gap)
    .then(nw.col("opening_minor"))
    .otherwise(nw.col("movements_amount_minor") - nw.col("closing_amount_minor")),
    cause=nw.col("fault"),
    floor=floor_of("MRR-ROLL-01"),
)

_G_ROLLED_UP_HOURS = 24
_shown = nw.col("crm_amount_minor")
_signed = nw.col("contracts_amount_minor")
_is_blank = _shown.is_null()

# Impact: revenue that was signed and is not shown (+), or shown and not signed (-), in a year. The
# CRM may round each line. A nightly roll-up has done its work after a day.
MRR_XSYS_01 = Rule(
    code="MRR-XSYS-01",
    over="cmp_account_arr__crm_vs_contracts",
    drifts=(_is_blank & (_signed != 0)) | ((_signed - _shown).abs() > nw.col("line_count")),
    applies=nw.col("has_contracts"),
    owner=party("crm"),
    replica=None,
    attribute="arr",
    expected=_signed.cast(nw.String),
    observed=nw.when(_is_blank).then(nw.lit("missing")).otherwise(_shown.cast(nw.String)),
    impact_minor=_signed - _shown.fill_null(0),
    grace_hours=_G_ROLLED_UP_HOURS,
    coverage="crm_coverage_seconds",
    cause=nw.when(_is_blank)
    .then(nw.lit("not_filled"))
    .otherwise(
        nw.when(_signed == 0)
        .then(nw.lit("nothing_signed"))
        .otherwise(
            nw.when(nw.col("is_of_another_currency"))
            .then(nw.lit("other_currency"))
            .otherwise(nw.lit("not_updated"))
        )
    ),
    floor=floor_of("MRR-XSYS-01"),
)

RULES = (MRR_ROLL_01, MRR_XSYS_01)
