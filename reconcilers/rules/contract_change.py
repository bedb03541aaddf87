"""Who changed a contract line without the other side: the paper, billing, or only its discount."""

import narwhals as nw

from reconcilers.rules.base import Rule, either, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_contract_change__crm_vs_billing"
_G_BILL_HOURS = 48
_NO_PERCENT = 0

_both = nw.col("has_crm") & nw.col("has_billing")
_side = nw.col("changed_side").fill_null("")
_agreed = nw.col("crm_amount_minor").fill_null(0)
_charged = nw.col("billing_amount_minor").fill_null(0)
_left = nw.col("remaining_months").fill_null(1)
_is_signed = nw.col("is_signed").fill_null(value=False)
_same_units = nw.col("crm_quantity") == nw.col("billing_quantity")


def _by_authority(signed: nw.Expr, unsigned: nw.Expr) -> nw.Expr:
    """Signed paper decides; an edit that nobody signed does not."""
    return nw.when(_is_signed).then(signed).otherwise(unsigned)


# Impact: the monthly difference since the change took effect and for the months left: + billing
# charges less than the paper says.
CON_AMD_01 = Rule(
    code="CON-AMD-01",
    over=_OVER,
    drifts=_both & (_side == "crm"),
    applies=_both,
    owner=either("crm", "billing", _is_signed),
    replica=either("billing", "crm", _is_signed),
    attribute="mrr",
    part=nw.col("product_code"),
    expected=_by_authority(_agreed, _charged).cast(nw.String),
    observed=_by_authority(_charged, _agreed).cast(nw.String),
    impact_minor=(_agreed - _charged) * (nw.col("months_since_change").fill_null(0) + _left),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=_by_authority(nw.lit("signed"), nw.lit("unsigned")),
    floor=nw.when(nw.col("is_invoiced_since").fill_null(value=False))
    .then(nw.lit("S3"))
    .otherwise(nw.lit("S4")),
)

# Impact: the monthly difference for the months left: + billing charges less than the paper says.
CON_AMD_02 = Rule(
    code="CON-AMD-02",
    over=_OVER,
    drifts=_both & (_side == "billing"),
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="mrr",
    part=nw.col("product_code"),
    expected=_agreed.cast(nw.String),
    observed=_charged.cast(nw.String),
    impact_minor=(_agreed - _charged) * _left,
    grace_hours=_G_BILL_HOURS,
    coverage="crm_coverage_seconds",
    cause=nw.when(_same_units).then(nw.lit("price")).otherwise(nw.lit("quantity")),
    floor=floor_of("CON-AMD-02"),
)

_off = nw.col("billing_discount_percent")
_agreed_off = nw.col("crm_discount_percent")

# Impact: what the discount makes of the months left: + billing takes off more than was agreed.
CON_DISC_01 = Rule(
    code="CON-DISC-01",
    over=_OVER,
    drifts=_both & (_side == "discount"),
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="discount_percent",
    part=nw.col("product_code"),
    expected=_agreed_off.cast(nw.String),
    observed=_off.cast(nw.String),
    impact_minor=(_agreed - _charged) * _left,
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.when(_off == _NO_PERCENT)
    .then(nw.lit("missing"))
    .otherwise(
        nw.when(_agreed_off == _NO_PERCENT)
        .then(nw.lit("not_agreed"))
        .otherwise(nw.lit("other_percent"))
    ),
    floor=floor_of("CON-DISC-01"),
)

# Impact: the contracted discount of the months for which it will be gone (-).
CON_DISC_01_ENDS = Rule(
    code="CON-DISC-01",
    over=_OVER,
    drifts=_both & ~nw.col("discount_end_date").is_null() & (_agreed_off > _NO_PERCENT),
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="discount_end_date",
    part=nw.col("product_code"),
    expected=nw.lit("the end of the line"),
    observed=nw.col("discount_end_date").cast(nw.String),
    impact_minor=-(
        nw.col("crm_discount_minor").fill_null(0) * nw.col("undiscounted_months").fill_null(0)
    )
    .round(0)
    .cast(nw.Int64),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.lit("ends_early"),
    floor=floor_of("CON-DISC-01"),
)

RULES = (CON_AMD_01, CON_AMD_02, CON_DISC_01, CON_DISC_01_ENDS)
