"""What was used, read by customer and day: which days are asked, and what lands."""

from extractors.sandbox.store import Store
from tests.wire.test_traps_stripe import calls_of, everything, with_source
from tests.wire.vendors import NIGHT

NOW = int(NIGHT.timestamp())
DAY, HOUR = 86_400, 3_600
TODAY = NOW - NOW % DAY
STARTS = TODAY - 60 * DAY
SUMMARIES = "/v1/billing/meters/{id}/event_summaries"


def sell(store, key="1", starts=STARTS, **fields):
    """A customer whose subscription has a metered item with monthly periods since `starts`."""
    recurring = {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}
    price = {"id": "price_used", "currency": "usd", "product": "prod_1", "recurring": recurring}
    current = fields.pop("current", (TODAY - 10 * DAY, TODAY + 20 * DAY))
    item = {"id": f"si_{key}", "price": {"object": "price", **price}, "created": starts}
    item |= dict(zip(("current_period_start", "current_period_end"), current, strict=True))
    customer = {"id": f"cus_{key}", "created": starts, "currency": "usd", "metadata": {}}
    subscription = {
        "id": f"sub_{key}",
        "customer": f"cus_{key}",
        "created": starts,
        "start_date": starts,
        "billing_cycle_anchor": starts,
        "status": "active",
        "currency": "usd",
        "items": {"data": [item]},
        **fields,
    }
    meter = {"id": "mtr_1", "display_name": "Calls", "event_name": "calls", "created": starts}
    meter |= {"default_aggregation": {"formula": "sum"}}
    for kind, one in (
        ("billing.meter", meter),
        ("price", {**price, "created": starts}),
        ("customer", customer),
        ("subscription", subscription),
    ):
        store.put_many("stripe", kind, [one])


def use(store, at, value, key="1"):
    """An event that is told now of what was used at a time."""
    name = store.new_id("stripe", "billing.meter_event")
    payload = {"stripe_customer_id": f"cus_{key}", "value": str(value)}
    told = {"customer": f"cus_{key}", "event_name": "calls", "identifier": name}
    event = {"id": name, **told, "payload": payload, "timestamp": at}
    store.put("stripe", "billing.meter_event", event)
    return name


def landed(vendors):
    return {
        (row["customer"], row["start_time"], row["end_time"]): row["aggregated_value"]
        for row in vendors.current("stripe", "usage")
        if row["aggregated_value"] != "0"
    }


