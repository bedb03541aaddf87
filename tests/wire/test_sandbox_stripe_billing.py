"""The sandbox's Stripe invoices, items, subscriptions and schedules: what may be done to them."""

import pytest
import stripe

from extractors.sandbox.stripe_invoice_items import waiting
from tests.wire.stripe_sandbox import (
    AT,
    DAY,
    MONTH,
    account,
    open_invoice,
    paid_invoice,
    refusal,
)


@pytest.fixture
def books(tmp_path, vendor_secrets):
    with account(tmp_path, vendor_secrets) as books:
        yield books


@pytest.fixture
def v1(books):
    return books.v1


@pytest.fixture
def http(books):
    with books.http() as http:
        yield http


# Drafts.


def test_a_draft_takes_up_items_and_becomes_a_document(v1):
    draft = v1.invoices.create(
        {"customer": "cus_1", "collection_method": "send_invoice", "days_until_due": 30}
    )
    assert (draft.status, draft.total, draft.number) == ("draft", 0, None)
    assert AT + 30 * DAY <= draft.due_date < AT + 31 * DAY
    item = {"customer": "cus_1", "invoice": draft.id}
    v1.invoice_items.create({**item, "amount": 1500, "description": "Setup"})
    v1.invoice_items.create({**item, "pricing": {"price": "price_1"}, "quantity": 3})
    drafted = v1.invoices.retrieve(draft.id)
    assert [line.amount for line in drafted.lines.data] == [1500, 3000]
    assert (drafted.subtotal, drafted.total, drafted.amount_due) == (4500, 4500, 4500)
    line = drafted.lines.data[1]
    assert line.pricing.price_details.price == "price_1"
    assert line.parent.type == "invoice_item_details"
    final = v1.invoices.finalize_invoice(draft.id)
    assert (final.status, final.amount_remaining) == ("open", 4500)
    assert final.status_transitions.finalized_at > AT
    again = open_invoice_of(v1, "cus_1")
    assert (final.number, again.number) == ("1-0001", "1-0002")


def open_invoice_of(v1, customer):
    draft = v1.invoices.create({"customer": customer})
    v1.invoice_items.create({"customer": customer, "invoice": draft.id, "amount": 100})
    return v1.invoices.finalize_invoice(draft.id)


def test_pending_items_wait_until_an_invoice_includes_them(v1):
    item = v1.invoice_items.create({"customer": "cus_1", "amount": 700, "currency": "usd"})
    assert [i.id for i in v1.invoice_items.list({"pending": True}).data] == [item.id]
    assert v1.invoices.create({"customer": "cus_1"}).total == 0
    behavior = {"pending_invoice_items_behavior": "include"}
    taken = v1.invoices.create({"customer": "cus_1", **behavior})
    assert taken.total == 700
    assert v1.invoice_items.list({"pending": True}).data == []
    assert v1.invoice_items.list({"invoice": taken.id}).data[0].id == item.id
    v1.invoices.delete(taken.id)
    assert v1.invoice_items.retrieve(item.id).invoice is None


def test_an_item_may_have_a_price_of_its_own_and_wait_for_one_subscription(books, v1):
    told = {"currency": "usd", "product": "prod_1", "unit_amount": 700}
    asked = {"customer": "cus_1", "price_data": told, "quantity": 2, "subscription": "sub_1"}
    item = v1.invoice_items.create(asked)
    assert (item.amount, item.currency) == (1400, "usd")
    assert item.parent.subscription_details.subscription == "sub_1"
    price = v1.prices.retrieve(item.pricing.price_details.price)
    assert (price.active, price.type, price.unit_amount) == (False, "one_time", 700)
    for named, count in (("sub_1", 1), ("sub_2", 0), (None, 1)):
        assert len(waiting(books.store, "cus_1", "usd", named)) == count


def test_an_amount_may_be_given_back_with_the_next_invoice_of_one_subscription(v1):
    marks = {"use": "il_1"}
    asked = {"customer": "cus_1", "amount": -700, "currency": "usd", "subscription": "sub_1"}
    asked |= {"tax_behavior": "exclusive", "tax_code": "txcd_1", "metadata": marks}
    item = v1.invoice_items.create(asked)
    assert (item.amount, item.quantity, item.pricing) == (-700, 1, None)
    v1.invoice_items.create({"customer": "cus_1", "amount": 1000, "currency": "usd"})
    taken = v1.invoices.create({"customer": "cus_1", "pending_invoice_items_behavior": "include"})
    assert (taken.total, taken.amount_due) == (300, 300)
    assert [(line.amount, line.metadata.to_dict()) for line in taken.lines.data] == [
        (-700, marks),
        (1000, {}),
    ]


