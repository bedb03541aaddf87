"""Which exceptions follow from another one, and which stand on their own."""

from datetime import date

import pytest

from reconcilers.causes import EDGES
from reconcilers.evaluate import evaluate
from reconcilers.rules.codes import CODES
from tests.comparison_tables import (
    CAUSE_LINKS,
    DAY,
    application,
    billing_invoice,
    credit_note,
    invoice,
    only,
    paired,
    rules_over,
    warehouse,
)

INVOICES = "cmp_invoice__billing_vs_erp"
PAYMENTS = "cmp_payment__billing_vs_erp"
CREDITS = "cmp_credit_note__billing_vs_erp"
APPLICATIONS = "cmp_credit_note_application__billing_vs_erp"
CUSTOMERS = "cmp_customer__billing_vs_erp"
APPLIED = "cmp_payment_application__billing_vs_erp"
REFUNDS = "cmp_refund__billing_vs_erp"
TAXES = "cmp_invoice_tax__billing_vs_erp"
ACCOUNTS = "cmp_customer__crm_vs_billing"
CONTRACTS = "cmp_contract__crm_vs_billing"
ITEMS = "cmp_subscription_item__within_billing"
CONTRACT_CHANGES = "cmp_contract_change__crm_vs_billing"
RENEWALS = "cmp_contract_renewal__crm_vs_billing"
PHASES = "cmp_contract_phase__crm_vs_billing"
STATUS = "cmp_customer_status__billing_vs_erp"
LINKS = "cmp_customer_link__copy_vs_crosswalk"
CONTRACT_LINES = "cmp_contract_line__crm_vs_billing"
JOURNALS = "cmp_journal_entry__within_erp"
EDITS = "cmp_journal_edit__within_erp"
DISPUTES = "cmp_dispute__billing_vs_erp"
MODIFICATIONS = "cmp_contract_modification__policy_vs_erp"
SCHEDULES = "cmp_revenue_schedule__policy_vs_erp"
MONTHS = "cmp_revenue_period__policy_vs_erp"


def parents(rows, *links):
    """(code, row key) -> the same of what explains it, of every exception of the night."""
    tables = rows | {
        CAUSE_LINKS: [
            {
                "parent_comparison": parent,
                "parent_key": parent_key,
                "child_comparison": child,
                "child_key": child_key,
            }
            for parent, parent_key, child, child_key in links
        ]
    }
    drift = evaluate(warehouse(tables, views=[*rows]), rules_over(*rows), DAY).drift
    names = {row["exception_key"]: (row["code"], row["row_key"]) for row in drift.to_dicts()}
    return {
        (row["code"], row["row_key"]): names.get(row["explained_by"]) for row in drift.to_dicts()
    }


def payment(key, minor, **values):
    return only("billing", "erp", key, billing_amount_minor=minor, **values)


def unpaid_in_ledger(key, due):
    """An invoice that billing has as paid, with so much open in the ledger."""
    return invoice(
        key,
        billing_status="paid",
        billing_amount_due_minor=0,
        erp_status="open",
        erp_amount_due_minor=due,
        erp_status_coverage_seconds=10**7,
    )


def test_documents_of_a_customer_that_the_ledger_lacks_follow_from_it():
    rows = {
        CUSTOMERS: [only("billing", "erp", "c", has_documents=True)],
        INVOICES: [billing_invoice("a"), billing_invoice("b")],
        PAYMENTS: [payment("p", 10_000)],
    }
    links = [(CUSTOMERS, "c", INVOICES, "a"), (CUSTOMERS, "c", PAYMENTS, "p")]
    assert parents(rows, *links) == {
        ("CUS-MISS-02", "c"): None,
        ("INV-MISS-01", "a"): ("CUS-MISS-02", "c"),
        ("INV-MISS-01", "b"): None,
        ("PAY-MISS-01", "p"): ("CUS-MISS-02", "c"),
    }


