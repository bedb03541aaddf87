"""Corrections of Tryton on a real server, which keeps its own rules."""

from datetime import UTC, datetime, timedelta

import pytest

from extractors.erp.tryton.client import Database
from extractors.errors import Conflict, NotFound, Rejected
from extractors.protocol import WriteIntent
from tests.conformance.reading import Reading
from tests.conformance.tryton.bench import TrytonBench
from tests.conformance.wire import relaying

# Their server is a program of its own, which must be installed first.
pytestmark = pytest.mark.slow


@pytest.fixture
def reading(tryton_server, tmp_path):
    with relaying(tryton_server.base_url) as wire:
        yield Reading(TrytonBench(tryton_server, wire), tmp_path / "raw")


def intent(model, record_id, body, operation="update"):
    return WriteIntent(operation, model, str(record_id), body, "key-1", "q2c_1")


def of_state(reading, state):
    rows = [row for row in reading.bench.rows("invoice") if row["state"] == state]
    return min(rows, key=lambda row: int(row["id"]))["id"]


def test_a_posted_invoice_is_not_changed_and_the_server_says_why(reading):
    posted = of_state(reading, "posted")
    write = intent("account.invoice", posted, {"reference": "other"})
    with pytest.raises(Rejected, match=r'not allowed to modify the field "Reference"') as refusal:
        reading.with_target(lambda target: target.write(write))
    assert (refusal.value.status, refusal.value.code) == (200, "UserError")


def test_what_the_user_may_not_change_is_rejected(reading):
    write = intent("company.company", "1", {"currency": "2"})
    with pytest.raises(Rejected, match='not allowed to access "Company"'):
        reading.with_target(lambda target: target.write(write))


def test_a_warning_waits_for_a_person(reading):
    """Posting an invoice of the future asks to be confirmed; nothing is confirmed here."""
    draft = int(of_state(reading, "draft"))
    later = datetime.now(UTC).date() + timedelta(days=40)

    async def use(target):
        await target.write(intent("account.invoice", draft, {"invoice_date": later.isoformat()}))
        database = Database(target.door)
        with pytest.raises(Rejected, match="a person has to confirm this") as refusal:
            await database.call("account.invoice", "post", [draft], kind="write")
        await target.read("account.invoice", str(draft))
        await target.write(intent("account.invoice", draft, {"invoice_date": None}))
        return refusal.value

    warning = reading.with_target(use)
    assert (warning.code, warning.status) == ("UserWarning", 200)
    assert "in the future" in warning.message
    assert reading.bench.server.execute("SELECT COUNT(*) FROM res_user_warning") == [(0,)]
    assert of_state(reading, "draft") == str(draft)


def test_values_go_out_in_the_types_of_the_server(reading):
    draft = of_state(reading, "draft")
    day = datetime.now(UTC).date().isoformat()
    line = min(
        (row for row in reading.bench.rows("invoice_line") if row["invoice"] == draft),
        key=lambda row: int(row["id"]),
    )
    unit = line["unit"] or "1"

    async def use(target):
        body = {"invoice_date": day, "payment_term": "1", "comment": "corrected"}
        await target.write(intent("account.invoice", draft, body))
        amounts = {"quantity": "3", "unit_price": "12.3456", "unit": unit}
        await target.write(intent("account.invoice.line", line["id"], amounts))
        # The server books what follows from the lines; the draft is put back as it was.
        document = await target.read("account.invoice", draft)
        corrected = await target.read("account.invoice.line", line["id"])
        await target.write(intent("account.invoice", draft, {"invoice_date": None}))
        return document, corrected

    document, corrected = reading.with_target(use)
    assert (document["invoice_date"], document["payment_term"]) == (day, "1")
    assert (corrected["quantity"], corrected["unit_price"]) == ("3.0", "12.3456")
    assert corrected["amount"] == "37.04"


def test_what_the_server_does_not_know_is_refused_before_it_is_sent(reading):
    key = reading.bench.writing.record_id

    async def use(target):
        for body in ({"nope": "x"}, {"lang": "not a number"}, {"active": "perhaps"}):
            with pytest.raises(Rejected):
                await target.write(intent("party.party", key, body))
        with pytest.raises(Rejected, match="not declared"):
            await target.read("res.user", "1")
        with pytest.raises(Rejected, match="no declared fields"):
            await target.lookup("party.party", nope="1")
        with pytest.raises(Rejected, match="no reference"):
            await target.find("account.move", "x")
        with pytest.raises(Rejected, match="found again"):
            await target.write(intent("party.party", "", {"name": "x"}, "create"))

    reading.with_target(use)
    assert reading.bench.wire.matching(".write") == []
    assert reading.bench.wire.matching(".create") == []


def test_an_update_of_nothing_is_not_found(reading):
    with pytest.raises(NotFound):
        reading.with_target(
            lambda target: target.write(intent("party.party", "999999999", {"name": "x"}))
        )


def test_lookups_compare_exactly_and_see_inactive_records(reading):
    async def use(target):
        gone = await target.lookup("party.party", code="c-gone")
        return gone, await target.lookup("party.party", active="true", code="c-gone")

    (gone,), none = reading.with_target(use)
    assert (gone["name"], gone["active"]) == ("Closed Down", False)
    assert none == []


def test_a_lookup_pages_to_its_end(reading):
    found = reading.with_target(lambda target: target.lookup("party.party"))
    assert {row["id"] for row in found} == {row["id"] for row in reading.bench.rows("party")}
    assert len(found) > 3_000


def test_two_upserts_of_one_reference_side_by_side_make_one_record(reading):
    import asyncio

    number = next(reading.bench.numbers)
    write = intent("party.party", f"both-{number}", {"name": "Once"}, "upsert")

    async def use(target):
        await asyncio.gather(target.write(write), target.write(write))
        return await target.find("party.party", f"both-{number}")

    assert reading.with_target(use)["name"] == "Once"
    assert len(reading.bench.wire.matching("party.party.create")) == 1


def test_who_wrote_without_having_looked_again_is_in_conflict(reading):
    """Two corrections that both looked before the first was sent."""
    key = reading.bench.writing.record_id

    async def use(target):
        await target.read("party.party", key)
        await target.write(intent("party.party", key, {"name": "First"}))
        with pytest.raises(Conflict, match="modified in the meanwhile"):
            await target.write(intent("party.party", key, {"name": "Second"}))
        return await target.read("party.party", key)

    assert reading.with_target(use)["name"] == "First"
