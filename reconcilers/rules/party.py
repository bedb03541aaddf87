"""Documents whose buyer, payer and debtor are not of one family."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_G_BILL_HOURS = 48

# Impact: open invoices of the subscription, which went to somebody who did not buy (-).
HIE_BILL_01_OF_CONTRACTS = Rule(
    code="HIE-BILL-01",
    over="cmp_contract_party__crm_vs_billing",
    drifts=nw.col("is_other_family"),
    applies=nw.col("has_crm") & nw.col("has_billing"),
    owner=party("crm"),
    replica=party("billing"),
    attribute="bill_to",
    expected=nw.col("sold_to_customer_id"),
    observed=nw.col("billed_customer_id"),
    impact_minor=-nw.col("billing_amount_minor").fill_null(0),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.lit("billed_to_a_stranger"),
    floor=floor_of("HIE-BILL-01"),
)

# Impact: what is open of the invoice and owed by somebody who was not billed (-).
HIE_BILL_01_OF_INVOICES = Rule(
    code="HIE-BILL-01",
    over="cmp_invoice_party__billing_vs_erp",
    drifts=nw.col("is_other_family"),
    applies=nw.col("has_billing") & nw.col("has_erp"),
    owner=party("billing"),
    replica=party("erp"),
    attribute="posted_to",
    expected=nw.col("billed_customer_id"),
    observed=nw.col("posted_customer_id"),
    impact_minor=-nw.col("open_minor").fill_null(0),
    grace_hours=_G_BILL_HOURS,
    coverage="erp_coverage_seconds",
    cause=nw.lit("posted_to_a_stranger"),
    floor=floor_of("HIE-BILL-01"),
)

RULES = (HIE_BILL_01_OF_CONTRACTS, HIE_BILL_01_OF_INVOICES)
