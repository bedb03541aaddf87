"""What is said of a record does not depend on which thread looks first."""

import duckdb
import pytest

from reconcilers.match import By
from reconcilers.match.intake import take_in
from reconcilers.match.outcome import sum_up
from tests.match_tables import COLUMNS, a_pass, pairing

RECORDS = 150_000  # a thread takes 122,880 rows at a time: of fewer verdicts one would see all
EMPTY, FULL = "[]::varchar[]", "['r1', 'r2']"


def told(threads, *verdicts):
    """The distinct rows of the residue, of records with these verdicts of one pass and reason."""
    con = duckdb.connect(config={"threads": threads})
    for table, records in (("lefts", RECORDS), ("rights", 1)):
        con.execute(f"create table {table} ({COLUMNS})")
        con.execute(
            f"insert into {table} (item_id, currency, amount_minor) "
            f"select {table[0]!r} || number, 'USD', 100 from range({records}) as each(number)"
        )
    take_in(con, "lefts", "rights")
    for candidates in verdicts:
        con.execute(
            "insert into match_verdict "
            f"select 1, 'left', item_id, 'too_many_candidates', {candidates} from lefts"
        )
    sum_up(con, pairing(a_pass(By.REFERENCE)))
    return con.sql("""
        select reason, candidate_count, candidates, count(*)
        from match_residue where side = 'left' group by all order by all
    """).fetchall()


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("verdicts", [(EMPTY, FULL), (FULL, EMPTY)])
def test_of_two_verdicts_of_one_rank_the_one_with_more_candidates_is_told(threads, verdicts):
    assert told(threads, *verdicts) == [("too_many_candidates", 2, "r1,r2", RECORDS)]
