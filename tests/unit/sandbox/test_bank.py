"""The bank of the practice company agrees with its three systems, whatever reads its statements."""

from collections import Counter
from datetime import date

import pytest

from extractors.bank.statements.client import read_folder
from extractors.sandbox.bank import ACCOUNTS, banking_day, credits_of, entries
from extractors.sandbox.bank_files import CLOCK, FOLDER, write_statements


@pytest.fixture
def statements(world, tmp_path):
    write_statements(world(1), tmp_path)
    return read_folder(tmp_path / FOLDER)


def test_every_statement_balances_and_opens_where_the_one_before_closed(statements):
    assert [each.id for each in statements if not each.is_proven] == []
    by_account = {}
    for each in statements:
        by_account.setdefault(each.record["account"], []).append(each.record)
    assert set(by_account) <= set(ACCOUNTS.values())
    for records in by_account.values():
        ordered = sorted(records, key=lambda record: record["from_date"])
        opened = [record["opening_balance"] for record in ordered[1:]]
        assert opened == [record["closing_balance"] for record in ordered[:-1]]


def test_each_payout_that_was_paid_is_in_one_line_at_its_amount_less_the_fee_of_the_bank(world):
    store = world(1)
    paid = {one["id"]: one["amount"] for one in store.rows("stripe", "payout", status="paid")}
    credits_ = list(credits_of(store))
    assert Counter(key for one in credits_ for key in one.payouts) == Counter(paid.keys())
    gaps = {sum(paid[key] for key in one.payouts) - one.minor for one in credits_}
    assert gaps <= {0, 150}


def test_a_line_is_read_back_under_the_id_that_the_sandbox_gives_it(world, statements):
    read = {line["id"] for each in statements for line in each.lines}
    today = world(1).now().date()
    assert read == {entry.line_id for entry in entries(world(1)) if entry.booked < today}


def test_only_what_was_booked_before_today_is_told_and_the_clock_is_the_companys(world, tmp_path):
    store = world(1)
    write_statements(store, tmp_path)
    told = {each.record["to_date"] for each in read_folder(tmp_path / FOLDER)}
    assert max(told) < store.now().date().isoformat()
    assert (tmp_path / CLOCK).read_text() == store.now().isoformat()


@pytest.mark.parametrize(
    ("day", "later", "booked"),
    [(26, 0, 26), (27, 0, 29), (28, 0, 29), (26, 1, 29), (27, 1, 30), (25, 2, 29)],
)
def test_the_bank_is_closed_at_weekends(day, later, booked):
    assert banking_day(date(2026, 6, day), later) == date(2026, 6, booked)
