"""`tieout golden`: what counts, who gave it, who says otherwise; nothing personal unless asked."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.golden import KEYS, find_things
from orchestration.settings import load_settings
from reconcilers.ownership import GOLDEN_HOLDERS

VALUES = """
create schema canonical; create schema seeds;
create table seeds.currencies as select 'KWD' as currency, 3::bigint as exponent;
create table canonical.customer_links as
    select * from (values ('c1', '001'), ('c1', 'cus_1'), ('c2', '002')) as links (canonical_customer_id, source_id);
create table canonical.invoices as
    select 'in_1' as invoice_key, 'in_1' as invoice_id, '77' as erp_internal_id, 'R-1' as number;
create table canonical.customer_values as select * from (values
    ('c1', 'legal_name', 'Acme Inc', null, 'crm', 'salesforce', '001', true, 'owner', null, 'OWN'),
    ('c1', 'legal_name', 'Ledger', null, 'erp', 'netsuite', '7', false, null, 'not_owner', 'OWN'),
    ('c1', 'legal_name', 'ACME', null, 'billing', 'stripe', 'cus_1', false, null, 'same_value', 'OWN'),
    ('c1', 'currency', 'KWD', null, 'billing', 'stripe', 'cus_1', true, 'owner', null, 'OWN'),
    ('c2', 'legal_name', 'Other', null, 'crm', 'salesforce', '002', true, 'owner', null, 'OWN')
) as v (canonical_id, attribute, value, currency, role, system, source_id, is_golden, golden_because, lost_because, conflict_rule);
alter table canonical.customer_values add column modified_at timestamp;
create table canonical.invoice_values as select * from (values
    ('in_1', 'total', '1234500', 'KWD', 'billing', 'stripe', 'in_1', true, 'as_issued', null, 'FROZEN')
) as v (canonical_id, attribute, value, currency, role, system, source_id, is_golden, golden_because, lost_because, conflict_rule);
alter table canonical.invoice_values add column modified_at timestamp;
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path))
    path = load_settings().warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute(VALUES)
    return tmp_path


@pytest.fixture
def said(home):
    """Run the command as people do: its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        result = subprocess.run(
            [Path(sys.executable).with_name("tieout"), "golden", *arguments],
            env={**os.environ, "TIEOUT_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout

    return run


def test_every_golden_entity_can_be_looked_up():
    assert set(KEYS) == set(GOLDEN_HOLDERS)


@pytest.mark.usefixtures("home")
def test_any_id_finds_the_thing_and_all_its_values():
    (thing,) = find_things(load_settings(), "customer", "cus_1")
    assert thing.canonical_id == "c1"
    assert [(one.name, one.is_contested) for one in thing.attributes] == [
        ("currency", False),
        ("legal_name", True),
    ]
    assert [one.value for one in thing.attributes[1].candidates] == ["Acme Inc", "ACME", "Ledger"]


def test_names_are_masked_unless_asked(said):
    code, output = said("customer", "001")
    assert code == 0
    assert "Acme" not in output
    assert "A•••" in output
    assert "not owner" in output
    assert "1 of them contested" in output
    assert "Acme Inc" in said("customer", "001", "--unmask")[1]


def test_an_amount_is_shown_in_units_of_its_currency(said):
    code, output = said("invoice", "R-1")
    assert code == 0
    assert "1,234.500 KWD" in output


def test_what_is_unknown_is_said(said):
    assert said("customer", "nobody")[0] == 1
    assert said("galaxy", "1")[0] == 2
