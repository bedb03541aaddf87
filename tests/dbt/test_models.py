"""The models themselves: they build on empty tables, and their unit tests hold."""

import json

import duckdb
import pytest

pytestmark = pytest.mark.slow

# Model, and decimals of its product: percents and factors, which are never above a hundred.
PRODUCTS_OF_RATIOS = {
    ("stg_stripe__subscription_items", 8),
    ("cmp_contract_change__crm_vs_billing", 12),
}


@pytest.fixture(scope="module")
def built(new_warehouse):
    """A warehouse of empty tables, and what dbt said when it made them."""
    warehouse = new_warehouse("empty")
    warehouse.write_crosswalk({})
    seeded = warehouse.dbt("seed")
    assert seeded.returncode == 0, seeded.stdout
    return warehouse, warehouse.dbt("run", "--empty")


def test_every_model_builds_on_empty_tables_without_a_warning(built):
    _, outcome = built
    assert outcome.returncode == 0, outcome.stdout
    assert outcome.stderr == ""
    assert "WARN=0 ERROR=0 SKIP=0" in outcome.stdout
    assert "eprecat" not in outcome.stdout
    assert "[WARNING]" not in outcome.stdout


def test_unit_tests_pass(built):
    warehouse, _ = built
    outcome = warehouse.dbt("test", "--select", "test_type:unit")
    assert outcome.returncode == 0, outcome.stdout
    assert "PASS=0 " not in outcome.stdout


def test_a_credit_note_whose_lines_are_not_its_amount_is_told(built):
    """One in the ERP and one in billing; of a memo that lacks a line as well it was held back."""
    warehouse, _ = built
    for memo, amounts in {"1": [4], "held": [4], "whole": [4, 5]}.items():
        name = {"erp_internal_id": memo}
        warehouse.insert("conformed.credit_note__erp", [name | {"subtotal_minor": 9}])
        lines = [name | {"amount_minor": amount} for amount in amounts]
        warehouse.insert("conformed.credit_note_line__erp", lines)
    held = {"system": "netsuite", "object": "transaction_line", "scope": "held"}
    warehouse.insert("raw.quarantine", [held])
    bare, whole = ({"credit_note_key": key} for key in ("cn_bare", "cn_whole"))
    notes = [note | {"subtotal_minor": 5} for note in (bare, whole)]
    warehouse.insert("canonical.credit_notes", notes)
    warehouse.insert("canonical.credit_note_lines", [whole | {"amount_minor": 5}])
    told = warehouse.dbt("test", "--select", "credit_note_lines_are_complete")
    assert "Got 2 results" in told.stdout, told.stdout


def test_no_product_of_money_is_kept_in_eighteen_digits(built):
    """DuckDB fits a product of two decimals of up to 18 digits into 18, and fails where it can't."""
    warehouse, _ = built
    narrow = set()
    with duckdb.connect(str(warehouse.path), read_only=True) as con:
        for compiled in (warehouse.folder / "target/compiled/tieout/models").rglob("*.sql"):
            if any(part.endswith(".yml") for part in compiled.parts):  # of a unit test
                continue
            asked = "select json_serialize_plan(?, optimize := false)"
            plan = json.loads(con.execute(asked, [compiled.read_text("utf-8")]).fetchone()[0])
            assert plan["error"] is False, compiled
            narrow |= {(compiled.stem, scale) for scale in _narrow_products(plan)}
    assert narrow == PRODUCTS_OF_RATIOS


def _narrow_products(plan):
    """The scales of products that are checked for digits which they have no room for."""
    if isinstance(plan, dict):
        is_checked = (plan.get("function_data") or {}).get("check_overflow")
        if (
            is_checked
            and plan["qname"]["path"][-1] == "*"
            and plan["return_type"]["id"] == "DECIMAL"
        ):
            kind = plan["return_type"]["type_info"]
            if kind["width"] <= 18:
                yield kind["scale"]
        plan = list(plan.values())
    if isinstance(plan, list):
        for each in plan:
            yield from _narrow_products(each)


@pytest.mark.parametrize("keys", [("9", "9"), (None,)])
def test_a_model_with_a_key_twice_or_none_fails_as_it_is_made(built, keys, monkeypatch):
    warehouse, _ = built
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("delete from raw.netsuite__accounting_period")
    warehouse.insert("raw.netsuite__accounting_period", [{"id": key} for key in keys])
    made = warehouse.dbt("run", "--select", "stg_netsuite__accounting_periods")
    assert '"staging"."stg_netsuite__accounting_periods" where (period_id) is' in made.stdout
    assert f"Got {len(keys)} rows of" in made.stdout
    unique_id = "model.tieout.stg_netsuite__accounting_periods"
    looked_at = warehouse.dbt(
        "run-operation", "require_grains", "--args", json.dumps({"unique_ids": [unique_id]})
    )
    assert f"Got {len(keys)} rows of" in looked_at.stdout
    assert looked_at.returncode == 1
    monkeypatch.setenv("TIEOUT_STANDING", "before_identity")
    left_as_it_was = warehouse.dbt("run", "--select", "stg_control__build")
    assert f"Got {len(keys)} rows of" in left_as_it_was.stdout
    assert left_as_it_was.returncode != 0
    monkeypatch.setenv("TIEOUT_STANDING", "after_identity")
    assert warehouse.dbt("run", "--select", "stg_control__build").returncode == 0


def test_a_model_whose_columns_are_not_those_of_its_contract_fails(built):
    warehouse, _ = built
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("alter table canonical.journal_entries alter column number type bigint")
    outcome = warehouse.dbt("run", "--select", "cmp_journal_entry__within_erp")
    assert "This model has an enforced contract that failed" in outcome.stdout, outcome.stdout
    assert "ERROR=1" in outcome.stdout