def counting(vendors):
    """What counts by the last reading of each day, as staging says it: (start, value)."""
    readings = vendors.current("stripe", "usage")
    last = {}
    for row in readings:
        day = row["start_time"] // DAY
        last[day] = max(last.get(day, row["_extracted_date"]), row["_extracted_date"])
    return {
        (row["start_time"], row["aggregated_value"])
        for row in readings
        if row["aggregated_value"] != "0"
        and row["_extracted_date"] == last[row["start_time"] // DAY]
    }


def asked(vendors, cursor_from=None):
    """(calls by path, keys of records, tombstones) of one read."""

    async def use_source(source):
        records, gone = await everything(source, "usage", cursor_from)
        return calls_of(source), sorted(record["id"] for record in records), sorted(gone)

    return with_source(vendors, use_source)


def test_without_meters_one_call_says_so(vendors):
    calls, records, _ = asked(vendors)
    assert (calls, records) == ({"/v1/billing/meters": 1}, [])
    calls, records, _ = asked(vendors, NIGHT)
    assert (calls, records) == ({"/v1/billing/meters": 1}, [])


def test_a_first_night_reads_whole_days_that_are_over(vendors):
    sell(vendors.store)
    use(vendors.store, STARTS, 3)
    use(vendors.store, TODAY - 1, 4)
    use(vendors.store, TODAY - DAY, 5)
    use(vendors.store, TODAY, 6)
    manifest = vendors.extract("stripe", "usage")
    # Two days of use, and a nought for each other day of the last four.
    assert (manifest.mode, manifest.landed) == ("incremental", 2 + 3)
    assert landed(vendors) == {
        ("cus_1", STARTS, STARTS + DAY): "3",
        ("cus_1", TODAY - DAY, TODAY): "9",
    }


def test_parts_of_a_value_are_kept_exactly(vendors):
    sell(vendors.store)
    use(vendors.store, TODAY - 1, "0.1")
    use(vendors.store, TODAY - 2, "0.2")
    use(vendors.store, TODAY - 3, "1234567890123")
    vendors.extract("stripe", "usage")
    assert list(landed(vendors).values()) == ["1234567890123.3"]


def test_a_long_time_is_read_page_by_page(vendors):
    sell(vendors.store, starts=TODAY - 250 * DAY)
    for days in range(1, 251):
        use(vendors.store, TODAY - days * DAY, days)
    calls, records, _ = asked(vendors)
    assert (len(records), calls[SUMMARIES]) == (250, 3)


def test_what_is_asked_for_anew_page_by_page_stays(vendors):
    sell(vendors.store, starts=TODAY - 250 * DAY)
    for days in range(1, 251):
        use(vendors.store, TODAY - days * DAY, days)
    vendors.extract("stripe", "usage")
    vendors.next_night()
    vendors.extract("stripe", "usage", full=True)
    assert len(landed(vendors)) == 250


def test_a_later_night_asks_again_for_three_days_only(vendors):
    sell(vendors.store)
    for days in range(1, 50):
        use(vendors.store, TODAY - days * DAY, 1)
    vendors.extract("stripe", "usage")
    vendors.next_night()
    use(vendors.store, TODAY + HOUR, 7)
    use(vendors.store, TODAY - 2 * DAY, 10)
    use(vendors.store, TODAY - 20 * DAY, 100)
    manifest = vendors.extract("stripe", "usage")
    # The three days before the cursor, and the day that is over since.
    assert (manifest.mode, manifest.read) == ("incremental", 4)
    days = landed(vendors)
    assert days["cus_1", TODAY, TODAY + DAY] == "7"
    assert days["cus_1", TODAY - 2 * DAY, TODAY - DAY] == "11"
    assert days["cus_1", TODAY - 20 * DAY, TODAY - 19 * DAY] == "1"
    vendors.next_night()
    vendors.extract("stripe", "usage", full=True)
    assert landed(vendors)["cus_1", TODAY - 20 * DAY, TODAY - 19 * DAY] == "101"


def test_a_later_night_costs_a_call_per_customer(vendors):
    for key in "12345":
        sell(vendors.store, key)
        use(vendors.store, TODAY - DAY, 1, key)
    gone = {"status": "canceled", "ended_at": TODAY - 10 * DAY}
    sell(vendors.store, "6", **gone)
    calls, records, _ = asked(vendors, NIGHT)
    # Three days each, two of them noughts.
    assert (calls[SUMMARIES], len(records)) == (5, 15)
    assert sum(calls.values()) == 5 + len(("meters", "prices", "subscriptions"))


def test_what_was_taken_back_is_gone(vendors):
    sell(vendors.store)
    kept, lost = (use(vendors.store, TODAY - days * DAY, 1) for days in (1, 2))
    vendors.extract("stripe", "usage")
    assert len(landed(vendors)) == 2
    vendors.store.delete("stripe", "billing.meter_event", lost)
    vendors.next_night()
    manifest = vendors.extract("stripe", "usage")
    assert set(landed(vendors)) == {("cus_1", TODAY - DAY, TODAY)}
    assert manifest.quarantined == 0
    assert kept != lost


def test_a_day_that_was_cut_and_is_empty_when_it_is_whole_keeps_no_part(vendors):
    noon = TODAY - DAY + 12 * HOUR
    sell(vendors.store, current=(noon, noon + 30 * DAY))
    early, late = (use(vendors.store, at, 5) for at in (noon - HOUR, noon + HOUR))
    vendors.extract("stripe", "usage")
    assert counting(vendors) == {(TODAY - DAY, "5"), (noon, "5")}
    sell(vendors.store, current=(TODAY, TODAY + 30 * DAY))
    for event in (early, late):
        vendors.store.delete("stripe", "billing.meter_event", event)
    vendors.next_night()
    vendors.extract("stripe", "usage")
    assert counting(vendors) == set()


def test_a_day_in_which_a_period_ends_is_read_in_two_parts(vendors):
    noon = TODAY - 45 * DAY + 12 * HOUR
    sell(vendors.store, starts=noon - 30 * DAY, current=(noon + 31 * DAY, noon + 61 * DAY))
    for at, value in ((noon - HOUR, 1), (noon, 2), (noon + HOUR, 4), (noon + 2 * DAY, 8)):
        use(vendors.store, at, value)
    ends = noon + 31 * DAY
    use(vendors.store, ends - HOUR, 16)
    use(vendors.store, ends + HOUR, 32)
    vendors.extract("stripe", "usage")
    days, day = landed(vendors), ends - 12 * HOUR
    assert (days["cus_1", day, ends], days["cus_1", ends, day + DAY]) == ("16", "32")
    assert sum(map(int, days.values())) == 63


def test_of_the_day_that_is_not_over_what_is_billed_is_read(vendors):
    ends = TODAY + HOUR
    sell(vendors.store, starts=ends - 60 * DAY, current=(ends, ends + 30 * DAY))
    use(vendors.store, ends - 60, 5)
    use(vendors.store, ends + 60, 6)
    vendors.extract("stripe", "usage")
    assert landed(vendors) == {("cus_1", TODAY, ends): "5"}
    vendors.next_night()
    vendors.extract("stripe", "usage")
    assert landed(vendors) == {("cus_1", TODAY, ends): "5", ("cus_1", ends, TODAY + DAY): "6"}


def test_a_customer_who_came_meanwhile_is_read_from_its_start(vendors):
    sell(vendors.store)
    vendors.extract("stripe", "usage")
    vendors.next_night()
    sell(vendors.store, "2", TODAY - 8 * DAY)
    with vendors.store.transaction():
        (subscription,) = vendors.store.rows("stripe", "subscription", id="sub_2")
        items = subscription["items"]["data"]
        items[0]["created"] = TODAY + HOUR
        vendors.store.put("stripe", "subscription", {**subscription, "items": {"data": items}})
    use(vendors.store, TODAY - 8 * DAY, 9, "2")
    vendors.extract("stripe", "usage")
    assert landed(vendors) == {("cus_2", TODAY - 8 * DAY, TODAY - 7 * DAY): "9"}


def test_a_customer_that_is_gone_leaves_what_was_read(vendors):
    sell(vendors.store)
    use(vendors.store, TODAY - DAY, 5)
    vendors.extract("stripe", "usage")
    vendors.next_night()
    vendors.store.delete("stripe", "customer", "cus_1")
    vendors.extract("stripe", "usage", key_scan_days=1)
    assert len(landed(vendors)) == 1
    vendors.next_night()
    vendors.extract("stripe", "usage", full=True)
    assert len(landed(vendors)) == 1


def test_a_meter_is_read_again_when_an_event_tells_of_it(vendors):
    sell(vendors.store)
    vendors.extract("stripe", "meter")
    vendors.next_night()
    vendors.store.put("stripe", "billing.meter", {"id": "mtr_1", "status": "inactive"})
    assert vendors.extract("stripe", "meter").mode == "incremental"
    (row,) = vendors.current("stripe", "meter")
    assert (row["status"], row["default_aggregation_formula"]) == ("inactive", "sum")
    assert row["event_name"] == "calls"


def test_many_meters_are_listed_without_a_time_of_creation(vendors):
    sell(vendors.store)
    meters = [
        {"id": f"mtr_x{n}", "display_name": "X", "event_name": f"x{n}", "created": STARTS + n}
        | {"default_aggregation": {"formula": "count"}}
        for n in range(250)
    ]
    vendors.store.put_many("stripe", "billing.meter", meters)
    assert vendors.extract("stripe", "meter").landed == 251


def test_connected_accounts_have_usage_of_their_own(vendors):
    vendors.store.set_meta("stripe.connected", ["acct_eu"])
    books = Store(vendors.home / "sandbox.db", "acct_eu")
    sell(books)
    use(books, TODAY - DAY, 5)
    books.close()
    vendors.settings["stripe"]["accounts"] = ("acct_eu",)
    vendors.extract("stripe", "usage")
    accounts = {row["account"] for row in vendors.current("stripe", "usage")}
    assert (accounts, list(landed(vendors).values())) == ({"acct_eu"}, ["5"])