def test_a_missing_payment_explains_what_its_invoice_leaves_open():
    rows = {PAYMENTS: [payment("p", 10_000)], INVOICES: [unpaid_in_ledger("a", 10_000)]}
    found = parents(rows, (PAYMENTS, "p", INVOICES, "a"))
    assert found["INV-STAT-01", "a"] == ("PAY-MISS-01", "p")


def booked(minor):
    """A charge of 100.00 that the ledger booked with another amount."""
    return paired(
        "billing", "erp", "p", billing_amount_minor=10_000, erp_amount_minor=minor,
        billing_currency="USD", erp_currency="USD",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("minor", "due", "is_explained"),
    [(9_700, 300, True), (9_700, 301, False), (10_300, 300, False)],
)
def test_a_payment_booked_too_low_explains_what_its_invoice_leaves_open(minor, due, is_explained):
    rows = {PAYMENTS: [booked(minor)], INVOICES: [unpaid_in_ledger("a", due)]}
    parent = parents(rows, (PAYMENTS, "p", INVOICES, "a"))["INV-STAT-01", "a"]
    assert parent == (("PAY-AMT-01", "p") if is_explained else None)


@pytest.mark.parametrize(("left", "is_explained"), [(10_000, True), (9_999, False)])
def test_unapplied_cash_explains_what_its_invoice_leaves_open(left, is_explained):
    cash = only("billing", "erp", "x", payment_id="ch_1", to_apply_minor=left, is_elsewhere=False)
    rows = {APPLIED: [cash], INVOICES: [unpaid_in_ledger("a", 10_000)]}
    parent = parents(rows, (APPLIED, "x", INVOICES, "a"))["INV-STAT-01", "a"]
    assert parent == (("PAY-APPL-01", "x") if is_explained else None)


WIRE = {"erp_payment_id": "7", "untold_invoice_id": "in_a", "untold_minor": 10_000}


@pytest.mark.parametrize(
    ("table", "row", "code"),
    [
        (APPLIED, only("erp", "billing", "x", **WIRE), "PAY-OOB-01"),
        (PAYMENTS, booked(10_000) | {"row_key": "x", "billing_status": "failed"}, "PAY-RET-01"),
    ],
)
@pytest.mark.parametrize(("due", "is_explained"), [(10_000, True), (9_999, False)])
def test_money_that_only_the_ledger_has_explains_what_billing_asks_for(
    table, row, code, due, is_explained
):
    asked = invoice("a", erp_status="paid", erp_amount_due_minor=0, billing_amount_due_minor=due)
    parent = parents({table: [row], INVOICES: [asked]}, (table, "x", INVOICES, "a"))
    assert parent["INV-STAT-01", "a"] == ((code, "x") if is_explained else None)


@pytest.mark.parametrize(("total", "is_explained"), [(9_300, True), (9_299, False)])
def test_tax_that_differs_explains_the_total_that_differs_by_it(total, is_explained):
    tax = paired(
        "billing", "erp", "a/GB", jurisdiction="GB", billing_tax_minor=2_000, erp_tax_minor=1_300
    )
    rows = {TAXES: [tax], INVOICES: [invoice("a", erp_total_minor=total)]}
    parent = parents(rows, (TAXES, "a/GB", INVOICES, "a"))["INV-AMT-01", "a"]
    assert parent == (("TAX-AMT-01", "a/GB") if is_explained else None)


@pytest.mark.parametrize(
    ("total", "is_explained"), [(9_300, True), (10_700, True), (9_299, False), (4_000, False)]
)
def test_an_edit_by_hand_explains_no_other_gap_than_what_it_moved(total, is_explained):
    edit = {
        "row_key": "j", "entity": "journal_entry", "erp_id": "j", "has_erp": True,
        "legal_entity": "US", "currency": "USD", "period": "2026-06", "erp_amount_minor": 700,
        "is_after_close": False, "attributes": "total", "old_values": "a", "new_values": "b",
    }  # fmt: skip
    rows = {EDITS: [edit], INVOICES: [invoice("a", erp_total_minor=total)]}
    parent = parents(rows, (EDITS, "j", INVOICES, "a"))["INV-AMT-01", "a"]
    assert parent == (("JE-EDIT-01", "j") if is_explained else None)


