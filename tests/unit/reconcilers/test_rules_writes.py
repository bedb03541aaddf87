"""Fields with two writers, and corrections that their target took and that did not help."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.evaluate import evaluate
from reconcilers.ineffective import ineffective, tell_ineffective
from reconcilers.life import AcceptedCorrection
from tests.comparison_tables import (
    DAY,
    billing_invoice,
    drift_in,
    erp_invoice,
    rules_over,
    warehouse,
)
from tests.effort import examples

WRITES = "cmp_field_writes__within_erp"
INVOICES = "cmp_invoice__billing_vs_erp"
DOCUMENTS = "netsuite.transaction"
NIGHT = datetime(2026, 7, 1, 2, tzinfo=UTC)
MISSING, EXTRA = billing_invoice("a"), erp_invoice("b")


def written(**values: Any) -> dict[str, Any]:
    """The memo of a journal, set back and forth by two users."""
    usual = {
        "row_key": "netsuite:7/memo:|x", "entity": "journal_entry", "erp_id": "7", "has_erp": True,
        "legal_entity": "US", "currency": "USD", "period": "2026-06", "erp_amount_minor": 0,
        "field": "memo", "former_value": "", "last_value": "x", "change_count": 3,
        "writer_count": 2,
    }  # fmt: skip
    return usual | values


def test_a_field_with_two_writers_is_told_by_its_name():
    (drift,) = drift_in(WRITES, written()).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CTL-CORR-01", "flaps:memo")
    assert (drift["expected"], drift["observed"]) == ("one writer", "3 changes, now x")
    assert (drift["cause"], drift["severity"]) == ("flapping", "S2")
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "7")
    assert (drift["impact_minor"], drift["disposition"]) == (0, "exception")


@pytest.mark.parametrize(
    "values", [{"change_count": 2}, {"writer_count": 1}, {"excluded_reason": "any"}]
)
def test_one_writer_or_one_change_back_is_no_finding(values):
    assert drift_in(WRITES, written(**values)).is_empty()


def found(corrections=None):
    con = warehouse({INVOICES: [MISSING, EXTRA]}, views=[INVOICES])
    con.execute("create schema reconciliation")
    return evaluate(con, rules_over(INVOICES), DAY, corrections=corrections).drift


def test_what_a_correction_did_not_cure_follows_from_the_correction():
    (before,) = found().filter(code="INV-MISS-01").to_dicts()
    after = found({before["exception_key"]: "c1"})
    (told,) = after.filter(code="CTL-CORR-01").to_dicts()
    assert (told["attribute"], told["cause"]) == ("ineffective:INV-MISS-01:", "ineffective")
    assert told["expected"] == "effect of c1"
    for name in ("owner_id", "impact_minor", "currency", "observed", "row_key", "disposition"):
        assert told[name] == before[name]
    assert told["severity"] <= "S2"
    (still,) = after.filter(code="INV-MISS-01").to_dicts()
    assert still == before | {"explained_by": told["exception_key"]}
    assert after.filter(code="INV-MISS-02")["explained_by"].to_list() == [None]


def test_money_that_was_explained_before_is_not_counted_with_its_correction():
    before = found().with_columns(explained_by=pl.lit("parent"))
    (missing,) = before.filter(code="INV-MISS-01").to_dicts()
    after = tell_ineffective(before, {missing["exception_key"]: "c1"})
    (told,) = after.filter(code="CTL-CORR-01").to_dicts()
    assert told["explained_by"] == "parent"
    (still,) = after.filter(code="INV-MISS-01").to_dicts()
    assert still["explained_by"] == told["exception_key"]


def test_a_correction_of_what_is_gone_tells_nothing():
    assert found({"0" * 32: "c1"}).equals(found())


def taken(key: str, hours: int, name: str = "c1") -> tuple[str, AcceptedCorrection]:
    return key, AcceptedCorrection(name, NIGHT + timedelta(hours=hours), DOCUMENTS)


@pytest.mark.parametrize(
    ("corrections", "due"),
    [
        ([taken("k", -1)], {"k": "c1"}),
        ([taken("k", 0)], {}),
        ([taken("k", 1)], {}),
        ([taken("k", -1, "late"), taken("k", -2, "early")], {"k": "early"}),
        ([taken("k", -1), taken("j", 1)], {"k": "c1"}),
    ],
)
def test_only_a_snapshot_that_was_read_later_shows_what_a_correction_did(corrections, due):
    assert ineffective(corrections, {DOCUMENTS: NIGHT}) == due
    assert ineffective(corrections, {}) == {}


@given(drawn=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_a_field_flaps_from_three_changes_by_two_writers_on(drawn):
    rows = [
        written(row_key=f"r{n}", change_count=changes, writer_count=writers)
        for n, (changes, writers) in enumerate(drawn)
    ]
    assert drift_in(WRITES, *rows).height == sum(
        changes > 2 and writers > 1 for changes, writers in drawn
    )
