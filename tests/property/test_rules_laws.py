"""A law of rules: a class tells each row at fault once, no other row, and all that is at stake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import (
    billing_invoice,
    declared_columns,
    drift_in,
    erp_invoice,
    invoice,
    only,
    paired,
)
from tests.effort import examples

Row = dict[str, Any]
CONTRACTS = "cmp_contract__crm_vs_billing"
LINES = "cmp_contract_line__crm_vs_billing"
INVOICES = "cmp_invoice__billing_vs_erp"
PLANS = "cmp_revenue_schedule__policy_vs_erp"
MODIFICATIONS = "cmp_contract_modification__policy_vs_erp"


@dataclass(frozen=True)
class Case:
    """A class with a row at fault and one that is not, each for an amount, and its impact."""

    code: str
    over: str
    at_fault: Callable[[str, int], Row]
    right: Callable[[str, int], Row]
    impact: Callable[[int], int]


def known(over: str, row: Row) -> Row:
    return {name: value for name, value in row.items() if name in declared_columns()[over]}


def customer(key: str, minor: int, **values: Any) -> Row:
    usual = {"channel": "sales_led", "is_cross_referenced": True, "live_mrr_minor": minor}
    return paired("crm", "billing", key, **usual | values)


def line(key: str, minor: int, **values: Any) -> Row:
    """Ten units for one minor unit each, over `minor` months."""
    sides = {f"{role}_quantity": 10 for role in ("crm", "billing")}
    sides |= {f"{role}_unit_mrr_minor": 1 for role in ("crm", "billing")}
    sides |= {f"{role}_mrr_at_contract_quantity_minor": 10 for role in ("crm", "billing")}
    beside = {"product_code": "SEAT", "line_count": 1, "remaining_months": minor}
    return paired("crm", "billing", key, **sides | beside | values)


def posting(key: str, minor: int, **values: Any) -> Row:
    usual = {
        "document": "invoice", "event_amount_minor": minor, "ledger_amount_minor": minor,
        "erp_id": f"erp-{key}", "period": "2026-06", "due_period": "2026-06",
    }  # fmt: skip
    row = paired("event", "ledger", key, **usual | values)
    return known("cmp_posting__event_vs_ledger", row)


def posted_line(key: str, minor: int, **values: Any) -> Row:
    usual = {
        "erp_id": f"{key}-1", "mapping_accounts": "1010", "ledger_account": "1200",
        "mapping_amount_minor": minor, "ledger_amount_minor": minor, "is_allowed": True,
    }  # fmt: skip
    row = paired("mapping", "ledger", key, **usual | values)
    return known("cmp_posting_line__mapping_vs_ledger", row)


def journal(key: str, minor: int, **values: Any) -> Row:
    return {
        "row_key": key, "entity": "journal_entry", "erp_id": key, "has_erp": True,
        "currency": "USD", "debit_minor": minor, "credit_minor": minor, "difference_minor": 0,
        "journal_type": "journal",
    } | values  # fmt: skip


def planned(over: str, key: str, minor: int, **values: Any) -> Row:
    usual = {
        "billing_id": f"il_{key}", "erp_id": f"plan_{key}", "period": "2026-05", "plan_count": 1,
        "is_stopped_early": False, "runs_on_minor": None, "line_count": 2, "fault": None,
        "policy_amount_minor": minor, "erp_amount_minor": minor,
    }  # fmt: skip
    return known(over, paired("policy", "erp", key, **usual | values))


def of_total(role: str, minor: int) -> Row:
    return {f"{role}_total_minor": minor, f"{role}_amount_minor": minor}


def both_totals(minor: int) -> Row:
    return of_total("billing", minor) | of_total("erp", minor)


CASES = [
    Case(
        "CUS-MISS-01",
        "cmp_customer__crm_vs_billing",
        lambda key, minor: customer(key, minor, is_cross_referenced=False),
        customer,
        lambda minor: 12 * minor,
    ),
    Case(
        "CUS-MISS-02",
        "cmp_customer__billing_vs_erp",
        lambda key, minor: only("billing", "erp", key, has_documents=True, documents_minor=minor),
        lambda key, minor: paired("billing", "erp", key, has_documents=True, documents_minor=minor),
        lambda minor: minor,
    ),
    Case(
        "CON-MISS-02",
        CONTRACTS,
        lambda key, minor: only("billing", "crm", key, billing_amount_minor=minor),
        lambda key, minor: paired("crm", "billing", key, billing_amount_minor=minor),
        lambda minor: 12 * minor,
    ),
    Case(
        "CON-MISS-01",
        CONTRACTS,
        lambda key, minor: only(
            "crm", "billing", key, recurring_mrr_minor=minor, months_since_start=2
        ),
        lambda key, minor: paired("crm", "billing", key, recurring_mrr_minor=minor),
        lambda minor: (2 + 12) * minor,
    ),
    Case(
        "SUB-QTY-01",
        LINES,
        lambda key, minor: line(key, minor, billing_quantity=7),
        line,
        lambda minor: 3 * minor,
    ),
    Case(
        "CON-AMT-01",
        LINES,
        lambda key, minor: line(key, minor, billing_mrr_at_contract_quantity_minor=6),
        line,
        lambda minor: 4 * minor,
    ),
    Case(
        "INV-MISS-01",
        INVOICES,
        lambda key, minor: billing_invoice(key, **of_total("billing", minor)),
        lambda key, minor: invoice(key, **both_totals(minor)),
        lambda minor: minor,
    ),
    Case(
        "INV-MISS-02",
        INVOICES,
        lambda key, minor: erp_invoice(key, **of_total("erp", minor)),
        lambda key, minor: invoice(key, **both_totals(minor)),
        lambda minor: -minor,
    ),
    Case(
        "INV-DUP-01",
        INVOICES,
        lambda key, minor: erp_invoice(key, is_erp_duplicate=True, **of_total("erp", minor)),
        lambda key, minor: invoice(key, **both_totals(minor)),
        lambda minor: -minor,
    ),
    Case(
        "INV-AMT-01",
        INVOICES,
        lambda key, minor: invoice(key, **of_total("billing", 3 * minor) | of_total("erp", minor)),
        lambda key, minor: invoice(key, **both_totals(minor)),
        lambda minor: 2 * minor,
    ),
    Case(
        "JE-ENT-01",
        INVOICES,
        lambda key, minor: invoice(key, erp_legal_entity="DE", **both_totals(minor)),
        lambda key, minor: invoice(key, **both_totals(minor)),
        lambda minor: minor,
    ),
    Case(
        "JE-PER-01",
        "cmp_posting__event_vs_ledger",
        lambda key, minor: posting(key, minor, period="2026-07"),
        posting,
        lambda minor: minor,
    ),
    Case(
        "JE-ACC-01",
        "cmp_posting_line__mapping_vs_ledger",
        lambda key, minor: posted_line(key, minor, is_allowed=False),
        posted_line,
        lambda minor: minor,
    ),
    Case(
        "JE-DUP-01",
        "cmp_journal_entry__within_erp",
        lambda key, minor: journal(key, minor, duplicate_of="8", duplicate_basis="signature"),
        journal,
        lambda minor: -minor,
    ),
    Case(
        "REV-PER-01",
        "cmp_revenue_period__policy_vs_erp",
        lambda key, minor: planned(
            "cmp_revenue_period__policy_vs_erp", key, minor, erp_amount_minor=-minor
        ),
        lambda key, minor: planned("cmp_revenue_period__policy_vs_erp", key, minor),
        lambda minor: 2 * minor,
    ),
    Case(
        "REV-MOD-01",
        MODIFICATIONS,
        lambda key, minor: planned(
            MODIFICATIONS, key, minor, erp_amount_minor=-minor, fault="all_at_once"
        ),
        lambda key, minor: planned(MODIFICATIONS, key, minor, erp_amount_minor=-minor),
        lambda minor: 2 * minor,
    ),
    Case(
        "REV-STOP-01",
        PLANS,
        lambda key, minor: planned(PLANS, key, minor, has_policy=False, runs_on_minor=minor),
        lambda key, minor: planned(PLANS, key, minor),
        lambda minor: -minor,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
@given(drawn=st.lists(st.tuples(st.booleans(), st.integers(5, 10**9)), max_size=8))
@settings(max_examples=examples(4), deadline=None)
def test_each_row_at_fault_is_told_once_for_all_that_is_at_stake(case, drawn):
    rows = [
        (case.at_fault if is_wrong else case.right)(f"r{n}", minor)
        for n, (is_wrong, minor) in enumerate(drawn)
    ]
    drift = drift_in(case.over, *rows)
    told = drift.filter(code=case.code)
    wrong = {f"r{n}": minor for n, (is_wrong, minor) in enumerate(drawn) if is_wrong}
    assert sorted(told["row_key"]) == sorted(wrong)
    assert told["impact_minor"].sum() == sum(map(case.impact, wrong.values()))
    assert set(drift["row_key"]) == set(wrong)
