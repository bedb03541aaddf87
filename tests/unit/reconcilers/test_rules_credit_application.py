"""Credits that the ledger applies otherwise than billing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import application, drift_in
from tests.effort import examples

OVER = "cmp_credit_note_application__billing_vs_erp"
TWO_DAYS = 48 * 3600


def alone(role, **values):
    """An application of one side."""
    other = "erp" if role == "billing" else "billing"
    missing = {f"{other}_{name}": None for name in ("id", "amount_minor", "applied_minor")}
    return application("a", **missing | {f"has_{other}": False} | values)


def found(row):
    columns = ("code", "attribute", "cause", "impact_minor", "severity")
    return drift_in(OVER, row).select(columns).rows()


def test_equal_applications_do_not_drift():
    assert found(application("a")) == []


@pytest.mark.parametrize(
    ("role", "because", "impact"),
    [
        ("billing", "unapplied", -10_000),
        ("billing", "wrong_invoice", -10_000),
        ("erp", "only_in_erp", 10_000),
    ],
)
def test_an_application_of_one_side_is_told_as_that_sides(role, because, impact):
    row = alone(role, missing_because=because)
    assert found(row) == [("CRN-APPL-01", "", because, impact, "S3")]
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["owner_id"], drift["replica_id"]) == (f"{role}-a", None)


@pytest.mark.parametrize(("erp", "impact"), [(9_999, -1), (10_001, 1), (0, -10_000)])
def test_the_amount_applied_may_not_differ_by_a_minor_unit(erp, impact):
    row = application("a", erp_applied_minor=erp)
    assert found(row) == [("CRN-APPL-01", "applied", "other_amount", impact, "S3")]


@pytest.mark.parametrize(
    ("coverage", "disposition"),
    [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception"), (None, "exception")],
)
def test_an_application_is_in_flight_for_two_days(coverage, disposition):
    rows = [
        alone("billing", counterpart_coverage_seconds=coverage),
        application("b", erp_applied_minor=1, erp_coverage_seconds=coverage),
    ]
    assert drift_in(OVER, *rows)["disposition"].to_list() == [disposition] * 2


@pytest.mark.parametrize("reason", ["note_differs", "instead_of_another", "not_in_billing"])
def test_an_application_that_is_left_out_never_drifts(reason):
    assert found(alone("erp", excluded_reason=reason)) == []
    assert found(application("a", erp_applied_minor=1, excluded_reason=reason)) == []


@given(billing=st.integers(1, 10**6), erp=st.integers(1, 10**6))
@settings(max_examples=examples(10), deadline=None)
def test_a_pair_is_told_by_what_the_ledger_applies_too_much(billing, erp):
    told = found(application("a", billing_applied_minor=billing, erp_applied_minor=erp))
    assert [row[3] for row in told] == ([erp - billing] if erp != billing else [])
