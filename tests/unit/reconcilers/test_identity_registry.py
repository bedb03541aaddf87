"""Which id leads on from one that was given up."""

from datetime import date

import duckdb
import polars as pl
import pytest

from reconcilers.identity.registry import ALIAS_SCHEMA, current_id, current_ids
from reconcilers.identity.tables import publish_aliases

CHAIN = [("A", "B", 1, 1), ("B", "C", 1, 2)]
# B came back into use and was given up again later, for D
RETURNED = [("A", "B", 1, 1), ("B", "A", 1, 2), ("B", "D", 1, 3)]


def aliases(rows):
    """(old id, new id, records, day of June)."""
    told = [(old, new, "merged", records, date(2026, 6, day)) for old, new, records, day in rows]
    return pl.DataFrame(told, schema=ALIAS_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("rows", "live", "now"),
    [
        (CHAIN, {"C"}, {"A": "C", "B": "C"}),
        (CHAIN, {"B", "C"}, {"A": "B"}),
        (RETURNED, {"D"}, {"A": "D", "B": "D"}),
        ([("A", "B", 1, 1), ("A", "C", 2, 1)], {"B", "C"}, {"A": "C"}),  # most records went to C
        ([("A", "B", 1, 1), ("B", "A", 1, 2)], set(), {"A": None, "B": None}),  # a ring
        (CHAIN, set(), {"A": None, "B": None}),
        ([], {"A"}, {}),
    ],
)
def test_redirects_are_followed_to_an_id_in_use_the_newest_first(rows, live, now):
    assert dict(current_ids(aliases(rows), live).iter_rows()) == now
    assert {old: current_id(old, live, aliases(rows)) for old in now} == now


def test_the_published_aliases_are_those_that_no_record_has_any_more():
    with duckdb.connect() as con:
        crosswalk = pl.DataFrame({"canonical_customer_id": ["C", "C", "E"]})
        publish_aliases(con, aliases([*CHAIN, ("C", "A", 1, 3)]), crosswalk)
        rows = con.sql("from identity.customer_aliases").fetchall()
    assert rows == [("A", "C"), ("B", "C")]
