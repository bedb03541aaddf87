"""Every compared row of the matrix is a rule with its class, its sides, its grace and its floor."""

from datetime import date
from decimal import Decimal
from itertools import groupby

import pytest

from reconcilers.matrix import load_matrix
from reconcilers.rules.severity import FIELD_FLOORS, FLOORS
from tests.comparison_tables import SEEDS, declared_columns, drift_in, paired

SYSTEMS = {"crm": "salesforce", "billing": "stripe", "erp": "netsuite"}
FIELDS = sorted(
    (row for row in load_matrix(SEEDS / "system_of_record.csv") if row.comparison),
    key=lambda row: row.comparison,
)
BY_COMPARISON = {name: list(rows) for name, rows in groupby(FIELDS, lambda row: row.comparison)}
# Of the owner and of the replica: apart by more than any tolerance, worth less than any band.
APART = {
    "varchar": ("one", "two"),
    "bigint": (1_000, 900),
    "date": (date(2026, 6, 1), date(2026, 7, 20)),
    "boolean": (True, False),
    "decimal(28,8)": (Decimal(3), Decimal(2)),
}
STATES = {
    "subscription": ("active", "paused"),
    "invoice": ("paid", "open"),
    "credit_note": ("issued", "void"),
}
# What a row must say beside the field, for the rule to have an amount or a part.
BESIDE = {
    "cmp_contract_line__crm_vs_billing": {"product_code": "PLAT"},
    "cmp_credit_note__billing_vs_erp": {
        "billing_total_minor": 1_000,
        "erp_total_minor": 1_000,
        "line_count": 1,
    },
    "cmp_invoice__billing_vs_erp": {"billing_total_minor": 1_000, "erp_total_minor": 1_000},
    "cmp_invoice_tax__billing_vs_erp": {"jurisdiction": "DE"},
}
# In another month than billing's.
OTHER_FLOORS = {("INV-DATE-01", "invoice_date"): "S2"}


def apart(field):
    if field.attribute == "status":
        return STATES[field.entity]
    return APART[declared_columns()[field.comparison][field.owner_column]]


def row(field, key, values, age):
    columns = declared_columns()[field.comparison]
    beside = dict(BESIDE.get(field.comparison, {}))
    beside |= {name: age for name in columns if name.endswith("_coverage_seconds")}
    named = dict(zip((field.owner_column, field.replica_column), values, strict=True))
    return paired(field.owner, field.replica, f"{field.attribute}:{key}", **beside | named)


@pytest.mark.parametrize("comparison", BY_COMPARISON)
def test_a_field_that_differs_drifts_when_its_grace_is_over(comparison):
    rows = []
    for field in BY_COMPARISON[comparison]:
        grace = field.grace_hours * 3600
        rows += [
            row(field, "waits", apart(field), grace - 1),
            row(field, "due", apart(field), grace),
        ]
        rows.append(row(field, "equal", (apart(field)[0],) * 2, grace))
    found = {
        (each["row_key"], each["code"]): each
        for each in drift_in(comparison, *rows).to_dicts()
        if each["attribute"].partition(":")[0] == each["row_key"].partition(":")[0]
    }
    for field in BY_COMPARISON[comparison]:
        waits = found.pop((f"{field.attribute}:waits", field.drift_code))
        due = found.pop((f"{field.attribute}:due", field.drift_code))
        assert (waits["disposition"], due["disposition"]) == ("in_flight", "exception")
        assert (due["owner_system"], due["replica_system"]) == (
            SYSTEMS[field.owner],
            SYSTEMS[field.replica],
        )
        floor = FLOORS.get(field.drift_code, "S4")
        named = FIELD_FLOORS | OTHER_FLOORS
        assert due["severity"] == named.get((field.drift_code, field.attribute), floor)
    assert not found
