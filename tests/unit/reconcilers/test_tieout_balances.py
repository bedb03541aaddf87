"""Roll-forwards: months that add up, gaps that a finding or a reason explains, and gaps that nothing does."""

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.findings import DRIFT, Findings, empty
from reconcilers.tieout_balances import BALANCES, balance_lines
from tests.comparison_tables import DAY, add

RECEIVABLES = BALANCES[0]
EXPONENTS = {"USD": 2}
MODEL = (
    "create table balance.control_account_entries (control varchar, side varchar, object_key varchar, "
    "document_id varchar, movement varchar, legal_entity varchar, currency varchar, period varchar, "
    "amount_minor bigint, excluded_reason varchar)"
)


def entry(side, key, minor, period="2026-06", **values):
    return {
        "control": "receivable", "side": side, "object_key": key, "document_id": key,
        "movement": "invoice", "legal_entity": "US", "currency": "USD", "period": period,
        "amount_minor": minor,
    } | values  # fmt: skip


def both(key, minor, period="2026-06", **values):
    return [entry(side, key, minor, period, **values) for side in ("documents", "ledger")]


def finding(code, entity, owner, replica=None):
    named = {"code": code, "entity": entity, "owner_id": owner, "replica_id": replica}
    return empty(DRIFT).clear().vstack(pl.DataFrame([named], schema=empty(DRIFT).schema))


def rolled(entries, *found):
    """The lines of receivables over these entries, as one month after the other."""
    con = duckdb.connect()
    con.execute("create schema balance")
    con.execute(MODEL)
    for each in entries:
        add(con, "balance.control_account_entries", each)
    drift = pl.concat([empty(DRIFT), *found])
    findings = Findings(DAY, drift, *(pl.DataFrame() for _ in range(3)))
    return list(balance_lines(con, findings, EXPONENTS, [RECEIVABLES]))


def test_a_month_closes_where_the_next_one_opens():
    may, june = rolled(
        [*both("1", 500, "2026-05"), *both("2", -200, movement="payment"), *both("3", 40)]
    )
    assert may["detail"] == "opening 0.00 USD + invoice 5.00 USD = 5.00 USD"
    assert june["detail"] == ("opening 5.00 USD + invoice 0.40 USD - payment 2.00 USD = 3.40 USD")
    assert (june["scope"], june["left_minor"], june["right_minor"]) == ("US receivables", 340, 340)
    assert may["holds"]
    assert june["holds"]


def test_a_document_that_only_one_side_has_is_unexplained_until_the_end():
    entries = [entry("documents", "1", 500, "2026-05"), *both("2", 40)]
    may, june = rolled(entries)
    assert [line["unexplained_minor"] for line in (may, june)] == [500, 500]
    assert not may["holds"]
    assert not june["holds"]


@pytest.mark.parametrize(
    ("entity", "owner", "replica"),
    [
        ("posting", "1", None),
        ("invoice", "in_1", "1"),
        ("posting_line", "1-3", None),
        ("payment_application", "7/1", None),
    ],
)
def test_a_finding_on_the_document_or_a_part_of_it_explains_the_gap(entity, owner, replica):
    found = finding("JE-MISS-01", entity, owner, replica)
    (line,) = rolled([entry("documents", "1", 500)], found)
    assert (line["explained_minor"], line["unexplained_minor"], line["holds"]) == (500, 0, True)
    assert line["detail"].endswith("; exception JE-MISS-01 5.00 USD")


@pytest.mark.parametrize(
    "found",
    [finding("CUS-ATTR-01", "customer", "1"), finding("JE-MISS-01", "posting", "11")],
    ids=["a customer of the same number", "another document"],
)
def test_a_finding_on_something_else_explains_nothing(found):
    (line,) = rolled([entry("documents", "1", 500)], found)
    assert (line["unexplained_minor"], line["holds"]) == (500, False)


def test_a_stated_reason_or_rounding_explains_a_gap():
    entries = [
        entry("documents", "1", 500, excluded_reason="not_paid_out"),
        entry("documents", "2", 30),
        entry("ledger", "2", 20),
    ]
    (line,) = rolled(entries)
    assert line["holds"]
    assert line["detail"].endswith("; not_paid_out 5.00 USD; within_tolerance 0.10 USD")


def test_one_that_is_posted_in_the_next_month_is_apart_in_the_first_alone():
    june, july = rolled([entry("documents", "1", 500), entry("ledger", "1", 500, "2026-07")])
    assert (june["explained_minor"], june["holds"]) == (500, True)
    assert june["detail"].endswith("; in another month 5.00 USD")
    assert (july["left_minor"], july["explained_minor"], july["holds"]) == (500, 0, True)


def test_gaps_of_two_documents_do_not_cancel_out():
    (line,) = rolled([entry("documents", "1", 500), entry("ledger", "2", 500)])
    assert line["left_minor"] == line["right_minor"]
    assert not line["holds"]


@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from("1234"),
            st.sampled_from(["2026-05", "2026-06"]),
            st.integers(-(10**6), 10**6),
            st.sampled_from(["both", "documents", "ledger"]),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=15, deadline=None)
def test_sides_are_explained_to_the_last_unit(moves):
    entries = [
        each
        for key, period, minor, where in moves
        for each in both(key, minor, period)
        if where in {"both", each["side"]}
    ]
    for line in rolled(entries, finding("JE-MISS-01", "posting", "1")):
        apart = line["left_minor"] - line["right_minor"]
        assert apart == line["explained_minor"] + line["unexplained_minor"]
