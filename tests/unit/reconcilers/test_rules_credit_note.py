"""Credit notes: in one system only, of other amounts, posted twice, beyond their invoice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import credit_note, drift_in
from tests.effort import examples

OVER = "cmp_credit_note__billing_vs_erp"
SIX_HOURS = 6 * 3600


def alone(role, **values):
    """A note of billing that the ledger lacks, or a memo of the ledger that billing lacks."""
    other = "erp" if role == "billing" else "billing"
    names = ("id", "amount_minor", "total_minor", "tax_minor", "status", "currency")
    missing = {f"{other}_{name}": None for name in names} | {f"has_{other}": False}
    return credit_note("a", **missing | values)


def found(row):
    columns = ("code", "attribute", "cause", "impact_minor", "severity", "disposition")
    return drift_in(OVER, row).select(columns).rows()


def test_equal_credit_notes_do_not_drift():
    assert found(credit_note("a")) == []


@pytest.mark.parametrize("because", ["never_posted", "voided_in_erp"])
def test_a_note_that_the_ledger_lacks_overstates_what_is_claimed(because):
    (drift,) = drift_in(OVER, alone("billing", missing_because=because)).to_dicts()
    assert (drift["code"], drift["cause"], drift["impact_minor"]) == (
        "CRN-MISS-01",
        because,
        -10_000,
    )
    assert (drift["owner_role"], drift["owner_id"]) == ("billing", "billing-a")
    assert (drift["replica_role"], drift["replica_system"], drift["replica_id"]) == (
        "erp",
        None,
        None,
    )


@pytest.mark.parametrize("because", ["unknown_to_billing", "entered_by_hand"])
def test_a_memo_that_billing_lacks_gave_up_what_billing_still_asks_for(because):
    (drift,) = drift_in(OVER, alone("erp", missing_because=because)).to_dicts()
    assert (drift["code"], drift["cause"], drift["impact_minor"]) == (
        "CRN-MISS-01",
        because,
        10_000,
    )
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "erp-a")
    assert (drift["replica_role"], drift["replica_id"]) == ("billing", None)


@pytest.mark.parametrize("role", ["billing", "erp"])
@pytest.mark.parametrize(
    ("coverage", "disposition"),
    [(0, "in_flight"), (SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception"), (None, "exception")],
)
def test_it_is_in_flight_until_the_other_side_had_six_hours(role, coverage, disposition):
    row = alone(role, counterpart_coverage_seconds=coverage)
    assert [each[-1] for each in found(row)] == [disposition]


@pytest.mark.parametrize("reason", ["void_before_post", "zero_total", "manual_erp", "erp_voided"])
@pytest.mark.parametrize("role", ["billing", "erp"])
def test_an_excluded_note_or_memo_never_drifts(role, reason):
    assert found(alone(role, excluded_reason=reason)) == []


def test_a_note_that_billing_took_back_is_told_by_its_status_alone():
    row = credit_note("a", billing_status="void", erp_total_minor=9_000, erp_tax_minor=0)
    assert found(row) == [
        ("CRN-MISS-01", "status", "void_not_copied", 9_000, "S4", "exception"),
    ]


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_a_status_is_in_flight_by_the_time_since_it_changed(coverage, disposition):
    row = credit_note("a", billing_status="void", erp_status_coverage_seconds=coverage)
    assert [each[-1] for each in found(row)] == [disposition]


def test_totals_may_differ_by_a_minor_unit_for_each_line():
    cases = {  # what the ledger credits of 100.00, on how many lines: by how much it drifts
        (10_000, 1): None,
        (10_001, 1): None,
        (9_999, 1): None,
        (10_002, 1): 2,
        (9_998, 1): -2,
        (10_003, 3): None,
        (10_004, 3): 4,
        (0, 9): -10_000,
    }
    rows = [credit_note(str(case), erp_total_minor=case[0], line_count=case[1]) for case in cases]
    drift = drift_in(OVER, *rows)
    impacts = dict(drift.select("row_key", "impact_minor").iter_rows())
    assert {case: impacts.get(str(case)) for case in cases} == cases
    assert set(drift["attribute"]) == {"total"}


def test_tax_is_compared_where_the_totals_agree():
    assert found(credit_note("a", erp_tax_minor=1_000)) == [
        ("CRN-AMT-01", "tax", "tax", -1_000, "S4", "exception")
    ]
    row = credit_note("a", erp_tax_minor=1_000, erp_total_minor=9_000)
    assert [attribute for _, attribute, *_ in found(row)] == ["total"]


def test_a_further_memo_of_one_note_is_a_credit_too_many_at_once():
    row = alone("erp", is_erp_duplicate=True, duplicate_of="77", counterpart_coverage_seconds=0)
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == (
        "CRN-AMT-01",
        "posted_twice",
        "S1",
    )
    assert (drift["owner_id"], drift["observed"]) == ("erp-a", "copy of 77")
    assert (drift["impact_minor"], drift["disposition"]) == (10_000, "exception")


@pytest.mark.parametrize("excess", [None, 0, 1, 4_000])
def test_what_is_credited_beyond_the_invoice_is_of_the_first_severity(excess):
    expected = [("CRN-AMT-01", "", "over_credited", excess, "S1", "exception")] if excess else []
    assert found(credit_note("a", excess_minor=excess)) == expected


@given(
    billing=st.integers(0, 10**6), erp=st.integers(0, 10**6), lines=st.integers(1, 9),
    tax=st.integers(0, 10**6),
)  # fmt: skip
@settings(max_examples=examples(10), deadline=None)
def test_a_pair_of_issued_notes_is_told_once_at_most_and_by_its_difference(
    billing, erp, lines, tax
):
    row = credit_note(
        "a", billing_total_minor=billing, erp_total_minor=erp, line_count=lines, erp_tax_minor=tax
    )
    told = found(row)
    if abs(erp - billing) > lines:
        assert [each[:4] for each in told] == [("CRN-AMT-01", "total", "total", erp - billing)]
    elif abs(tax - 2_000) > lines:
        assert [each[:4] for each in told] == [("CRN-AMT-01", "tax", "tax", tax - 2_000)]
    else:
        assert told == []
