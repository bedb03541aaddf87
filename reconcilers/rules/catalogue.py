"""Every rule that a night evaluates."""

from collections.abc import Iterable
from datetime import date

from reconcilers.matrix import FieldRule, in_force
from reconcilers.rules import (
    bank,
    clearing,
    contract,
    contract_add_on,
    contract_change,
    contract_phase,
    contract_renewal,
    control,
    credit_note,
    customer,
    customer_parent,
    customer_records,
    customer_status,
    deferred,
    dispute,
    edits,
    exchange,
    invoice,
    invoice_line,
    invoice_schedule,
    invoice_tax,
    journal,
    party,
    payment,
    payment_application,
    payout,
    posting,
    price,
    product,
    recurring,
    refund,
    revenue,
    subscription_item,
    usage,
    writes,
)
from reconcilers.rules.base import Rule
from reconcilers.rules.field import field_rule

EXISTENCE_RULES: tuple[Rule, ...] = (
    *control.RULES,
    *customer.RULES,
    *customer_records.RULES,
    *customer_status.RULES,
    *customer_parent.RULES,
    *party.RULES,
    *product.RULES,
    *price.RULES,
    *contract.RULES,
    *contract_change.RULES,
    *contract_add_on.RULES,
    *contract_phase.RULES,
    *contract_renewal.RULES,
    *subscription_item.RULES,
    *invoice.RULES,
    *invoice_line.RULES,
    *invoice_schedule.RULES,
    *invoice_tax.RULES,
    *credit_note.RULES,
    *payment.RULES,
    *payment_application.RULES,
    *refund.RULES,
    *dispute.RULES,
    *payout.RULES,
    *bank.RULES,
    *revenue.RULES,
    *usage.RULES,
    *deferred.RULES,
    *exchange.RULES,
    *posting.RULES,
    *clearing.RULES,
    *journal.RULES,
    *edits.RULES,
    *recurring.RULES,
    *writes.RULES,
)


def all_rules(matrix: Iterable[FieldRule], snapshot_date: date | None = None) -> list[Rule]:
    """The existence rules, and one per row of the matrix in force that day (None = the latest)."""
    return [*EXISTENCE_RULES, *map(field_rule, in_force(matrix, snapshot_date))]
