"""The sandbox's Stripe in an older API version: the shapes that old clients still read."""

import pytest

from extractors.sandbox import stripe_money
from extractors.sandbox.stripe_events import DEFAULT_VERSION
from tests.wire.stripe_sandbox import AT, MONTH, OLD, account, open_invoice, paid_invoice, refusal

PINNED = "2026-10-28.endive"


@pytest.fixture
def books(tmp_path, vendor_secrets):
    with account(tmp_path, vendor_secrets) as books:
        yield books


@pytest.fixture
def old(books):
    with books.http(Stripe_Version=OLD) as http:
        yield http


@pytest.fixture
def new(books):
    with books.http(Stripe_Version=PINNED) as http:
        yield http


def test_the_period_of_a_subscription_was_its_own(old, new):
    then, now = (http.get("subscriptions/sub_1").json() for http in (old, new))
    assert (then["current_period_start"], then["current_period_end"]) == (
        AT - MONTH // 2, AT + MONTH // 2,
    )  # fmt: skip
    assert "current_period_end" not in now
    assert "current_period_end" not in then["items"]["data"][0]
    assert now["items"]["data"][0]["current_period_end"] == AT + MONTH // 2
    (listed,) = old.get("subscriptions").json()["data"]
    assert listed == then


def test_a_subscription_of_one_item_had_a_plan(books, old):
    assert old.get("subscriptions/sub_1").json()["plan"] is None
    books.v1.subscription_items.delete("si_2", {"proration_behavior": "none"})
    then = old.get("subscriptions/sub_1").json()
    assert (then["plan"]["id"], then["plan"]["amount"], then["quantity"]) == ("price_1", 1000, 10)


def test_an_invoice_knew_its_subscription_its_charge_and_its_tax(books, old, new):
    asked = {"quantity": 20, "proration_behavior": "always_invoice", "proration_date": AT}
    books.v1.subscription_items.update("si_1", asked)
    (key,) = [i["id"] for i in new.get("invoices").json()["data"]]
    tax = {"amount": 50, "tax_behavior": "exclusive", "taxable_amount": 500}
    books.store.put("stripe", "invoice", {"id": key, "total_taxes": [tax]}, stamp=False)
    books.v1.invoices.pay(key)
    then, now = (http.get(f"invoices/{key}").json() for http in (old, new))
    (charge,) = new.get("charges").json()["data"]
    assert (then["subscription"], then["charge"], then["payment_intent"]) == (
        "sub_1", charge["id"], charge["payment_intent"],
    )  # fmt: skip
    assert (then["paid"], then["paid_out_of_band"], then["tax"]) == (True, False, 50)
    assert then["total_tax_amounts"] == [
        {
            "amount": 50,
            "inclusive": False,
            "tax_rate": None,
            "taxability_reason": "not_available",
            "taxable_amount": 500,
        }
    ]
    assert not now.keys() & {"subscription", "charge", "payment_intent", "paid", "tax"}
    assert not then.keys() & {"parent", "total_taxes", "amount_overpaid"}
    assert old.get(f"charges/{charge['id']}").json()["invoice"] == key
    assert "invoice" not in charge


def test_a_payment_in_vain_shows_its_charge_too(books, old):
    invoice = open_invoice(books)
    with books.http() as http:
        declined = {"payment_method": "pm_card_chargeDeclined"}
        assert http.post(f"invoices/{invoice.id}/pay", data=declined).status_code == 402
    then = old.get(f"invoices/{invoice.id}").json()
    assert (then["charge"][:3], then["paid"], then["tax"]) == ("ch_", False, None)


def test_a_line_had_its_price_whole(books, old, new):
    asked = {"quantity": 20, "proration_behavior": "always_invoice", "proration_date": AT}
    books.v1.subscription_items.update("si_1", asked)
    (key,) = [i["id"] for i in new.get("invoices").json()["data"]]
    line = old.get(f"invoices/{key}").json()["lines"]["data"][1]
    assert line == old.get(f"invoices/{key}/lines").json()["data"][1]
    assert (line["price"]["unit_amount"], line["plan"]["amount"]) == (1000, 1000)
    assert (line["type"], line["proration"], line["subscription"]) == ("invoiceitem", True, "sub_1")
    assert not line.keys() & {"pricing", "parent", "taxes", "subtotal"}
    now = new.get(f"invoices/{key}").json()["lines"]["data"][1]
    assert now["pricing"]["price_details"]["price"] == "price_1"
    assert "price" not in now


