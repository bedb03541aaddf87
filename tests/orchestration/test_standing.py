"""Views and seeds stay as a night left them only where the next would build the same."""

import duckdb
import pytest

from orchestration import standing

FIRST, SECOND = "before_identity", "after_identity"
NAMES = {"seeds.currencies", "trace.nodes"}
FILES = standing.fingerprint("files")


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA seeds; CREATE TABLE seeds.currencies AS SELECT 'EUR' AS currency"
        )
        con.execute("CREATE SCHEMA trace; CREATE VIEW trace.nodes AS FROM seeds.currencies")
        assert not standing.take(con, FIRST, FILES, NAMES)
        standing.note_built(con, FIRST, FILES, NAMES)
        yield con


def stands(con, *, half=FIRST, files=FILES, names=NAMES):
    return standing.take(con, half, files, names)


def test_what_the_same_files_would_build_stands(con):
    con.execute("CREATE VIEW trace.edges AS FROM seeds.currencies")
    assert stands(con)


def test_each_half_stands_for_itself(con):
    assert not stands(con, half=SECOND)
    assert stands(con)


def test_nothing_stands_behind_a_build_that_did_not_end(con):
    assert stands(con)
    assert not stands(con)


@pytest.mark.parametrize(
    "meanwhile",
    [
        "DROP VIEW trace.nodes",
        "DROP TABLE seeds.currencies",
        "CREATE OR REPLACE VIEW trace.nodes AS SELECT 'USD' AS currency",
        "ALTER TABLE seeds.currencies ADD COLUMN exponent INTEGER",
    ],
)
def test_nothing_stands_where_something_is_gone_or_another(con, meanwhile):
    con.execute(meanwhile)
    assert not stands(con)


def test_nothing_stands_of_other_files_or_where_something_new_is_to_be_built(con):
    assert not stands(con, files=standing.fingerprint("other files"))
    standing.note_built(con, FIRST, FILES, NAMES)
    assert not stands(con, names=NAMES | {"trace.edges"})


def test_the_code_that_makes_the_tables_below_counts(tmp_path):
    made = tmp_path / "tables.py"
    made.write_text("one")
    before = standing.fingerprint("files", [tmp_path])
    assert standing.fingerprint("files", [tmp_path]) == before
    made.write_text("another")
    assert standing.fingerprint("files", [tmp_path]) != before
