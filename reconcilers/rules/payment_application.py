"""Cash that pays nothing in the ledger, less than billing says, or what billing still asks for."""

import narwhals as nw

from reconcilers.rules.base import SYSTEM_OF_ROLE, Party, Rule, party
from reconcilers.rules.severity import floor_of

_CODE = "PAY-APPL-01"

_untold = nw.col("untold_minor").fill_null(0)
_is_ours = ~nw.col("has_billing")
_elsewhere = nw.col("is_elsewhere").fill_null(value=False)
_to_apply = nw.col("to_apply_minor").fill_null(0)
_applied = nw.col("erp_amount_minor").fill_null(0)
_over = (_applied - nw.col("billing_amount_minor")).fill_null(0)
_is_over = ~_elsewhere & (_over > 0)


def _by_side(ours: str, theirs: str) -> nw.Expr:
    return nw.when(_is_ours).then(nw.lit(ours)).otherwise(nw.lit(theirs))


# Impact: invoices that the ledger still asks for although they were paid: receivables are
# overstated (-). Collected by the provider, billing knows what was paid.
PAY_APPL_01 = Rule(
    code=_CODE,
    over="cmp_payment_application__billing_vs_erp",
    drifts=(_is_ours & (_untold == 0)) | _elsewhere | (_to_apply > 0) | _is_over,
    applies=nw.col("has_billing") | nw.col("has_erp"),
    owner=Party(
        role=_by_side("erp", "billing"),
        system=_by_side(SYSTEM_OF_ROLE["erp"], SYSTEM_OF_ROLE["billing"]),
        id=nw.when(_is_ours).then(nw.col("erp_payment_id")).otherwise(nw.col("payment_id")),
    ),
    replica=Party(
        role=nw.lit("erp"),
        system=nw.lit(SYSTEM_OF_ROLE["erp"]),
        id=nw.when(~_is_ours).then(nw.col("erp_payment_id")),
    ),
    attribute="application",
    expected=nw.col("billing_invoice_id"),
    observed=nw.when(_is_ours | _elsewhere | _is_over)
    .then(nw.col("erp_invoice"))
    .otherwise(nw.lit("unapplied")),
    impact_minor=-nw.when(_is_ours | _elsewhere)
    .then(_applied)
    .otherwise(nw.when(_is_over).then(_over).otherwise(_to_apply)),
    coverage="apply_coverage_seconds",
    cause=nw.when(_is_ours)
    .then(nw.lit("not_in_billing"))
    .otherwise(
        nw.when(_elsewhere)
        .then(nw.lit("other_invoice"))
        .otherwise(nw.when(_is_over).then(nw.lit("too_much")).otherwise(nw.lit("unapplied")))
    ),
    floor=nw.when(nw.col("is_overdue").fill_null(value=False))
    .then(nw.lit("S2"))
    .otherwise(floor_of(_CODE)),
)

# Impact: what billing still asks for though the bank has it (+). Until somebody tells billing, a
# payer is dunned.
PAY_OOB_01 = Rule(
    code="PAY-OOB-01",
    over="cmp_payment_application__billing_vs_erp",
    drifts=_is_ours & (_untold > 0),
    applies=_is_ours & ~nw.col("untold_invoice_id").is_null(),
    owner=Party(
        role=nw.lit("erp"), system=nw.lit(SYSTEM_OF_ROLE["erp"]), id=nw.col("erp_payment_id")
    ),
    replica=Party(
        role=nw.lit("billing"),
        system=nw.lit(SYSTEM_OF_ROLE["billing"]),
        id=nw.col("untold_invoice_id"),
    ),
    expected=nw.lit("paid out of band"),
    observed=nw.col("untold_status"),
    impact_minor=_untold,
    coverage="told_coverage_seconds",
    cause=nw.when(_untold == nw.col("untold_due_minor"))
    .then(nw.lit("in_full"))
    .otherwise(nw.lit("in_part")),
    floor=floor_of("PAY-OOB-01"),
)

_fits = nw.col("unapplied_minor").fill_null(0)

# Collected by the bank, the ledger alone knows of it: money that fits an open invoice.
PAY_APPL_01_BANK = Rule(
    code=_CODE,
    over="cmp_payment__billing_vs_erp",
    drifts=nw.col("has_erp") & ~nw.col("has_billing") & (_fits > 0),
    applies=nw.col("has_erp") & ~nw.col("has_billing"),
    owner=party("erp"),
    replica=None,
    attribute="application",
    expected=nw.lit("applied"),
    observed=nw.lit("unapplied"),
    impact_minor=-_fits,
    coverage="apply_coverage_seconds",
    cause=nw.lit("unapplied"),
    floor=floor_of(_CODE),
)

RULES = (PAY_APPL_01, PAY_OOB_01, PAY_APPL_01_BANK)
