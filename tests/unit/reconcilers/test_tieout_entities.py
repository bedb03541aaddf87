"""Staged records are published or left out for a stated reason, per currency; else the line breaks."""

from dataclasses import replace

import duckdb
import pytest

from extractors.registry import READ
from reconcilers.entity_sums import NOT_TIED, LeftOut, counted, summed
from reconcilers.tieout_entities import ENTITY_SUMS, entity_lines

INVOICES = summed(
    "invoice",
    "stripe.invoice",
    ("staged", "total"),
    ("published", "total"),
    where="is_billing",
    left_out=(LeftOut("drafts", "select currency, total as amount_minor from staged where draft"),),
)

# The same, whose staged records tell which of them are drafts.
TOLD = replace(
    INVOICES,
    staged_query="select currency, total as amount_minor, case when draft then 'drafts' end "
    "as left_out from staged",
    left_out=(LeftOut("drafts"),),
)


def tied(staged, published, sums=(INVOICES,), read=("invoice",)):
    """The lines over staged (currency, total, draft) and published (currency, total, is_billing)."""
    con = duckdb.connect()
    con.execute("create schema raw")
    con.execute("create table raw.snapshots (system varchar, object varchar)")
    con.execute("create table staged (currency varchar, total bigint, draft boolean)")
    con.execute("create table published (currency varchar, total bigint, is_billing boolean)")
    for name in read:
        con.execute("insert into raw.snapshots values ('stripe', ?)", [name])
    for table, rows in (("staged", staged), ("published", published)):
        for row in rows:
            con.execute(f"insert into {table} values (?, ?, ?)", list(row))
    return list(entity_lines(con, sums))


@pytest.mark.parametrize("invoices", [INVOICES, TOLD])
def test_what_is_staged_is_published_or_left_out_per_currency(invoices):
    lines = tied(
        [("USD", 100, False), ("USD", 5, True), ("JPY", 7, False), (None, 0, True)],
        [("USD", 100, True), ("JPY", 7, True), ("JPY", 900, False)],
        sums=(invoices,),
    )
    assert [(line["currency"], line["holds"], line["detail"]) for line in lines] == [
        ("JPY", True, ""),
        (None, True, "1 drafts"),
        ("USD", True, "1 drafts"),
    ]
    usd = lines[-1]
    assert (usd["left_rows"], usd["left_minor"]) == (2, 105)
    assert (usd["matched_minor"], usd["explained_minor"], usd["right_minor"]) == (100, 5, 105)


@pytest.mark.parametrize(
    ("published", "rows", "minor"),
    [
        ([("USD", 100, True)], 1, 20),  # one was lost
        ([("USD", 100, True), ("USD", 20, True), ("USD", 20, True)], 1, -20),  # one was doubled
        ([("USD", 100, True), ("USD", 19, True)], 0, 1),  # one lost a cent
        ([("USD", 60, True), ("USD", 60, True), ("USD", 0, True)], 1, 0),  # as much, of more
    ],
)
def test_a_record_that_is_lost_doubled_or_changed_breaks_the_line(published, rows, minor):
    (line,) = tied([("USD", 100, False), ("USD", 20, False)], published)
    assert not line["holds"]
    assert (line["unexplained_rows"], line["unexplained_minor"]) == (rows, minor)


def test_a_reason_that_the_entity_does_not_know_explains_nothing():
    (line,) = tied([("USD", 5, True)], [], sums=(replace(TOLD, left_out=(LeftOut("copies"),)),))
    assert (line["holds"], line["unexplained_minor"]) == (False, 5)


def test_a_record_that_changes_its_currency_breaks_both_lines():
    lines = tied([("USD", 100, False)], [("JPY", 100, True)])
    assert [(line["currency"], line["unexplained_minor"]) for line in lines] == [
        ("JPY", -100),
        ("USD", 100),
    ]


def test_an_entity_without_records_is_tied_at_zero():
    (line,) = tied([], [])
    assert line["holds"]
    assert (line["currency"], line["left_rows"], line["right_rows"]) == (None, 0, 0)


def test_an_object_that_is_not_read_has_nothing_to_tie():
    assert tied([("USD", 100, False)], [], read=("price",)) == []


def test_records_without_money_are_counted():
    customers = counted("customer", "stripe.invoice", "staged", "published", where="is_billing")
    (line,) = tied([("USD", 1, False), ("EUR", 2, False)], [("USD", 9, True)], sums=(customers,))
    assert (line["currency"], line["left_rows"], line["right_rows"]) == (None, 2, 1)
    assert not line["holds"]


def test_every_declared_object_is_tied_or_says_why_not():
    declared = {f"{system}.{name}" for system, objects in READ.items() for name in objects}
    tied_objects = {each.object for each in ENTITY_SUMS}
    assert declared - tied_objects == set(NOT_TIED)
    assert tied_objects <= declared


def test_each_entity_of_an_object_is_tied_once():
    scopes = [each.scope for each in ENTITY_SUMS]
    assert len(scopes) == len(set(scopes))
