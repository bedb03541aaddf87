"""Tax and tax codes of the ledger that are not billing's, on the same net."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

OVER = "cmp_invoice_tax__billing_vs_erp"
SIX_HOURS = 6 * 3600


def tax(key: str = "a", **values: Any) -> dict[str, Any]:
    """A tax of 20.00 that both charge, of one country, on one line."""
    usual = {
        "jurisdiction": "GB", "billing_tax_minor": 2_000, "erp_tax_minor": 2_000, "line_count": 1,
        "billing_rate_percent": 20, "erp_rate_percent": 20, "apart_count": 1,
        "billing_tax_codes": "S-GB", "erp_tax_codes": "S-GB", "erp_rated_minor": 2_000,
    }  # fmt: skip
    return paired("billing", "erp", key, **usual | values)


def found(row: dict[str, Any]) -> list[tuple[Any, ...]]:
    columns = ("code", "attribute", "cause", "impact_minor", "severity", "disposition")
    return drift_in(OVER, row).select(columns).rows()


@pytest.mark.parametrize(
    ("values", "cause", "impact"),
    [
        ({}, None, 0),
        ({"erp_tax_minor": 2_001}, None, 0),
        ({"erp_tax_minor": 1_998}, "other_amount", 2),
        ({"erp_tax_minor": 1_998, "line_count": 2}, None, 0),
        ({"erp_tax_minor": 1_990, "line_count": 9}, "other_amount", 10),
        ({"erp_tax_minor": 500, "erp_rate_percent": 5}, "other_rate", 1_500),
        ({"erp_tax_minor": 500, "billing_rate_percent": None}, "other_amount", 1_500),
        ({"erp_tax_minor": 0, "erp_rate_percent": None}, "not_in_ledger", 2_000),
        ({"billing_tax_minor": 0, "billing_rate_percent": None}, "not_in_billing", -2_000),
        ({"erp_tax_minor": 0, "excluded_reason": "subtotal_differs"}, None, 0),
    ],
)
def test_tax_may_differ_by_a_minor_unit_for_each_line(values, cause, impact):
    expected = [("TAX-AMT-01", "tax:GB", cause, impact, "S4", "exception")] if cause else []
    assert found(tax(**values)) == expected


@pytest.mark.parametrize(("count", "severity"), [(2, "S4"), (3, "S2")])
def test_tax_that_is_apart_on_three_invoices_of_a_country_is_of_the_second_severity(
    count, severity
):
    assert [row[4] for row in found(tax(erp_tax_minor=0, apart_count=count))] == [severity]


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_tax_is_in_flight_until_the_ledger_had_six_hours(coverage, disposition):
    row = tax(erp_tax_minor=0, erp_coverage_seconds=coverage)
    assert [each[-1] for each in found(row)] == [disposition]


@given(billing=st.integers(0, 10**6), erp=st.integers(0, 10**6), lines=st.integers(1, 9))
@settings(max_examples=examples(10), deadline=None)
def test_tax_is_told_by_its_difference_or_not_at_all(billing, erp, lines):
    told = found(tax(billing_tax_minor=billing, erp_tax_minor=erp, line_count=lines))
    assert [row[3] for row in told] == ([billing - erp] if abs(billing - erp) > lines else [])


CODE_ALONE = {"erp_tax_codes": "R-GB", "code_fault": "other_rate", "erp_rated_minor": 500}


@pytest.mark.parametrize(
    ("values", "cause", "impact"),
    [
        (CODE_ALONE, "other_rate", 1_500),
        (CODE_ALONE | {"erp_rated_minor": None}, "other_rate", 0),
        (CODE_ALONE | {"erp_coverage_seconds": 0}, "other_rate", 1_500),
        ({"erp_tax_codes": "S-DE", "code_fault": "other_country"}, "other_country", 0),
    ],
)
def test_a_code_is_told_by_the_tax_that_it_stands_for_whatever_was_typed(values, cause, impact):
    assert found(tax(**values)) == [
        ("TAX-CODE-01", "tax_code:GB", cause, impact, "S2", "exception")
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"erp_tax_codes": "R-GB"},
        CODE_ALONE | {"excluded_reason": "subtotal_differs"},
    ],
)
def test_a_code_that_is_as_good_or_on_another_net_is_no_finding(values):
    assert found(tax(**values)) == []


def test_a_code_of_another_rate_with_its_tax_is_told_for_both_by_the_same_money():
    row = tax(**CODE_ALONE, erp_tax_minor=500, erp_rate_percent=5)
    told = {each[0]: each[2:4] for each in found(row)}
    assert told == {"TAX-AMT-01": ("other_rate", 1_500), "TAX-CODE-01": ("other_rate", 1_500)}


@pytest.mark.parametrize("values", [{"erp_tax_minor": 0}, CODE_ALONE])
def test_tax_and_code_are_told_by_the_invoice_of_either_side(values):
    (drift,) = drift_in(OVER, tax(**values)).to_dicts()
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "billing-a")
    assert (drift["replica_system"], drift["replica_id"]) == ("netsuite", "erp-a")