def test_items_of_a_draft_may_change_and_go(v1):
    draft = v1.invoices.create({"customer": "cus_1"})
    item = {"customer": "cus_1", "invoice": draft.id, "amount": 500}
    first, second = (v1.invoice_items.create(item).id for _ in range(2))
    v1.invoice_items.update(first, {"amount": 800, "description": "More"})
    lines = v1.invoices.retrieve(draft.id).lines.data
    assert [(line.amount, line.description) for line in lines] == [(800, "More"), (500, None)]
    v1.invoice_items.delete(second)
    after = v1.invoices.retrieve(draft.id)
    assert (after.total, [line.id for line in after.lines.data]) == (800, [lines[0].id])


def test_a_draft_changes_and_a_document_keeps_all_but_its_labels(v1, http):
    draft = v1.invoices.create({"customer": "cus_1"})
    assert v1.invoices.update(draft.id, {"description": "D", "footer": "F"}).footer == "F"
    final = open_invoice_of(v1, "cus_1")
    assert v1.invoices.update(final.id, {"metadata": {"a": "1"}}).metadata["a"] == "1"
    for change in (
        {"description": "D"},
        {"due_date": str(AT)},
        {"metadata[a]": "2", "footer": "F"},
    ):
        refused = refusal(http.post(f"invoices/{final.id}", data=change))
        assert refused == (400, "invalid_request_error", "invoice_not_editable", None)
    assert v1.invoices.retrieve(final.id).metadata["a"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("POST", "invoices/{id}/finalize", {}),
        ("DELETE", "invoices/{id}", {}),
        ("POST", "invoiceitems", {"customer": "cus_1", "invoice": "{id}", "amount": "1"}),
    ],
)
def test_what_only_a_draft_allows_is_refused_for_a_document(v1, http, method, path, data):
    final = open_invoice_of(v1, "cus_1")
    asked = {name: value.format(id=final.id) for name, value in data.items()}
    answer = http.request(method, path.format(id=final.id), data=asked or None)
    assert refusal(answer)[::2] == (400, "invoice_not_editable")
    assert v1.invoices.retrieve(final.id).total == 100


def test_items_of_a_document_stay(v1, http):
    final = open_invoice_of(v1, "cus_1")
    (item,) = v1.invoice_items.list({"invoice": final.id}).data
    assert refusal(http.delete(f"invoiceitems/{item.id}"))[::2] == (400, "invoice_not_editable")
    changed = http.post(f"invoiceitems/{item.id}", data={"amount": "5"})
    assert refusal(changed)[::2] == (400, "invoice_not_editable")


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("invoices", {}, ("parameter_missing", "customer")),
        ("invoices", {"customer": "cus_x"}, ("resource_missing", "customer")),
        ("invoices", {"customer": "cus_1", "days_until_due": "3"}, (None, "days_until_due")),
        ("invoices", {"customer": "cus_1", "total": "3"}, ("parameter_unknown", "total")),
        ("invoiceitems", {"customer": "cus_1"}, ("parameter_missing", "amount")),
        ("invoiceitems", {"customer": "cus_1", "amount": "1.5"}, ("parameter_invalid_integer", "amount")),
        ("invoiceitems", {"customer": "cus_1", "price": "price_1"}, ("parameter_unknown", "price")),
        ("invoiceitems", {"customer": "cus_1", "pricing[price]": "price_x"}, ("resource_missing", "pricing[price]")),
        ("invoiceitems", {"customer": "cus_1", "amount": "1", "invoice": "in_x"}, ("resource_missing", "invoice")),
        ("invoiceitems", {"customer": "cus_1", "amount": "1", "subscription": "sub_x"}, ("resource_missing", "subscription")),
        ("invoiceitems", {"customer": "cus_1", "price_data[currency]": "usd"}, ("parameter_missing", "product")),
        ("invoiceitems", {"customer": "cus_1", "price_data[unit_amount]": "-1"}, ("parameter_invalid_integer", "price_data[unit_amount]")),
        ("invoiceitems", {"customer": "cus_1", "amount": "-1", "quantity": "1"}, ("parameters_exclusive", "quantity")),
        ("invoiceitems", {"customer": "cus_1", "amount": "-1", "pricing[price]": "price_1"}, ("parameters_exclusive", "pricing")),
    ],
)  # fmt: skip
def test_wrong_drafts_are_refused(books, http, path, data, why):
    before = books.count_events()
    assert refusal(http.post(path, data=data)) == (400, "invalid_request_error", *why)
    assert books.count_events() == before


