"""Drift of a revenue plan of the ERP, and the facts that its corrections need."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.drift_samples import drift_row

PLAN = {"replica_id": "7001001", "comparison": "cmp_revenue_schedule__policy_vs_erp"}


def other_amount(**values: Any) -> dict[str, Any]:
    """REV-AMT-01: the plan of a line comes to less than the line."""
    return drift_row("il_1", "REV-AMT-01", attribute="amount", **PLAN | values)


def planned_twice(**values: Any) -> dict[str, Any]:
    """REV-SCH-01: plan 7001501 earns the line of plan 7001001 again."""
    row = {"cause": "planned_twice", "row_key": "schedule:il_1"}
    return drift_row("il_1", "REV-SCH-01", **PLAN | row | values)


def run_on(**values: Any) -> dict[str, Any]:
    """REV-STOP-01: the plan of a void invoice was run on; billing has none."""
    lone = {"owner_role": "erp", "owner_system": "netsuite", "replica_role": None}
    return drift_row(
        "7001001",
        "REV-STOP-01",
        attribute="end",
        **PLAN
        | lone
        | {"cause": "runs_after_void", "replica_system": None, "replica_id": None}
        | values,
    )


MONTHS: list[dict[str, Any]] = [
    {
        "plan_id": "7001001",
        "schedule_key": "il_1",
        "period": period,
        "policy_minor": 5000,
        "erp_minor": erp,
        "is_recognised": True,
        "run_entity": "UK",
        "run_gap_minor": 1,
        "document_id": "7001",
        "legal_entity": "UK",
        "voided": "F",
        "document_date": date(2026, 5, 1),
        "exchange_rate": "1",
        "currency": "GBP",
        "income_account_id": "400",
        "deferred_account_id": "210",
        "department_id": None,
        "class_id": "4",
    }
    for period, erp in (("2026-05", 4000), ("2026-06", 5000))
]
RUN: list[dict[str, Any]] = [
    {
        "plan_id": "7001001",
        "line_id": f"7001001-{n}",
        "period": period,
        "amount": amount,
        "is_recognised": "T",
        "run_id": run,
    }
    for n, period, amount, run in ((1, "2026-05", "40", "8800"), (2, "2026-06", "50", "8801"))
]


def months(*changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The months of the plan, each changed by what is given for it."""
    given = [*changes, *({} for _ in MONTHS)]
    return [month | dict(change) for month, change in zip(MONTHS, given, strict=False)]
