"""Revenue plans of the ERP against what the policies earn: as a whole, by month, and their end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import declared_columns, drift_in, paired
from tests.effort import examples

SCHEDULE = "cmp_revenue_schedule__policy_vs_erp"
MONTH = "cmp_revenue_period__policy_vs_erp"
MODIFICATION = "cmp_contract_modification__policy_vs_erp"
SIX_HOURS = 6 * 3600


def side_by_side(view: str, key: str, **values: Any) -> dict[str, Any]:
    same = {
        "billing_id": f"il_{key}", "erp_id": f"plan_{key}", "period": "2026-05",
        "policy_amount_minor": 12_000, "erp_amount_minor": 12_000,
    }  # fmt: skip
    row = paired("policy", "erp", key, **same | values)
    return {name: value for name, value in row.items() if name in declared_columns()[view]}


def schedule(key: str = "a", **values: Any) -> dict[str, Any]:
    """A line of 120.00 with its one plan."""
    usual = {"plan_count": 1, "is_stopped_early": False, "runs_on_minor": None}
    return side_by_side(SCHEDULE, key, **usual | values)


def lone(**values: Any) -> dict[str, Any]:
    """A plan that earns nothing by any policy."""
    nothing = {"has_policy": False, "policy_amount_minor": None, "billing_id": None}
    return schedule(**nothing | values)


MISSING = {"has_erp": False, "erp_id": None, "erp_amount_minor": None, "plan_count": 0}


def told(view: str, *rows: dict[str, Any]) -> list[tuple[str, str, str | None, int]]:
    return drift_in(view, *rows).select("code", "attribute", "cause", "impact_minor").rows()


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (schedule(), []),
        (schedule(**MISSING), [("REV-SCH-01", "", "plan_missing", 12_000)]),
        (schedule(**MISSING, excluded_reason="earned_at_once"), []),
        (
            schedule(plan_count=2, erp_amount_minor=24_000),
            [("REV-SCH-01", "", "planned_twice", -12_000)],
        ),
        # two plans that share the amount are one too many as well
        (schedule(plan_count=2), [("REV-SCH-01", "", "planned_twice", 0)]),
        (lone(), [("REV-SCH-01", "", "document_gone", -12_000)]),
        (lone(excluded_reason="void"), []),
        (schedule(erp_amount_minor=11_999), [("REV-AMT-01", "amount", None, 1)]),
        (schedule(erp_amount_minor=12_001), [("REV-AMT-01", "amount", None, -1)]),
        (schedule(erp_amount_minor=1, excluded_reason="total_differs"), []),
        (
            schedule(erp_amount_minor=9_000, is_stopped_early=True),
            [("REV-STOP-01", "end", "stops_early", 3_000)],
        ),
        (lone(runs_on_minor=700), [("REV-STOP-01", "end", "runs_after_void", -700)]),
        (lone(runs_on_minor=0), []),
    ],
)
def test_each_fault_of_a_plan_is_told_once_by_its_own_class(row, found):
    assert told(SCHEDULE, row) == found


@pytest.mark.parametrize(
    "row",
    [schedule(**MISSING), schedule(erp_amount_minor=1), lone(runs_on_minor=700)],
)
@pytest.mark.parametrize(
    ("age", "disposition"),
    [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception"), (None, "exception")],
)
def test_a_plan_has_six_hours_from_its_document(row, age, disposition):
    drift = drift_in(SCHEDULE, row | {"erp_coverage_seconds": age})
    assert drift["disposition"].to_list() == [disposition]


@pytest.mark.parametrize(
    ("row", "owner", "replica"),
    [
        (schedule(**MISSING), ("stripe", "il_a"), None),
        (schedule(erp_amount_minor=1), ("stripe", "il_a"), "plan_a"),
        (lone(), ("netsuite", "plan_a"), None),
        (schedule(billing_id=None, erp_amount_minor=1), ("netsuite", "plan_a"), None),
        (schedule(is_stopped_early=True, erp_amount_minor=1), ("stripe", "il_a"), "plan_a"),
    ],
)
def test_the_billed_line_owns_its_schedule_and_a_lone_plan_itself(row, owner, replica):
    (drift,) = drift_in(SCHEDULE, row).to_dicts()
    assert (drift["owner_system"], drift["owner_id"]) == owner
    assert drift["replica_id"] == replica


@pytest.mark.parametrize(
    ("row", "expected", "observed"),
    [
        (schedule(**MISSING), "one plan", "0"),
        (lone(), "no plan", "1"),
        (schedule(erp_amount_minor=11_999), "12000", "11999"),
        (schedule(erp_amount_minor=9_000, is_stopped_early=True), "12000", "9000"),
        (lone(runs_on_minor=700), "0", "700"),
    ],
)
def test_both_sides_are_told_in_words(row, expected, observed):
    (drift,) = drift_in(SCHEDULE, row).to_dicts()
    assert (drift["expected"], drift["observed"]) == (expected, observed)


def month(key: str = "a", **values: Any) -> dict[str, Any]:
    return side_by_side(
        MONTH, key, policy_amount_minor=1_000, **{"erp_amount_minor": 1_000} | values
    )


@pytest.mark.parametrize(
    ("values", "impacts"),
    [
        ({}, []),
        ({"erp_amount_minor": 999}, []),
        ({"erp_amount_minor": 1_001}, []),
        ({"erp_amount_minor": 998}, [2]),
        ({"erp_amount_minor": 1_002}, [-2]),
        ({"erp_amount_minor": 0}, [1_000]),
        ({"erp_amount_minor": 0, "excluded_reason": "not_due"}, []),
    ],
)
def test_a_month_may_be_off_by_one_minor_unit_of_rounding(values, impacts):
    assert [row[3] for row in told(MONTH, month(**values))] == impacts


def test_a_month_that_is_off_policy_is_told_by_its_name():
    (drift,) = drift_in(MONTH, month(erp_amount_minor=400)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("REV-PER-01", "recognised:2026-05")
    assert (drift["expected"], drift["observed"]) == ("1000", "400")
    assert (drift["owner_id"], drift["replica_id"]) == ("il_a", "plan_a")


def modification(key: str = "a", **values: Any) -> dict[str, Any]:
    """A change that gives back one line and charges another, 120.00 of it earned by 2026-05."""
    usual = {"billing_id": f"in_{key}", "erp_id": f"erp_{key}", "line_count": 2, "fault": None}
    return side_by_side(MODIFICATION, key, **usual | {"due_coverage_seconds": 0} | values)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (modification(), []),
        (
            modification(fault="nothing_planned", has_erp=False, erp_amount_minor=0),
            [("nothing_planned", 12_000)],
        ),
        # the plan kept the old amounts: what was given back is earned all the same
        (
            modification(fault="credit_not_planned", erp_amount_minor=30_000),
            [("credit_not_planned", -18_000)],
        ),
        (modification(fault="all_at_once", erp_amount_minor=70_000), [("all_at_once", -58_000)]),
        # fewer units: more is given back than charged
        (
            modification(fault="nothing_planned", policy_amount_minor=-900, erp_amount_minor=0),
            [("nothing_planned", -900)],
        ),
        # a charge alone without a plan, and other amounts, are told line by line
        (modification(erp_amount_minor=-6_000), []),
        (modification(fault="all_at_once", erp_amount_minor=12_002), []),
        (modification(fault="all_at_once", erp_amount_minor=12_003), [("all_at_once", -3)]),
        (modification(fault="nothing_planned", erp_amount_minor=0, line_count=12_000), []),
        (
            modification(fault="all_at_once", erp_amount_minor=0, excluded_reason="total_differs"),
            [],
        ),
    ],
)
def test_a_modification_is_told_by_how_it_is_planned_instead(row, found):
    assert [line[2:] for line in told(MODIFICATION, row)] == found


@pytest.mark.parametrize(
    ("due", "disposition"), [(-1, "in_flight"), (0, "exception"), (None, "exception")]
)
def test_the_plans_of_a_modification_have_until_they_are_due(due, disposition):
    row = modification(fault="all_at_once", erp_amount_minor=0, due_coverage_seconds=due)
    assert drift_in(MODIFICATION, row)["disposition"].to_list() == [disposition]


def test_a_modification_is_told_of_its_two_invoices_with_both_sums():
    row = modification(fault="credit_not_planned", erp_amount_minor=30_000)
    (drift,) = drift_in(MODIFICATION, row).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("REV-MOD-01", "plan")
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "in_a")
    assert (drift["replica_system"], drift["replica_id"]) == ("netsuite", "erp_a")
    assert (drift["expected"], drift["observed"]) == ("12000", "30000")


@given(drawn=st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(-3, 3)), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_a_plan_is_off_by_what_it_leaves_out_to_the_last_minor_unit(drawn):
    rows = [
        schedule(f"r{n}", policy_amount_minor=due, erp_amount_minor=due - gap)
        for n, (due, gap) in enumerate(drawn)
    ]
    drift = drift_in(SCHEDULE, *rows)
    assert drift["impact_minor"].sum() == sum(gap for _, gap in drawn)
    assert drift.height == sum(gap != 0 for _, gap in drawn)
