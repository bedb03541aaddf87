"""Contracts and subscriptions: not billed, other price, other quantity, other state."""

from decimal import Decimal
from typing import Any

import pytest

from tests.comparison_tables import drift_in, only, paired

CONTRACT = "cmp_contract__crm_vs_billing"
LINE = "cmp_contract_line__crm_vs_billing"
SUBSCRIPTION = "cmp_subscription__crm_vs_billing"
TWO_DAYS = 48 * 3600
SIX_HOURS = 6 * 3600


def unbilled(**values: Any) -> dict[str, Any]:
    usual = {"recurring_mrr_minor": 100_00, "months_since_start": 3}
    return only("crm", "billing", "a", **usual | values)


def line(**values: Any) -> dict[str, Any]:
    """10 seats at 12.34567890 a month, on both sides."""
    usual = {
        "product_code": "SEAT",
        "crm_quantity": 10,
        "billing_quantity": 10,
        "crm_unit_mrr_minor": Decimal("1234.56789"),
        "billing_unit_mrr_minor": Decimal("1234.56789"),
        "crm_mrr_at_contract_quantity_minor": 12_346,
        "billing_mrr_at_contract_quantity_minor": 12_346,
        "line_count": 1,
        "remaining_months": 6,
    }
    return paired("crm", "billing", "a", **usual | values)


def subscription(crm: str | None, billing: str | None, **values: Any) -> dict[str, Any]:
    usual = {"crm_status": crm, "billing_status": billing, "live_mrr_minor": 1_000}
    return paired("crm", "billing", "a", **usual | values)


def test_a_contract_without_subscription_leaks_and_is_at_risk():
    (drift,) = drift_in(CONTRACT, unbilled()).to_dicts()
    assert (drift["code"], drift["owner_system"], drift["owner_id"]) == (
        "CON-MISS-01",
        "salesforce",
        "crm-a",
    )
    assert (drift["impact_minor"], drift["severity"], drift["cause"]) == (
        150_000,
        "S1",
        "service_started",
    )


def test_a_contract_that_has_not_started_weighs_less():
    (drift,) = drift_in(CONTRACT, unbilled(months_since_start=0)).to_dicts()
    assert (drift["impact_minor"], drift["severity"], drift["cause"]) == (
        120_000,
        "S3",
        "not_yet_due",
    )


