"""Views and seeds stay as a night left them only where the next would build the same."""

import duckdb
import pytest

from orchestration import standing

FIRST, SECOND = "models_before_identity", "models_after_identity"
FILES = standing.fingerprint("files")


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA seeds; CREATE TABLE seeds.currencies AS SELECT 'EUR' AS currency"
        )
        con.execute("CREATE SCHEMA trace; CREATE VIEW trace.nodes AS FROM seeds.currencies")
        assert not standing.stands(con, FIRST, FILES)
        standing.note_built(con, FIRST, FILES)
        yield con


def test_what_the_same_files_would_build_stands(con):
    assert standing.stands(con, FIRST, FILES)
    con.execute("CREATE VIEW trace.edges AS FROM seeds.currencies")
    assert standing.stands(con, FIRST, FILES)


def test_each_half_stands_for_itself(con):
    assert not standing.stands(con, SECOND, FILES)
    assert standing.stands(con, FIRST, FILES)


@pytest.mark.parametrize("gone", ["VIEW trace.nodes", "TABLE seeds.currencies"])
def test_nothing_stands_where_something_is_gone(con, gone):
    con.execute(f"DROP {gone}")
    assert not standing.stands(con, FIRST, FILES)


def test_what_other_files_began_to_build_is_built_again_by_the_first_ones(con):
    assert not standing.stands(con, FIRST, standing.fingerprint("other files"))
    assert not standing.stands(con, FIRST, FILES)


def test_nothing_stands_that_another_engine_built(con):
    standing.forget(con, FIRST)
    assert not standing.stands(con, FIRST, FILES)


def test_the_code_that_makes_the_tables_below_counts(tmp_path):
    made = tmp_path / "tables.py"
    made.write_text("one")
    before = standing.fingerprint("files", [tmp_path])
    assert standing.fingerprint("files", [tmp_path]) == before
    made.write_text("another")
    assert standing.fingerprint("files", [tmp_path]) != before