def test_a_discount_had_its_coupon(books, old, new):
    books.v1.coupons.create({"id": "TEN", "percent_off": 10})
    coupon = books.store.get("stripe", "coupon", "TEN")
    discount = {"id": "di_1", "source": {"type": "coupon", "coupon": coupon}, "start": AT}
    books.store.put("stripe", "subscription", {"id": "sub_1", "discounts": [discount]})
    then = old.get("subscriptions/sub_1").json()["discount"]
    assert (then["coupon"]["percent_off"], "source" in then) == (10, False)
    now = new.get("subscriptions/sub_1", params={"expand[]": "discounts"}).json()["discounts"][0]
    assert (now["source"]["coupon"], "coupon" in now) == ("TEN", False)


def test_a_credit_note_had_one_refund(books, old, new):
    paid = paid_invoice(books)
    asked = {"invoice": paid.id, "amount": 100, "refund_amount": 100}
    note = books.v1.credit_notes.create(asked)
    then = old.get(f"credit_notes/{note.id}").json()
    assert then["refund"] == note.refunds[0].refund
    assert "refunds" not in then


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("customers", ["data.sources", "data.subscriptions", "data.tax_ids"]),
        ("charges", ["data.refunds", "data.invoice"]),
        ("plans", ["data.tiers"]),
        ("subscriptions", ["data.plan.tiers", "data.discount"]),
        ("subscription_items?subscription=sub_1", ["data.plan.tiers"]),
        ("invoices", ["data.charge", "data.payment_intent", "data.subscription"]),
    ],
)
def test_what_could_be_expanded_then_still_can(books, old, path, expand):
    paid_invoice(books)
    resource, _, query = path.partition("?")
    params = dict([query.split("=")]) if query else {}
    answer = old.get(resource, params={**params, "expand[]": expand})
    assert answer.is_success, answer.text


def test_what_is_expanded_has_the_old_shape_too(books, old):
    paid = paid_invoice(books)
    params = {"expand[]": ["charge", "payment_intent", "lines.data.price"]}
    then = old.get(f"invoices/{paid.id}", params=params).json()
    assert (then["charge"]["invoice"], then["payment_intent"]["invoice"]) == (paid.id, paid.id)
    asked = {"expand[]": "data.subscriptions"}
    listed = old.get("customers", params=asked).json()["data"]
    (customer,) = [c for c in listed if c["id"] == "cus_1"]
    assert customer["subscriptions"]["data"][0]["current_period_end"] == AT + MONTH // 2


def test_what_can_only_be_expanded_then_is_refused_now(new):
    for path, expand in (("invoices", "data.charge"), ("subscriptions", "data.plan")):
        answer = new.get(path, params={"expand[]": expand})
        assert refusal(answer)[::3] == (400, "expand")


def test_objects_that_did_not_change_are_the_same_in_both(books, old, new):
    stripe_money.charge(books.store, "cus_1", 500, "usd")
    for plural in ("customers", "products", "prices", "plans", "balance_transactions", "events"):
        then, now = (http.get(plural).json() for http in (old, new))
        assert then == now
        assert then["data"]


def test_plans_are_prices_by_their_older_name(old):
    first = old.get("plans", params={"limit": 1}).json()
    rest = old.get("plans", params={"starting_after": first["data"][0]["id"]}).json()
    assert [p["id"] for p in first["data"] + rest["data"]] == ["price_2", "price_1"]
    plan = old.get("plans/price_1").json()
    assert (plan["object"], plan["amount"], plan["interval"]) == ("plan", 1000, "month")


@pytest.mark.parametrize("version", ["2022-11-16", "2099-01-01.zinnia", "latest", "2023-10-16"])
def test_other_versions_are_refused(books, version):
    with books.http(Stripe_Version=version) as http:
        answer = http.get("customers")
    assert refusal(answer) == (400, "invalid_request_error", None, None)
    assert version in answer.json()["error"]["message"]


def test_a_request_without_a_version_gets_the_accounts(books, old):
    with books.http() as http:
        assert http.get("subscriptions/sub_1").headers["stripe-version"] == PINNED
        books.store.set_meta(DEFAULT_VERSION, OLD)
        answer = http.get("subscriptions/sub_1")
    assert answer.headers["stripe-version"] == OLD
    assert answer.json() == old.get("subscriptions/sub_1").json()