# What becomes of an invoice.


def test_a_payment_leaves_its_whole_trail(books, v1):
    paid = paid_invoice(books, 10_000)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 10_000, 0)
    whole = v1.invoices.retrieve(paid.id, {"expand": ["payments.data.payment.payment_intent"]})
    (payment,) = whole.payments.data
    intent = payment.payment.payment_intent
    assert (payment.amount_paid, intent.status, intent.amount_received) == (
        10_000,
        "succeeded",
        10_000,
    )
    charge = v1.charges.retrieve(intent.latest_charge, {"expand": ["balance_transaction"]})
    entry = charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.source) == (10_000, 320, 9_680, charge.id)


def test_a_payment_out_of_band_moves_no_money(books, v1):
    invoice = open_invoice(books)
    paid = v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert paid.status == "paid"
    (payment,) = v1.invoice_payments.list({"invoice": invoice.id}).data
    assert payment.payment.type == "payment_record"
    assert v1.charges.list().data == []
    assert v1.balance_transactions.list().data == []


def test_ended_invoices_are_not_paid_or_ended_again(books, v1):
    void = v1.invoices.void_invoice(open_invoice(books).id)
    assert v1.invoices.retrieve(void.id).status == "void"
    paid = paid_invoice(books)
    for do, invoice, code in (
        (v1.invoices.pay, paid, "invoice_already_paid"),
        (v1.invoices.pay, void, "invoice_not_editable"),
        (v1.invoices.void_invoice, paid, "invoice_not_editable"),
        (v1.invoices.mark_uncollectible, void, "invoice_not_editable"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            do(invoice.id)
        assert caught.value.code == code


def test_an_uncollectible_invoice_can_still_be_paid(books, v1):
    invoice = v1.invoices.mark_uncollectible(open_invoice(books).id)
    assert v1.invoices.pay(invoice.id).status == "paid"


def test_only_a_mailed_invoice_is_sent(books, v1):
    mailed = open_invoice(books, collection_method="send_invoice", days_until_due=5)
    assert v1.invoices.send_invoice(mailed.id).id == mailed.id
    assert books.events()[-1] == "invoice.sent"
    with pytest.raises(stripe.InvalidRequestError):
        v1.invoices.send_invoice(open_invoice(books).id)


def test_a_draft_of_nothing_is_paid_when_it_is_finalized(v1):
    draft = v1.invoices.create({"customer": "cus_1"})
    assert v1.invoices.finalize_invoice(draft.id).status == "paid"


# Subscriptions and their items.


def test_a_changed_quantity_is_prorated_for_the_rest_of_the_period(v1):
    v1.subscription_items.update("si_1", {"quantity": 20, "proration_date": AT})
    items = v1.invoice_items.list({"pending": True}).data
    assert [(i.amount, i.quantity, i.proration) for i in reversed(items)] == [
        (-5000, 10, True), (10_000, 20, True),
    ]  # fmt: skip
    details = items[0].parent.subscription_details
    assert (details.subscription, details.subscription_item) == ("sub_1", "si_1")
    assert (items[0].period.start, items[0].period.end) == (AT, AT + MONTH // 2)


def test_a_part_of_a_period_is_counted_from_an_instant_within_it(v1):
    later = AT + 5 * DAY
    asked = {"subscription": "sub_1", "price": "price_2", "quantity": 3, "proration_date": later}
    made = v1.subscription_items.create(asked)
    (part,) = v1.invoice_items.list({"pending": True}).data
    assert (part.amount, part.period.start, part.discountable) == (3000, later, False)
    v1.subscription_items.delete(made.id, {"proration_date": later})
    assert sum(each.amount for each in v1.invoice_items.list({"pending": True}).data) == 0
    for outside in (AT - MONTH, AT + MONTH):
        with pytest.raises(stripe.InvalidRequestError, match="outside of current subscription"):
            v1.subscription_items.create({**asked, "proration_date": outside})


def test_a_part_of_a_period_costs_less_what_a_coupon_takes_off(v1):
    v1.coupons.create({"id": "TEN", "percent_off": 10, "duration": "forever"})
    asked = {"subscription": "sub_1", "price": "price_2", "proration_date": AT}
    v1.subscription_items.create({**asked, "discounts": [{"coupon": "TEN"}]})
    assert [one.amount for one in v1.invoice_items.list({"pending": True}).data] == [1350]


def test_nothing_is_prorated_where_nobody_wants_it(books, v1):
    v1.subscription_items.update("si_1", {"quantity": 20, "proration_behavior": "none"})
    v1.subscriptions.update("sub_1", {"metadata": {"a": "1"}})
    v1.subscription_items.update("si_1", {"metadata": {"a": "1"}})
    assert v1.invoice_items.list().data == []
    books.store.put("stripe", "subscription", {"id": "sub_1", "status": "trialing"})
    v1.subscription_items.update("si_1", {"quantity": 30})
    assert v1.invoice_items.list().data == []


def test_a_proration_can_be_invoiced_at_once(v1):
    asked = {"quantity": 20, "proration_behavior": "always_invoice", "proration_date": AT}
    v1.subscription_items.update("si_1", asked)
    assert v1.invoice_items.list({"pending": True}).data == []
    (invoice,) = v1.invoices.list({"subscription": "sub_1"}).data
    assert (invoice.status, invoice.total, invoice.billing_reason) == (
        "open", 5000, "subscription_update",
    )  # fmt: skip
    assert v1.subscriptions.retrieve("sub_1").latest_invoice == invoice.id


def test_items_are_added_and_removed(v1):
    item = v1.subscription_items.create(
        {"subscription": "sub_1", "price": "price_2", "quantity": 2}
    )
    assert (item.subscription, item.price.id, item.quantity) == ("sub_1", "price_2", 2)
    assert item.current_period_end == AT + MONTH // 2
    assert v1.subscription_items.delete(item.id).deleted is True
    v1.subscription_items.delete("si_2")
    with pytest.raises(stripe.InvalidRequestError):
        v1.subscription_items.delete("si_1")
    assert [i.id for i in v1.subscription_items.list({"subscription": "sub_1"}).data] == ["si_1"]


def test_a_cancellation_at_period_end_is_taken_back(v1):
    leaving = v1.subscriptions.update("sub_1", {"cancel_at_period_end": True})
    assert (leaving.cancel_at_period_end, leaving.canceled_at >= AT) == (True, True)
    assert leaving.cancel_at == leaving["items"].data[0].current_period_end
    staying = v1.subscriptions.update("sub_1", {"cancel_at_period_end": False})
    assert (staying.cancel_at_period_end, staying.canceled_at) == (False, None)
    assert staying.cancel_at is None


def test_an_end_lies_ahead_and_is_the_schedules_to_say_where_there_is_one(v1):
    for wrong in (AT - DAY, AT):
        with pytest.raises(stripe.InvalidRequestError, match="future"):
            v1.subscriptions.update("sub_1", {"cancel_at": wrong})
    leaving = v1.subscriptions.update("sub_1", {"cancel_at": AT + 40 * DAY})
    assert (leaving.cancel_at, leaving.cancel_at_period_end) == (AT + 40 * DAY, False)
    v1.subscription_schedules.create({"from_subscription": "sub_1"})
    for end in ({"cancel_at": AT + 50 * DAY}, {"cancel_at_period_end": True}):
        with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription"):
            v1.subscriptions.update("sub_1", end)


def test_a_deleted_customer_takes_its_subscriptions_with_it(v1):
    v1.customers.delete("cus_1")
    assert v1.subscriptions.retrieve("sub_1").status == "canceled"
    assert v1.subscriptions.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        v1.invoices.create({"customer": "cus_1"})


def test_a_changed_price_shows_in_subscriptions_without_an_event_of_theirs(books, v1):
    v1.prices.update("price_1", {"nickname": "Seat"})
    item = v1.subscription_items.retrieve("si_1")
    assert (item.price.nickname, item.plan.nickname) == ("Seat", "Seat")
    assert books.events()[-1] == "price.updated"
    assert "customer.subscription.updated" not in books.events()


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("subscription_items", {"price": "price_1"}, ("parameter_missing", "subscription")),
        ("subscription_items", {"subscription": "sub_1"}, ("parameter_missing", "price")),
        ("subscription_items", {"subscription": "sub_x", "price": "price_1"}, ("resource_missing", "subscription")),
        ("subscriptions/sub_1", {"items[0][price]": "price_x"}, ("resource_missing", "items[0][price]")),
        ("subscriptions/sub_1", {"items[0][quantity]": "2"}, ("parameter_missing", "price")),
        ("subscriptions/sub_1", {"quantity": "2"}, ("parameter_unknown", "quantity")),
        ("subscription_items/si_1", {"proration_behavior": "always"}, (None, "proration_behavior")),
    ],
)  # fmt: skip
def test_wrong_changes_of_subscriptions_are_refused(books, http, path, data, why):
    before = books.count_events()
    assert refusal(http.post(path, data=data)) == (400, "invalid_request_error", *why)
    assert books.count_events() == before


# Schedules.


PHASES = [
    {"items": [{"price": "price_1", "quantity": 5}], "duration": {"interval": "month", "interval_count": 3}},
    {"items": [{"price": "price_2", "quantity": 9}], "end_date": AT + 400 * DAY, "metadata": {"step": "2"}},
]  # fmt: skip


def test_a_schedule_plans_a_ramp(v1):
    start = AT + 10 * DAY
    made = v1.subscription_schedules.create(
        {"customer": "cus_2", "start_date": start, "phases": PHASES, "end_behavior": "cancel"}
    )
    assert (made.status, made.subscription, made.current_phase) == ("not_started", None, None)
    first, second = made.phases
    assert first.start_date == start
    assert first.end_date == second.start_date
    assert 89 * DAY <= first.end_date - start <= 93 * DAY
    assert (second.end_date, second.metadata["step"]) == (AT + 400 * DAY, "2")
    assert [(p["items"][0].price, p["items"][0].quantity) for p in made.phases] == [
        ("price_1", 5), ("price_2", 9),
    ]  # fmt: skip
    listed = v1.subscription_schedules.list({"customer": "cus_2", "scheduled": True})
    assert [s.id for s in listed.data] == [made.id]
    assert v1.subscription_schedules.cancel(made.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        v1.subscription_schedules.update(made.id, {"metadata": {"a": "1"}})


def test_a_schedule_is_laid_over_a_subscription(v1):
    made = v1.subscription_schedules.create({"from_subscription": "sub_1"})
    assert (made.status, made.subscription) == ("active", "sub_1")
    assert v1.subscriptions.retrieve("sub_1").schedule == made.id
    (phase,) = made.phases
    assert (phase.start_date, phase.end_date) == (made.current_phase.start_date, AT + MONTH // 2)
    now = {"start_date": phase.start_date, "end_date": phase.end_date}
    items = [{"price": item.price, "quantity": item.quantity} for item in phase["items"]]
    changed = v1.subscription_schedules.update(
        made.id, {"phases": [{"items": items, **now}, PHASES[0]], "metadata": {"why": "ramp"}}
    )
    assert [p.start_date for p in changed.phases] == [phase.start_date, phase.end_date]
    with pytest.raises(stripe.InvalidRequestError):
        v1.subscription_schedules.create({"from_subscription": "sub_1"})
    over = v1.subscription_schedules.release(made.id)
    assert (over.status, over.released_subscription, over.subscription) == (
        "released",
        "sub_1",
        None,
    )
    subscription = v1.subscriptions.retrieve("sub_1")
    assert (subscription.schedule, subscription.status) == (None, "active")


def test_a_canceled_schedule_ends_its_subscription(v1):
    made = v1.subscription_schedules.create({"from_subscription": "sub_1"})
    v1.subscription_schedules.cancel(made.id)
    assert v1.subscriptions.retrieve("sub_1").status == "canceled"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, ("parameter_missing", "customer")),
        ({"customer": "cus_1"}, ("parameter_missing", "phases")),
        ({"customer": "cus_1", "from_subscription": "sub_1"}, (None, "from_subscription")),
        ({"from_subscription": "sub_x"}, ("resource_missing", "from_subscription")),
        ({"from_subscription": "sub_1", "end_behavior": "cancel"}, (None, "from_subscription")),
        ({"customer": "cus_1", "phases[0][items][0][price]": "price_1"}, (None, "start_date")),
        ({"customer": "cus_1", "start_date": "soon", "phases[0][items][0][price]": "price_1"}, (None, "start_date")),
        ({"customer": "cus_1", "start_date": str(AT + DAY), "phases[0][items][0][price]": "price_1"}, ("parameter_missing", "phases[0][end_date]")),
        ({"customer": "cus_1", "start_date": str(AT + DAY), "phases[0][end_date]": str(AT), "phases[0][items][0][price]": "price_1"}, (None, "phases[0][end_date]")),
        ({"customer": "cus_1", "start_date": str(AT + DAY), "phases[0][end_date]": str(AT + MONTH)}, ("parameter_missing", "phases[0][items]")),
        ({"customer": "cus_1", "start_date": str(AT + DAY), "phases[0][end_date]": str(AT + MONTH), "phases[0][items][0][price]": "price_x"}, ("resource_missing", "phases[0][items][price]")),
        ({"customer": "cus_1", "end_behavior": "explode"}, (None, "end_behavior")),
    ],
)  # fmt: skip
def test_wrong_schedules_are_refused(books, http, data, why):
    before = books.count_events()
    answer = http.post("subscription_schedules", data=data)
    assert refusal(answer) == (400, "invalid_request_error", *why)
    assert books.count_events() == before
