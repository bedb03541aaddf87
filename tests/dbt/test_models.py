"""The models themselves: they build on empty tables, and their unit tests hold."""

import pytest

pytestmark = pytest.mark.slow


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
