"""The traps of Stripe's wire, each with what the connector makes of it."""

import asyncio
import json
from datetime import timedelta

import pytest

from extractors.billing.stripe.books import Books
from extractors.billing.stripe.client import explain
from extractors.billing.stripe.objects import ENDPOINTS
from extractors.calls import Dialect, decode_exact
from extractors.errors import (
    ContractBroken,
    Rejected,
    SourceError,
    Unauthorized,
    UnknownOutcome,
)
from extractors.http import HttpOptions
from extractors.protocol import WriteIntent
from extractors.registry import open_source
from extractors.sandbox import stripe_money
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_trouble import TROUBLE
from tests.scripted import KEYED, Script, answer, play, said
from tests.wire.test_extract_stripe import CREATED, customer, invoice, product, subscription
from tests.wire.vendors import NIGHT

LONG_AGO = NIGHT - timedelta(days=1)


def with_source(vendors, use):
    async def run():
        async with open_source(vendors.config("stripe"), HttpOptions()) as source:
            return await use(source)

    return asyncio.run(run())


async def everything(source, name, cursor_from=None, meanwhile=None):
    """Records and tombstones of one read; `meanwhile` happens behind the first page."""
    spec = source.objects[name]
    start = await source.begin(spec, cursor_from)
    if meanwhile:
        meanwhile(start.page)
    pages, left = [start.page], list(start.page.rest)
    while left:
        page = await source.proceed(spec, json.loads(json.dumps(left.pop())))
        pages.append(page)
        left += page.rest
    records = [record for page in pages for record in page.records]
    return records, [stone["id"] for page in pages for stone in page.tombstones]


def calls_of(source):
    return {name: seen.calls for (_, name), seen in source.door.metrics.endpoints.items()}


def test_trap_01_an_event_in_another_version_is_only_a_hint(vendors):
    vendors.store.set_meta("stripe.api_version", "2022-11-15")
    vendors.store.put_many("stripe", "subscription", [subscription(1, 2)])
    vendors.extract("stripe", "subscription")
    vendors.next_night()
    vendors.store.put("stripe", "subscription", {"id": "sub_1", "status": "past_due"})
    vendors.extract("stripe", "subscription")
    (row,) = vendors.current("stripe", "subscription")
    assert row["status"] == "past_due"
    assert all("current_period_end" in item for item in json.loads(row["items"]))


def test_trap_01_a_record_in_the_shape_of_another_era_is_refused():
    old = {"id": "in_1", "object": "invoice", "subscription": "sub_1", "paid": True}
    with pytest.raises(ContractBroken, match=r"no 'parent'.*shape of another version"):
        asyncio.run(Books(None).complete_all(ENDPOINTS["invoice"], [old]))


def written(vendors):
    """The receipt of a write, or why there is none, and how often it was sent."""
    intent = WriteIntent("update", "customer", "cus_1", {"name": "N"}, "key-1", "q2c_1")

    async def use(target):
        try:
            outcome = await target.write(intent)
        except SourceError as error:
            outcome = error
        return outcome, target.door.metrics.calls

    return vendors.with_target("stripe", use)