def test_a_tax_code_explains_the_tax_and_through_it_the_total():
    tax = paired(
        "billing", "erp", "a/GB", jurisdiction="GB", billing_tax_minor=2_000, erp_tax_minor=500,
        billing_tax_codes="S", erp_tax_codes="R", code_fault="other_rate", erp_rated_minor=500,
    )  # fmt: skip
    rows = {TAXES: [tax], INVOICES: [invoice("a", erp_total_minor=8_500)]}
    links = (TAXES, "a/GB", TAXES, "a/GB"), (TAXES, "a/GB", INVOICES, "a")
    assert parents(rows, *links) == {
        ("TAX-CODE-01", "a/GB"): None,
        ("TAX-AMT-01", "a/GB"): ("TAX-CODE-01", "a/GB"),
        ("INV-AMT-01", "a"): ("TAX-AMT-01", "a/GB"),
    }


def test_a_refund_of_a_customer_that_the_ledger_lacks_follows_from_it():
    rows = {
        CUSTOMERS: [only("billing", "erp", "c", has_documents=True)],
        REFUNDS: [only("billing", "erp", "r", is_settled=True, uncredited_minor=0)],
    }
    found = parents(rows, (CUSTOMERS, "c", REFUNDS, "r"))
    assert found["RFD-MISS-01", "r"] == ("CUS-MISS-02", "c")


def test_a_subscription_of_a_customer_that_the_crm_lacks_follows_from_it():
    owned = {"channel": "sales_led", "is_cross_referenced": False}
    rows = {
        ACCOUNTS: [only("billing", "crm", "c", **owned)],
        CONTRACTS: [only("billing", "crm", "s", billing_amount_minor=100)],
    }
    found = parents(rows, (ACCOUNTS, "c", CONTRACTS, "s"))
    assert found["CON-MISS-02", "s"] == ("CUS-MISS-01", "c")


@pytest.mark.parametrize(("slip", "parent"), [("over_12", ("PRD-BAS-01", "l")), (None, None)])
def test_a_price_on_another_basis_explains_the_value_of_its_line(slip, parent):
    values = {"crm_mrr_at_contract_quantity_minor": 12, "billing_mrr_at_contract_quantity_minor": 1}
    priced = {"product_code": "SEAT", "price_ratio": slip, "remaining_months": 3, "line_count": 1}
    rows = {CONTRACT_LINES: [paired("crm", "billing", "l", **priced, **values)]}
    found = parents(rows, (CONTRACT_LINES, "l", CONTRACT_LINES, "l"))
    assert found["CON-AMT-01", "l"] == parent


@pytest.mark.parametrize(
    ("side", "parent"),
    [("crm", "CON-AMD-01"), ("billing", "CON-AMD-02"), ("discount", "CON-DISC-01"), (None, None)],
)
def test_the_side_that_was_changed_explains_the_value_of_the_line(side, parent):
    values = {"crm_mrr_at_contract_quantity_minor": 12, "billing_mrr_at_contract_quantity_minor": 1}
    sold = {"product_code": "SEAT", "remaining_months": 3}
    moved = {"changed_side": side, "crm_amount_minor": 12, "billing_amount_minor": 1}
    rows = {
        CONTRACT_CHANGES: [paired("crm", "billing", "l", **sold, **moved)],
        CONTRACT_LINES: [paired("crm", "billing", "l", line_count=1, **sold, **values)],
    }
    found = parents(rows, (CONTRACT_CHANGES, "l", CONTRACT_LINES, "l"))
    assert found["CON-AMT-01", "l"] == (parent and (parent, "l"))