@pytest.mark.parametrize(
    ("coverage", "disposition"),
    [(-86_400, "in_flight"), (TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")],
)
def test_billing_has_two_days_to_take_up_a_contract(coverage, disposition):
    drift = drift_in(CONTRACT, unbilled(billing_coverage_seconds=coverage))
    assert drift["disposition"].to_list() == [disposition]


@pytest.mark.parametrize(
    "row",
    [
        paired("crm", "billing", "a", recurring_mrr_minor=1),
        unbilled(excluded_reason="not_won"),
        unbilled(excluded_reason="not_active"),
        unbilled(excluded_reason="no_recurring"),
    ],
)
def test_billed_and_excluded_contracts_do_not_drift(row):
    assert drift_in(CONTRACT, row).is_empty()


def unpapered(**values: Any) -> dict[str, Any]:
    """A subscription of 100.00 a month that the CRM has no contract of."""
    usual = {"billing_amount_minor": 100_00, "contract_status": None, "contract_number": None}
    return only("billing", "crm", "a", **usual | values)


def test_a_subscription_without_contract_is_a_year_that_the_crm_does_not_know():
    (drift,) = drift_in(CONTRACT, unpapered()).to_dicts()
    assert (drift["code"], drift["owner_system"], drift["owner_id"]) == (
        "CON-MISS-02",
        "stripe",
        "billing-a",
    )
    assert (drift["impact_minor"], drift["severity"], drift["observed"]) == (120_000, "S3", "none")


def test_the_least_subscription_without_contract_is_no_trifle():
    assert drift_in(CONTRACT, unpapered(billing_amount_minor=1))["severity"].to_list() == ["S3"]


@pytest.mark.parametrize(
    ("status", "is_won", "cause"),
    [
        (None, None, "no_contract"),
        ("draft", True, "not_signed"),
        ("activated", False, "not_won"),
    ],
)
def test_a_subscription_tells_what_its_paper_lacks(status, is_won, cause):
    row = unpapered(contract_status=status, is_won=is_won, contract_number=status and "7")
    (drift,) = drift_in(CONTRACT, row).to_dicts()
    assert (drift["cause"], drift["observed"]) == (cause, "contract 7" if status else "none")


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_the_crm_has_six_hours_to_have_the_contract_of_a_subscription(coverage, disposition):
    drift = drift_in(CONTRACT, unpapered(crm_coverage_seconds=coverage))
    assert drift["disposition"].to_list() == [disposition]


@pytest.mark.parametrize(
    "reason",
    ["self_serve", "not_live", "no_recurring", "contract_of_the_family", "paper_asked_for"],
)
def test_subscriptions_that_need_no_contract_do_not_drift(reason):
    assert drift_in(CONTRACT, unpapered(excluded_reason=reason)).is_empty()


def test_equal_lines_do_not_drift():
    assert drift_in(LINE, line()).is_empty()


@pytest.mark.parametrize(
    ("billed", "lines", "drifts"),
    [
        (12_345, 1, False),
        (12_347, 1, False),
        (12_344, 1, True),
        (12_344, 2, False),
        (12_330, 20, False),
    ],
)
def test_prices_may_differ_by_a_minor_unit_per_line(billed, lines, drifts):
    drift = drift_in(LINE, line(billing_mrr_at_contract_quantity_minor=billed, line_count=lines))
    assert drift["code"].to_list() == (["CON-AMT-01"] if drifts else [])


def test_a_price_effect_is_valued_over_the_months_that_are_left():
    (drift,) = drift_in(LINE, line(billing_mrr_at_contract_quantity_minor=12_000)).to_dicts()
    assert (drift["attribute"], drift["impact_minor"]) == ("mrr_at_contract_quantity:SEAT", 346 * 6)
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "billing-a")
    assert (drift["expected"], drift["observed"]) == ("12346", "12000")


@pytest.mark.parametrize(("billed", "impact"), [(8, 14_815), (11, -7_407), (None, 74_074)])
def test_a_quantity_effect_is_valued_at_the_contracted_price(billed, impact):
    (drift,) = drift_in(LINE, line(billing_quantity=billed)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("SUB-QTY-01", "quantity:SEAT")
    assert drift["impact_minor"] == impact


def test_price_and_quantity_may_drift_on_one_row():
    row = line(billing_quantity=9, billing_mrr_at_contract_quantity_minor=1)
    assert drift_in(LINE, row)["code"].to_list() == ["CON-AMT-01", "SUB-QTY-01"]


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_a_signed_change_is_in_flight_for_two_days(coverage, disposition):
    drift = drift_in(LINE, line(crm_quantity=12, billing_coverage_seconds=coverage))
    assert drift["disposition"].to_list() == [disposition]


@pytest.mark.parametrize("status", ["trial", "active", "past_due", "paused", "cancelled"])
def test_equal_subscription_states_do_not_drift(status):
    assert drift_in(SUBSCRIPTION, subscription(status, status)).is_empty()


@pytest.mark.parametrize(
    ("crm", "billing", "cause", "severity", "sign"),
    [
        ("cancelled", "active", "billing_after_cancel", "S1", -1),
        ("cancelled", "trial", "billing_after_cancel", "S1", -1),
        ("active", "cancelled", "crm_copy_stale", "S2", -1),
        ("active", "paused", "crm_copy_stale", "S4", -1),
        ("paused", "active", "crm_copy_stale", "S4", 1),
        (None, "active", "crm_copy_stale", "S4", -1),
    ],
)
def test_states_that_differ_tell_who_is_behind(crm, billing, cause, severity, sign):
    (drift,) = drift_in(
        SUBSCRIPTION, subscription(crm, billing, crm_coverage_seconds=86_400)
    ).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("SUB-STAT-01", "status")
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "billing-a")
    assert (drift["replica_system"], drift["replica_id"]) == ("salesforce", "crm-a")
    assert (drift["cause"], drift["severity"], drift["impact_minor"]) == (
        cause,
        severity,
        sign * 1_000,
    )


def test_a_divergence_is_valued_by_the_months_begun_since_the_change():
    row = subscription("active", "cancelled", crm_coverage_seconds=2_629_800 * 3)
    assert drift_in(SUBSCRIPTION, row)["impact_minor"].to_list() == [-4_000]


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_the_crm_has_six_hours_to_copy_a_state(coverage, disposition):
    row = subscription("active", "cancelled", crm_coverage_seconds=coverage)
    assert drift_in(SUBSCRIPTION, row)["disposition"].to_list() == [disposition]


def test_a_state_that_billing_does_not_know_is_no_drift():
    assert drift_in(SUBSCRIPTION, subscription("active", None)).is_empty()
