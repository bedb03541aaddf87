"""Tax codes of the ledger that are not those under which billing charged."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_fault = nw.col("code_fault")

# Impact: what billing charged less what the ledger's code stands for: + is tax that a return made
# from the ledger leaves out. No grace: a posted code stays.
TAX_CODE_01 = Rule(
    code="TAX-CODE-01",
    over="cmp_invoice_tax__billing_vs_erp",
    drifts=~_fault.is_null(),
    applies=~(nw.col("billing_tax_codes").is_null() | nw.col("erp_tax_codes").is_null()),
    owner=party("billing"),
    replica=party("erp"),
    attribute="tax_code",
    part=nw.col("jurisdiction"),
    expected=nw.col("billing_tax_codes"),
    observed=nw.col("erp_tax_codes"),
    impact_minor=nw.when(nw.col("erp_rated_minor").is_null())
    .then(nw.lit(0))
    .otherwise(nw.col("billing_tax_minor") - nw.col("erp_rated_minor")),
    cause=_fault,
    floor=floor_of("TAX-CODE-01"),
)

RULES = (TAX_CODE_01,)