@pytest.mark.parametrize(
    ("fault", "parent"), [("all_at_once", ("REV-MOD-01", "in_a")), (None, None)]
)
def test_a_modification_planned_otherwise_explains_plans_and_months_of_its_lines(fault, parent):
    both = {"currency": "USD", "policy_amount_minor": 100, "erp_amount_minor": 40}
    whole = both | {"billing_id": "il_a", "plan_count": 1, "is_stopped_early": False}
    rows = {
        MODIFICATIONS: [
            paired("policy", "erp", "in_a", **both, billing_id="in_a", line_count=2, fault=fault)
        ],
        SCHEDULES: [paired("policy", "erp", "il_a", **whole)],
        MONTHS: [paired("policy", "erp", "m", **both, billing_id="il_a", period="2026-05")],
    }
    links = [(MODIFICATIONS, "in_a", SCHEDULES, "il_a"), (MODIFICATIONS, "in_a", MONTHS, "m")]
    found = parents(rows, *links)
    assert found["REV-AMT-01", "il_a"] == parent
    assert found["REV-PER-01", "m"] == parent


def test_a_renewal_that_billing_has_not_taken_up_explains_the_value_of_its_lines():
    values = {"crm_mrr_at_contract_quantity_minor": 12, "billing_mrr_at_contract_quantity_minor": 1}
    sold = {"product_code": "SEAT", "remaining_months": 3, "line_count": 1}
    rows = {
        RENEWALS: [paired("crm", "billing", "k", disagreement="not_taken_up")],
        CONTRACT_LINES: [paired("crm", "billing", "l", **sold, **values)],
    }
    found = parents(rows, (RENEWALS, "k", CONTRACT_LINES, "l"))
    assert found["CON-AMT-01", "l"] == ("CON-REN-01", "k")


def test_a_step_that_has_not_begun_explains_the_units_of_its_line():
    step = {"product_code": "SEAT", "disagreement": "other_start", "has_begun": True}
    units = {"product_code": "SEAT", "crm_quantity": 9, "billing_quantity": 5}
    rows = {
        PHASES: [paired("crm", "billing", "p", **step)],
        CONTRACT_LINES: [paired("crm", "billing", "l", **units)],
    }
    found = parents(rows, (PHASES, "p", CONTRACT_LINES, "l"))
    assert found["SUB-QTY-01", "l"] == ("CON-RAMP-01", "p")


def test_a_customer_out_of_use_explains_the_links_that_name_them():
    out_of_use = {"is_active_in_erp": False, "open_minor": 5}
    link = {"row_key": "l", "entity": "customer", "attribute": "erp_customer_ref"}
    link |= {"copied_id": "9", "fault": "not_in_use", "has_copy": True, "has_crosswalk": False}
    link |= {"copy_id": "a", "copy_role": "crm", "copy_system": "salesforce", "currency": "USD"}
    rows = {STATUS: [paired("billing", "erp", "c", **out_of_use)], LINKS: [link]}
    found = parents(rows, (STATUS, "c", LINKS, "l"))
    assert found["CUS-LINK-01", "l"] == ("CUS-STAT-01", "c")


def test_a_line_billed_twice_explains_the_units_that_are_billed_too_many():
    copy = {"row_key": "i", "has_billing": True, "kept_id": "x", "currency": "USD"}
    copy |= {"entity": "item", "billing_id": "i", "subscription_id": "s"}
    units = {"product_code": "SEAT", "crm_quantity": 5, "billing_quantity": 10}
    rows = {ITEMS: [copy], CONTRACT_LINES: [paired("crm", "billing", "l", **units)]}
    found = parents(rows, (ITEMS, "i", CONTRACT_LINES, "l"))
    assert found["SUB-QTY-01", "l"] == ("SUB-DUP-01", "i")


@pytest.mark.parametrize("other", [{"currency": "EUR"}, {"erp_coverage_seconds": 60}])
def test_a_payment_in_another_currency_or_still_in_flight_explains_nothing(other):
    rows = {PAYMENTS: [payment("p", 10_000, **other)], INVOICES: [unpaid_in_ledger("a", 10_000)]}
    assert parents(rows, (PAYMENTS, "p", INVOICES, "a"))["INV-STAT-01", "a"] is None


