"""Planted drift: for each code a way to make the systems disagree, and the truth about it.

A plant changes only the records of its subject; the truth file says which rows a night must then
report, consequences included. Different codes can be planted together in any number: subjects are
claimed, and `plant` refuses to go beyond what is eligible.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from extractors.sandbox.drift import (
    accounts,
    add_ons,
    amendments,
    annual_values,
    applications,
    bank,
    banked,
    clearing,
    contract_terms,
    contracts,
    controls,
    credit_applications,
    credit_notes,
    customer_records,
    customers,
    deferred,
    discounts,
    disputes,
    edits,
    entities,
    exchange,
    flapping,
    invoice_dates,
    invoice_lines,
    invoices,
    journals,
    keys,
    modifications,
    parents,
    parties,
    payments,
    payouts,
    plans,
    postings,
    prices,
    products,
    ramps,
    recurring,
    refunds,
    renewals,
    returns,
    schedules,
    settlement,
    standing,
    subscription_items,
    subscriptions,
    taxes,
    unpapered,
    usage,
)
from extractors.sandbox.drift.ground import TRUTH, Ground, Truth
from extractors.sandbox.store import Store

Planter = Callable[[Ground, int], None]

PLANTERS: MappingProxyType[str, Planter] = MappingProxyType(
    {
        "CTL-CNT-01": controls.plant_short_count,
        "CTL-STALE-01": controls.plant_stale,
        "CTL-XREF-01": keys.plant_lost_key,
        "CTL-CORR-01": flapping.plant_two_writers,
        "CUS-MISS-01": customers.plant_missing_in_crm,
        "CUS-MISS-02": customers.plant_missing_in_erp,
        "CUS-DUP-01": customer_records.plant_twice,
        "CUS-LINK-01": customer_records.plant_wrong_link,
        "CUS-ATTR-01": customers.plant_attribute,
        "CUS-STAT-01": standing.plant_out_of_use,
        "HIE-PAR-01": parents.plant_other_parent,
        "HIE-BILL-01": parties.plant_other_party,
        "PRD-MAP-01": products.plant_not_mapped,
        "PRD-GL-01": products.plant_other_accounts,
        "PRD-PRC-01": prices.plant_other_list_price,
        "PRD-BAS-01": prices.plant_other_basis,
        "CON-MISS-01": contracts.plant_never_set_up,
        "CON-MISS-02": unpapered.plant_no_contract,
        "CON-AMT-01": contracts.plant_wrong_price,
        "CON-TERM-01": contract_terms.plant_other_term,
        "CON-AMD-01": amendments.plant_not_followed,
        "CON-AMD-02": amendments.plant_changed_in_billing,
        "CON-DISC-01": discounts.plant_other_discount,
        "CON-REN-01": renewals.plant_other_renewal,
        "CON-COT-01": add_ons.plant_not_co_termed,
        "CON-RAMP-01": ramps.plant_other_phase,
        "SUB-STAT-01": subscriptions.plant_stale_copy,
        "SUB-QTY-01": contracts.plant_wrong_quantity,
        "SUB-DUP-01": subscription_items.plant_billed_twice,
        "USG-QTY-01": usage.plant_other_quantity,
        "USG-RATE-01": usage.plant_other_price,
        "INV-MISS-01": invoices.plant_not_posted,
        "INV-MISS-02": invoices.plant_without_source,
        "INV-DUP-01": invoices.plant_twice,
        "INV-AMT-01": invoices.plant_other_total,
        "INV-LINE-01": invoice_lines.plant_other_lines,
        "INV-DATE-01": invoice_dates.plant_other_dates,
        "INV-STAT-01": settlement.plant_other_status,
        "INV-SCHD-01": schedules.plant_not_issued,
        "CRN-MISS-01": credit_notes.plant_missing,
        "CRN-AMT-01": credit_notes.plant_other_amount,
        "CRN-APPL-01": credit_applications.plant_other_application,
        "TAX-AMT-01": taxes.plant_other_tax,
        "TAX-CODE-01": taxes.plant_other_code,
        "PAY-MISS-01": settlement.plant_payment_missing,
        "PAY-DUP-01": payments.plant_payment_twice,
        "PAY-AMT-01": payments.plant_other_amount,
        "PAY-APPL-01": applications.plant_unapplied,
        "PAY-OOB-01": banked.plant_untold,
        "PAY-RET-01": returns.plant_returned,
        "RFD-MISS-01": refunds.plant_refund_missing,
        "RFD-DUP-01": refunds.plant_refund_twice,
        "DSP-LIFE-01": disputes.plant_stage_missing,
        "PYT-COMP-01": payouts.plant_other_members,
        "PYT-DEP-01": payouts.plant_other_deposit,
        "REV-SCH-01": plans.plant_plans_apart,
        "REV-AMT-01": plans.plant_other_amount,
        "REV-PER-01": plans.plant_other_months,
        "REV-MOD-01": modifications.plant_not_prospective,
        "REV-STOP-01": plans.plant_other_end,
        "REV-ROLL-01": deferred.plant_plug,
        "REV-FX-01": exchange.plant_other_difference,
        "JE-MISS-01": postings.plant_no_journal,
        "JE-DUP-01": postings.plant_journal_twice,
        "JE-PER-01": postings.plant_other_period,
        "JE-ACC-01": accounts.plant_other_account,
        "JE-ENT-01": entities.plant_other_entity,
        "PYT-BANK-01": bank.plant_not_as_paid,
        "PYT-CLR-01": clearing.plant_unidentified,
        "JE-BAL-01": journals.plant_unbalanced,
        "JE-EDIT-01": edits.plant_by_hand,
        "JE-CLS-01": edits.plant_after_close,
        "MRR-ROLL-01": recurring.plant_not_charged,
        "MRR-XSYS-01": annual_values.plant_other_value,
    }
)


def plant(store: Store, code: str, count: int, seed: int) -> list[Truth]:
    """Plant `count` cases of one code; returns the rows that a night must report because of them.

    Raises ValueError, with nothing planted, for an unknown code or more than is eligible.
    """
    if code not in PLANTERS:
        raise ValueError(f"{code} is not planted here; known are {', '.join(PLANTERS)}")
    if count < 1:
        raise ValueError(f"Cannot plant {count} cases of {code}")
    with store.transaction():
        ground = Ground(store, code, seed)
        PLANTERS[code](ground, count)
        return ground.save()


def truth(store: Store) -> list[dict[str, Any]]:
    """All rows that a night must report, in the order of planting."""
    rows: list[dict[str, Any]] = store.meta(TRUTH, [])
    return rows


__all__ = ["PLANTERS", "Truth", "plant", "truth"]