def test_trap_02_a_declined_card_is_final():
    told = {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"}
    script = Script(answer(402, said({"error": {**told, "message": "no"}})))
    (error,) = play(script, [KEYED], dialect=Dialect("stripe", explain, decode_exact, "request-id"))
    assert (type(error), error.code, len(script.requests)) == (Rejected, "lost_card", 1)


def test_trap_03_a_replayed_failure_is_not_asked_for_again(vendors, impatient):
    vendors.store.put_many("stripe", "customer", [customer(1)])
    vendors.store.set_meta(TROUBLE, {"cus_1": {"error": "api_error", "times": 1}})
    error, sent = written(vendors)
    assert (type(error), error.status) == (UnknownOutcome, 500)
    assert sent <= 2


def test_trap_03_what_was_made_is_found_by_its_key_when_the_vendor_has_forgotten_it(vendors):
    vendors.store.put_many("stripe", "customer", [customer(1)])
    charged = stripe_money.charge(vendors.store, "cus_1", 5_000, "usd")
    body = {"charge": charged["id"], "amount": 1_000, "reason": "duplicate"}
    intent = WriteIntent("create", "refund", charged["id"], body, "key-1", "q2c_1")

    async def use(target):
        first = await target.write(intent)
        again = await target.write(intent)
        return first, again

    first, again = vendors.with_target("stripe", use)
    assert first.record_id == again.record_id
    vendors.next_night(days=3)

    async def look(target):
        keys = ("key-1", "key-2")
        return [
            [one["id"] for one in await target.lookup("refund", charge=charged["id"], **named)]
            for named in ({"tieout_key": key} for key in keys)
        ]

    assert vendors.with_target("stripe", look) == [[first.record_id], []]


def test_trap_04_a_lock_is_waited_for(vendors, impatient):
    vendors.store.put_many("stripe", "customer", [customer(1)])
    vendors.store.set_meta(TROUBLE, {"cus_1": {"error": "lock_timeout", "times": 1}})
    receipt, sent = written(vendors)
    assert (receipt.status, sent) == (200, 2)


def test_trap_04_a_key_without_the_scope_is_told_its_name(vendors):
    key = "rk_live_narrow"
    vendors.store.set_meta("stripe.restricted_keys", {key: {"event": "read"}})
    vendors.settings["stripe"]["api_key"] = key
    with pytest.raises(Unauthorized, match="rak_invoice_read"):
        vendors.extract("stripe", "invoice")


def test_trap_05_a_cursor_whose_record_is_gone_loses_nothing(vendors):
    vendors.store.put_many("stripe", "product", [product(n) for n in range(350)])

    def delete_the_cursor(page):
        vendors.store.delete("stripe", "product", page.records[-1]["id"])

    async def use(source):
        return await everything(source, "product", meanwhile=delete_the_cursor)

    records, _ = with_source(vendors, use)
    assert {record["id"] for record in records} >= {f"prod_{n}" for n in range(250)}
    assert len({record["id"] for record in records}) == 350


def test_trap_05_what_is_deleted_while_it_is_read_loses_nothing_else(vendors):
    vendors.store.put_many("stripe", "product", [product(n) for n in range(350)])

    def delete_some(page):
        for number in (0, 100, 200, 249):
            vendors.store.delete("stripe", "product", f"prod_{number}")

    async def use(source):
        return await everything(source, "product", meanwhile=delete_some)

    records, _ = with_source(vendors, use)
    gone = {"prod_0", "prod_100", "prod_200", "prod_249"}
    assert {record["id"] for record in records} == {f"prod_{n}" for n in range(350)} - gone


def test_trap_06_more_than_a_page_shares_a_second(vendors):
    same = [customer(n, created=CREATED) for n in range(350)]
    vendors.store.put_many("stripe", "customer", [*same, customer(999), customer(998)])
    assert vendors.extract("stripe", "customer").landed == 352


def test_trap_06_two_changes_share_a_second(vendors):
    vendors.store.put_many("stripe", "customer", [customer(1)])
    vendors.extract("stripe", "customer")
    vendors.next_night()
    for name in ("First", "Second"):
        vendors.store.put("stripe", "customer", {"id": "cus_1", "name": name})
    vendors.extract("stripe", "customer")
    assert [row["name"] for row in vendors.current("stripe", "customer")] == ["Second"]


def test_trap_07_what_was_deleted_is_told_by_its_event_alone(vendors):
    vendors.store.put_many("stripe", "customer", [customer(n) for n in range(3)])
    vendors.store.delete("stripe", "customer", "cus_1")

    async def use(source):
        return await everything(source, "customer", LONG_AGO), calls_of(source)

    (records, gone), calls = with_source(vendors, use)
    assert (records, gone) == ([], ["cus_1"])
    assert set(calls) == {"/v1/events"}


def test_trap_08_money_is_whole_minor_units_and_numbers_are_exact(vendors):
    coupons = [{"id": "TEN", "percent_off": 10, "duration": "forever", "valid": True}]
    coupons += [{"id": "ODD", "amount_off": 500, "currency": "jpy", "valid": True}]
    vendors.store.put_many(
        "stripe", "coupon", [{**one, "created": CREATED, "metadata": {}} for one in coupons]
    )
    vendors.extract("stripe", "coupon")
    rows = {row["id"]: row for row in vendors.current("stripe", "coupon")}
    assert (rows["TEN"]["percent_off"], rows["TEN"]["amount_off"]) == ("10", None)
    assert (rows["ODD"]["amount_off"], rows["ODD"]["currency"]) == (500, "jpy")


def test_trap_09_an_event_shows_ten_lines_of_many(vendors):
    vendors.store.put_many("stripe", "invoice", [invoice(1, 3)])
    vendors.extract("stripe", "invoice")
    vendors.next_night()
    vendors.store.put("stripe", "invoice", invoice(1, 130))
    vendors.extract("stripe", "invoice")
    (row,) = vendors.current("stripe", "invoice")
    assert len({line["id"] for line in json.loads(row["lines"])}) == 130


def test_one_scan_of_the_events_serves_all_objects(vendors):
    vendors.store.put_many("stripe", "customer", [customer(n) for n in range(250)])
    for number in range(30):
        vendors.store.put("stripe", "customer", {"id": f"cus_{number}", "name": "New"})

    async def use(source):
        starts = await asyncio.gather(
            *(source.begin(spec, LONG_AGO) for spec in source.objects.values())
        )
        return starts, calls_of(source)

    starts, calls = with_source(vendors, use)
    assert {start.mode for start in starts} == {"incremental"}
    assert len({start.page.served_at for start in starts}) == 1
    assert calls["/v1/events"] == 1
    # What was used is asked of meters, and there are none.
    assert calls.pop("/v1/billing/meters") == 1
    assert sum(calls.values()) == 1 + sum(endpoint.lists_new for endpoint in ENDPOINTS.values())


def test_one_in_a_hundred_changed_costs_a_few_calls_in_a_hundred(vendors):
    vendors.store.put_many("stripe", "customer", [customer(n) for n in range(10_000)])

    async def use(source):
        records, _ = await everything(source, "customer")
        before = sum(calls_of(source).values())
        for number in range(0, 10_000, 100):
            vendors.store.put("stripe", "customer", {"id": f"cus_{number}", "name": "New"})
        return len({record["id"] for record in records}), before

    async def again(source):
        records, _ = await everything(source, "customer", LONG_AGO)
        return {record["id"] for record in records}, sum(calls_of(source).values())

    read, full = with_source(vendors, use)
    changed, incremental = with_source(vendors, again)
    assert (read, len(changed)) == (10_000, 100)
    assert full <= 100 * 1.1
    assert incremental <= 0.03 * full


def test_changes_in_another_version_cost_less_than_a_call_each(vendors):
    vendors.store.put_many("stripe", "customer", [customer(n) for n in range(2_000)])
    vendors.store.set_meta("stripe.api_version", "2022-11-15")
    for number in range(500, 700):
        vendors.store.put("stripe", "customer", {"id": f"cus_{number}", "name": "New"})

    async def use(source):
        return await everything(source, "customer", LONG_AGO), calls_of(source)

    (records, _), calls = with_source(vendors, use)
    assert {record["id"] for record in records} == {f"cus_{n}" for n in range(500, 700)}
    assert sum(calls.values()) <= 2 + 4


def test_connected_accounts_land_beside_each_other(vendors):
    vendors.store.set_meta("stripe.connected", ["acct_eu", "acct_us"])
    for name in ("eu", "us"):
        books = Store(vendors.home / "sandbox.db", f"acct_{name}")
        books.put_many("stripe", "product", [{**product(1), "id": f"prod_{name}"}])
        books.close()
    vendors.settings["stripe"]["accounts"] = ("acct_eu", "acct_us")
    vendors.extract("stripe", "product")
    rows = vendors.current("stripe", "product")
    assert {(row["id"], row["account"]) for row in rows} == {
        ("prod_eu", "acct_eu"),
        ("prod_us", "acct_us"),
    }
