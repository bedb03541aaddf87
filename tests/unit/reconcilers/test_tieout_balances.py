"""Roll-forwards: months that add up, gaps that a finding or a reason explains, and gaps that nothing does."""

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.findings import DRIFT, Findings, empty
from reconcilers.tieout_balances import BALANCES, balance_lines
from tests.comparison_tables import DAY, add
from tests.effort import examples

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


def finding(code, entity, owner, replica=None, *, impact=500, disposition="exception"):
    named = {
        "code": code, "entity": entity, "owner_id": owner, "replica_id": replica,
        "impact_minor": impact, "disposition": disposition, "exception_key": f"{code}{owner}",
    }  # fmt: skip
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
        ("usage", "1", None),
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


def apart(documents, ledger):
    return [entry("documents", "1", documents), entry("ledger", "1", ledger)]


@pytest.mark.parametrize(
    ("impact", "holds"), [(900_000, True), (-900_000, True), (899_990, True), (899_989, False)]
)
def test_where_both_sides_have_the_document_a_finding_explains_what_it_is_worth(impact, holds):
    found = finding("INV-AMT-01", "invoice", "1", impact=impact)
    (line,) = rolled(apart(1_000_000, 100_000), found)
    assert (line["holds"], line["explained_minor"]) == (holds, 900_000 if holds else 0)


def test_findings_of_one_object_explain_together_and_each_once():
    found = [
        finding("TAX-AMT-01", "invoice_tax_line", "1", "1", impact=300),
        finding("INV-AMT-01", "invoice", "1", impact=200),
    ]
    (line,) = rolled(apart(1_000, 500), *found)
    assert line["holds"]
    (line,) = rolled(apart(1_000, 489), *found)
    assert not line["holds"]


@pytest.mark.parametrize("code", ["INV-DATE-01", "JE-PER-01", "TAX-CODE-01"])
def test_a_class_that_moves_no_amount_explains_none(code):
    (line,) = rolled(apart(1_000, 500), finding(code, "invoice", "1", impact=500))
    assert not line["holds"]


def test_a_finding_that_is_in_flight_is_told_as_that():
    found = finding("JE-MISS-01", "posting", "1", disposition="in_flight")
    (line,) = rolled([entry("documents", "1", 500)], found)
    assert line["detail"].endswith("; in_flight JE-MISS-01 5.00 USD")


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
@settings(max_examples=examples(15), deadline=None)
def test_what_is_unexplained_is_the_sum_of_the_objects_that_nothing_names(moves):
    entries = [
        each
        for key, period, minor, where in moves
        for each in both(key, minor, period)
        if where in {"both", each["side"]}
    ]
    lines = rolled(entries, finding("JE-MISS-01", "posting", "1", impact=10**8))
    gaps = dict.fromkeys("234", 0)
    for key, _, minor, where in moves:
        if key in gaps and where != "both":
            gaps[key] += minor if where == "documents" else -minor
    # a cent is rounding where both have the document, and not where one side lacks it
    standing = {
        key: {each["side"] for each in entries if each["object_key"] == key} for key in gaps
    }
    left = [gap for key, gap in gaps.items() if abs(gap) > 10 or (gap and len(standing[key]) == 1)]
    if lines:
        assert lines[-1]["unexplained_minor"] == sum(left)
        assert lines[-1]["holds"] == (not left)


def test_a_document_in_other_books_is_apart_in_both_and_its_finding_explains_both():
    entries = [entry("documents", "1", 500), entry("ledger", "1", 500, legal_entity="DE")]
    lines = rolled(entries, finding("JE-ENT-01", "invoice", "in_1", "1"))
    told = {line["scope"]: (line["explained_minor"], line["holds"]) for line in lines}
    assert told == {"DE receivables": (-500, True), "US receivables": (500, True)}
    assert not any(line["holds"] for line in rolled(entries))


def test_that_a_document_is_in_other_books_explains_no_amount_of_it():
    (line,) = rolled(apart(1_000, 500), finding("JE-ENT-01", "invoice", "1", impact=1_000))
    assert not line["holds"]
