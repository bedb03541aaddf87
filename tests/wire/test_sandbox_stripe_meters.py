"""The sandbox's Stripe meters, their events and summaries, through the vendor's own client."""

import pytest
import stripe

from tests.wire.stripe_sandbox import AT, DAY, account, refusal

MIDNIGHT = AT - AT % DAY


@pytest.fixture
def books(tmp_path, vendor_secrets):
    with account(tmp_path, vendor_secrets) as books:
        yield books


@pytest.fixture
def billing(books):
    return books.v1.billing


@pytest.fixture
def http(books):
    with books.http() as http:
        yield http


def meter(billing, formula="sum", name="api_calls"):
    asked = {"display_name": "Calls", "event_name": name}
    return billing.meters.create({**asked, "default_aggregation": {"formula": formula}})


def tell(billing, value, at=AT, customer="cus_1", name="api_calls", **fields):
    payload = {"stripe_customer_id": customer, "value": str(value)}
    asked = {"event_name": name, "payload": payload, "timestamp": at, **fields}
    return billing.meter_events.create(asked)


def used(billing, key, since, until, **asked):
    bounds = {"customer": "cus_1", "start_time": since, "end_time": until}
    page = billing.meters.event_summaries.list(key, {**bounds, **asked})
    return [(one.start_time, one.end_time, one.aggregated_value) for one in page.data]


def test_a_meter_is_made_and_turned_off_and_on_again(books, billing):
    made = meter(billing)
    assert (made.object, made.status, made.event_name) == ("billing.meter", "active", "api_calls")
    assert made.customer_mapping.event_payload_key == "stripe_customer_id"
    assert billing.meters.deactivate(made.id).status == "inactive"
    assert [one.id for one in billing.meters.list({"status": "inactive"}).data] == [made.id]
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        tell(billing, 1)
    assert billing.meters.reactivate(made.id).status_transitions.deactivated_at is None
    assert books.events() == [f"billing.meter.{verb}" for verb in ("created", "deactivated", "reactivated")]  # fmt: skip


def test_an_event_name_belongs_to_one_active_meter(billing):
    first = meter(billing)
    with pytest.raises(stripe.InvalidRequestError, match="already"):
        meter(billing)
    billing.meters.deactivate(first.id)
    assert meter(billing).id != first.id


def test_events_are_told_apart_by_their_identifier_for_a_day(books, billing):
    made = meter(billing)
    told = tell(billing, 5, identifier="one")
    assert (told.object, told.identifier, told.timestamp) == ("billing.meter_event", "one", AT)
    assert not {"customer", "id"} & set(told.to_dict())
    with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier one"):
        tell(billing, 5, identifier="one")
    assert tell(billing, 5).identifier != tell(billing, 5).identifier
    books.store.put("stripe", "customer", {"id": "cus_1"})
    assert used(billing, made.id, MIDNIGHT, MIDNIGHT + DAY) == [(MIDNIGHT, MIDNIGHT + DAY, 15)]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"at": AT - 36 * DAY}, "35 days in past"),
        ({"at": AT + 600}, "in the future"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"value": "many"}, "has to be a number"),
        ({"value": ""}, "payload key"),
        ({"name": "other"}, "No active meter"),
    ],
)
def test_an_event_that_cannot_count_is_refused(billing, fields, why):
    meter(billing)
    with pytest.raises(stripe.InvalidRequestError, match=why):
        tell(billing, **{"value": 1, **fields})


@pytest.mark.parametrize(("formula", "value"), [("sum", 10), ("count", 3), ("last", 3)])
def test_a_summary_aggregates_as_its_meter_says(billing, formula, value):
    made = meter(billing, formula)
    for at, told in ((AT - 30, 5), (AT - 10, 3), (AT - 20, 2)):
        tell(billing, told, at)
    assert used(billing, made.id, AT - 60, AT) == [(AT - 60, AT, value)]