@pytest.mark.parametrize(("second", "is_explained"), [(4_000, True), (3_999, False)])
def test_only_the_whole_difference_is_explained(second, is_explained):
    rows = {
        PAYMENTS: [payment("p", 6_000), payment("q", second)],
        INVOICES: [unpaid_in_ledger("a", 10_000)],
    }
    links = [(PAYMENTS, key, INVOICES, "a") for key in ("p", "q")]
    parent = parents(rows, *links)["INV-STAT-01", "a"]
    assert (parent in {("PAY-MISS-01", "p"), ("PAY-MISS-01", "q")}) == is_explained
    assert (parent is None) != is_explained


@pytest.mark.parametrize(
    ("table", "row", "code"),
    [
        (CREDITS, only("billing", "erp", "n", billing_total_minor=2_500), "CRN-MISS-01"),
        (CREDITS, credit_note("n", erp_total_minor=7_500), "CRN-AMT-01"),
        (APPLICATIONS, only("billing", "erp", "n", billing_applied_minor=2_500), "CRN-APPL-01"),
        (APPLICATIONS, application("n", erp_applied_minor=7_500), "CRN-APPL-01"),
    ],
)
@pytest.mark.parametrize(("due", "is_explained"), [(2_500, True), (2_499, False)])
def test_a_credit_that_the_ledger_lacks_explains_what_its_invoice_leaves_open(
    table, row, code, due, is_explained
):
    rows = {table: [row], INVOICES: [unpaid_in_ledger("a", due)]}
    found = parents(rows, (table, "n", INVOICES, "a"))
    assert found["INV-STAT-01", "a"] == ((code, "n") if is_explained else None)


def test_credit_notes_of_a_customer_that_the_ledger_lacks_follow_from_it():
    rows = {
        CUSTOMERS: [only("billing", "erp", "c", has_documents=True)],
        CREDITS: [only("billing", "erp", "n", billing_total_minor=5)],
    }
    found = parents(rows, (CUSTOMERS, "c", CREDITS, "n"))
    assert found["CRN-MISS-01", "n"] == ("CUS-MISS-02", "c")


def test_a_stage_of_a_dispute_that_is_booked_twice_follows_from_its_second_journal():
    copy = only("erp", "billing", "j", duplicate_of="8", debit_minor=5, difference_minor=0)
    rows = {
        JOURNALS: [{key: copy[key] for key in copy if not key.startswith(("billing", "has_b"))}],
        DISPUTES: [only("erp", "billing", "d", phase="closed", erp_stage="won")],
    }
    found = parents(rows, (JOURNALS, "j", DISPUTES, "d"))
    assert found["DSP-LIFE-01", "d"] == ("JE-DUP-01", "j")


def test_the_graph_has_no_circle_and_knows_its_classes():
    rank = dict.fromkeys(CODES, 0)
    for _ in EDGES:
        for edge in EDGES:
            rank[edge.child] = max(rank[edge.child], rank[edge.parent] + 1)
    assert all(rank[edge.child] > rank[edge.parent] for edge in EDGES)
    assert max(rank.values()) <= len(EDGES)
    assert len({(edge.parent, edge.child) for edge in EDGES}) == len(EDGES)


def test_an_attribute_that_only_went_along_follows_from_the_other_one_of_its_row():
    row = invoice(
        "a",
        billing_invoice_date=date(2026, 6, 15),
        erp_invoice_date=date(2026, 6, 18),
        invoice_date_days=3,
        billing_due_date=date(2026, 7, 15),
        erp_due_date=date(2026, 7, 18),
        due_date_days=3,
    )
    drift = evaluate(
        warehouse({INVOICES: [row]}, views=[INVOICES]), rules_over(INVOICES), DAY
    ).drift
    keys = dict(drift.select("attribute", "exception_key").rows())
    assert dict(drift.select("attribute", "explained_by").rows()) == {
        "invoice_date": None,
        "due_date": keys["invoice_date"],
    }
