"""Nights that build of the models what was touched, held against the same nights built whole."""

import pytest

from extractors.sandbox import control
from orchestration import parts
from orchestration.settings import load_settings
from reconcilers.engine import open_warehouse
from tests.e2e.conftest import Company, rows_of

pytestmark = pytest.mark.slow
MANY = 60


def test_what_was_brought_up_in_parts_is_what_would_have_been_built(tmp_path, monkeypatch):
    """Days on which customers, invoices and payments come and change, and drift among them."""
    brought = []

    def bring_up(*arguments):
        brought.append(parts_of(*arguments))
        return brought[-1]

    parts_of = parts.bring_up
    monkeypatch.setattr(parts, "bring_up", bring_up)
    monkeypatch.setattr(parts, "LEAST_RECORDS", 0)
    monkeypatch.setattr(parts, "MOST_TOUCHED", 1)
    company = Company(load_settings({"TIEOUT_HOME": str(tmp_path)}))
    sandbox = company.settings.sandbox_dir
    control.up(sandbox, seed=11, customers=80)
    try:
        company.night()
        for number, codes in enumerate((["SUB-QTY-01", "INV-AMT-01"], [])):
            control.advance(sandbox)
            for code in codes:
                control.plant(sandbox, code, 1, seed=number)
            company.night()
            with open_warehouse(company.settings.warehouse_path, read_only=False) as con:
                in_parts = rows_of(con)
                con.execute("DELETE FROM main.built_of")
            company.night()
            with open_warehouse(company.settings.warehouse_path) as con:
                whole = rows_of(con)
            assert {name for name in whole if whole[name] != in_parts.get(name)} == set()
    finally:
        control.down(sandbox)
    assert sum(len(models) for models in brought) > MANY