def test_windows_come_newest_first_and_only_where_something_was_used(billing):
    made = meter(billing)
    for at, value in ((MIDNIGHT - 3 * DAY, 1), (MIDNIGHT - 1, 2), (MIDNIGHT, 4), (AT, 8)):
        tell(billing, value, at)
    span = (MIDNIGHT - 5 * DAY, MIDNIGHT + DAY)
    assert used(billing, made.id, *span, value_grouping_window="day") == [
        (MIDNIGHT, MIDNIGHT + DAY, 12),
        (MIDNIGHT - DAY, MIDNIGHT, 2),
        (MIDNIGHT - 3 * DAY, MIDNIGHT - 2 * DAY, 1),
    ]
    hours = used(billing, made.id, MIDNIGHT, AT + 3_600, value_grouping_window="hour")
    assert hours == [(AT, AT + 3_600, 8), (MIDNIGHT, MIDNIGHT + 3_600, 4)]
    assert used(billing, made.id, MIDNIGHT, AT) == [(MIDNIGHT, AT, 4)]
    assert used(billing, made.id, AT - 120, AT - 60) == []


def test_summaries_are_paged_by_the_last_one_seen(billing):
    made = meter(billing)
    for days in range(5):
        tell(billing, days + 1, MIDNIGHT - days * DAY)
    asked = {"customer": "cus_1", "start_time": MIDNIGHT - 9 * DAY, "end_time": MIDNIGHT + DAY}
    page = billing.meters.event_summaries.list(
        made.id, {**asked, "value_grouping_window": "day", "limit": 2}
    )
    assert (page.has_more, len(page.data)) == (True, 2)
    assert [one.aggregated_value for one in page.auto_paging_iter()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"start_time": None}, "start_time"),
        ({"customer": None}, "customer"),
        ({"customer": "cus_none"}, "customer"),
        ({"start_time": MIDNIGHT + 1}, "start_time"),
        ({"end_time": AT + 60, "value_grouping_window": "hour"}, "end_time"),
        ({"end_time": AT, "value_grouping_window": "day"}, "end_time"),
        ({"end_time": MIDNIGHT}, "end_time"),
        ({"value_grouping_window": "week"}, "value_grouping_window"),
        ({"starting_after": "mtrusg_none"}, "starting_after"),
    ],
)
def test_summaries_are_refused_where_the_time_is_not_whole(billing, http, asked, param):
    made = meter(billing)
    bounds = {"customer": "cus_1", "start_time": MIDNIGHT, "end_time": MIDNIGHT + DAY}
    sent = {name: value for name, value in {**bounds, **asked}.items() if value is not None}
    answer = http.get(f"billing/meters/{made.id}/event_summaries", params=sent)
    status, kind, _, named = refusal(answer)
    assert (status, kind, named) == (400, "invalid_request_error", param)


def test_a_metered_price_is_found_by_its_meter(books, billing):
    made = meter(billing)
    recurring = {"interval": "month", "usage_type": "metered", "meter": made.id}
    asked = {"currency": "usd", "product": "prod_1", "unit_amount_decimal": "0.85"}
    price = books.v1.prices.create({**asked, "recurring": recurring})
    assert (price.recurring.meter, price.recurring.usage_type) == (made.id, "metered")
    assert [p.id for p in books.v1.prices.list({"recurring": {"meter": made.id}}).data] == [
        price.id
    ]


def test_a_restricted_key_reads_meters_where_it_may(books, http):
    books.store.set_meta("stripe.restricted_keys", {"rk_live_x": {"customer": "read"}})
    with books.http("rk_live_x") as restricted:
        assert restricted.get("billing/meters").status_code == 403
    assert http.get("billing/meters").json()["url"] == "/v1/billing/meters"
    assert http.get("billing/meters/mtr_none").status_code == 404
    assert http.get("billing/meters", params={"created[gte]": "1"}).status_code == 400
