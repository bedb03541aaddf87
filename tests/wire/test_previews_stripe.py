"""What the vendor says would come of a write, before it is made: asked, and nothing is changed."""

import pytest
import stripe

from extractors.errors import Rejected
from extractors.protocol import Preview, Previewing, WriteIntent
from orchestration.dry_run import DryRun, as_json, as_text
from tests.wire.stripe_sandbox import AT, MONTH, fill
from tests.wire.vendors import LONG_AGO

CREATED = int(LONG_AGO.timestamp())


@pytest.fixture
def billing(vendors):
    fill(vendors.store)
    lines = [{"id": "il_1", "amount": 10000, "currency": "usd", "quantity": 1, "taxes": []}]
    paid = {"id": "in_6", "customer": "cus_1", "currency": "usd", "status": "paid", "total": 12000}
    paid |= {"number": "A-6", "total_taxes": [{"amount": 2000}], "lines": {"data": lines}}
    vendors.store.put_many("stripe", "invoice", [{**paid, "created": CREATED}])
    refund = {"id": "re_1", "amount": 6000, "currency": "usd", "status": "succeeded"}
    vendors.store.put_many("stripe", "refund", [{**refund, "created": CREATED, "charge": "ch_6"}])
    return vendors


def preview(billing, operation, name, record_id, **body):
    intent = WriteIntent(operation, name, record_id, body, "", "q2c_1")
    before = {kind: billing.store.rows("stripe", kind) for kind in ("subscription", "credit_note")}
    told = billing.with_target("stripe", lambda target: target.preview(intent))
    after = {kind: billing.store.rows("stripe", kind) for kind in before}
    assert after == before
    return told


def test_a_note_is_told_with_the_tax_that_it_would_credit(billing):
    told = preview(
        billing,
        "create",
        "credit_note",
        "re_1",
        invoice="in_6",
        amount=6000,
        refunds=[{"refund": "re_1", "amount_refunded": 6000}],
        email_type="none",
        metadata={"tieout_correction": "cor_1"},
    )
    assert (told.document, told.currency, told.before_minor) == ("credit note", "USD", None)
    assert (told.total_minor, told.tax_minor) == (6000, 1000)


def test_what_the_vendor_would_refuse_is_told_in_its_words(billing):
    with pytest.raises(Rejected, match="must equal"):
        preview(billing, "create", "credit_note", "re_1", invoice="in_6", amount=6000)


def test_the_next_invoice_is_told_as_it_would_be_and_as_it_is(billing):
    """10 of 10.00 and 20 of 30.00 a month; for 12 of the first nothing is charged in between."""
    told = preview(
        billing, "update", "subscription_item", "si_1", quantity=12, proration_behavior="none"
    )
    assert (told.document, told.before_minor, told.total_minor) == ("next invoice", 70000, 72000)
    assert [minor for _, minor in told.lines] == [12000, 60000]


@pytest.mark.parametrize(("how", "then"), [("create_prorations", 72000), ("none", 72000)])
def test_what_is_left_of_the_period_is_told_where_it_would_be_charged(billing, how, then):
    billing.store.set_clock(LONG_AGO.fromtimestamp(AT, LONG_AGO.tzinfo))
    told = preview(
        billing, "update", "subscription_item", "si_1", quantity=12, proration_behavior=how
    )
    left = [-5000, 6000] if how == "create_prorations" else []  # half of the month is over
    assert [minor for _, minor in told.lines][: len(left)] == left
    assert told.total_minor == then + sum(left)


@pytest.mark.parametrize(
    "end", [{"cancel_at_period_end": True}, {"cancel_at": AT + MONTH // 2}], ids=str
)
def test_a_subscription_that_ends_has_no_next_invoice(billing, end):
    told = preview(billing, "update", "subscription", "sub_1", **end)
    assert (told.before_minor, told.total_minor, told.lines) == (70000, 0, ())


def test_an_item_that_is_taken_out_is_not_charged_again(billing):
    gone = {"items": [{"id": "si_1", "deleted": True}], "proration_behavior": "none"}
    told = preview(billing, "update", "subscription", "sub_1", **gone)
    assert (told.before_minor, told.total_minor) == (70000, 60000)


@pytest.mark.parametrize(
    ("operation", "name", "body"),
    [
        ("update", "customer", {"metadata": {"crm_account_id": "001"}}),
        ("update", "subscription", {"description": "x"}),
        ("update", "invoice/pay", {"paid_out_of_band": True}),
    ],
)
def test_of_all_else_the_vendor_has_no_preview(billing, operation, name, body):
    assert preview(billing, operation, name, "x_1", **body) is None


def test_only_a_vendor_with_previews_is_asked(billing):
    async def is_asked(target):
        return isinstance(target, Previewing)

    assert billing.with_target("stripe", is_asked)
    assert not billing.with_target("netsuite", is_asked)


def test_the_vendors_own_client_reads_the_preview(billing):
    key, url = (billing.settings["stripe"][name] for name in ("api_key", "base_url"))
    client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)
    asked = {"subscription": "sub_1", "subscription_details": {"items": [{"id": "si_2"}]}}
    told = client.v1.invoices.create_preview(asked)
    assert (told.id, told.total, told.status) == ("upcoming_in_sub_1", 70000, "draft")
    line = told.lines.data[1]
    assert (line.quantity, line.pricing.price_details.price) == (20, "price_2")
    assert line.period.start == AT + MONTH // 2


def test_the_dry_run_shows_what_the_vendor_says():
    view = type(
        "View",
        (),
        {
            "correction_id": "cor_1", "code": "RFD-MISS-01", "state": "proposed",
            "system": "stripe", "object": "credit_note", "record_id": "re_1", "refusals": (),
        },
    )()  # fmt: skip
    told = Preview("credit note", "USD", 6000, 1000, None, (("", 5000),))
    found = DryRun([(view, (), "there is no such document yet")], (), {"cor_1": told}, {"USD": 2})
    assert list(as_text(found))[2:4] == [
        "  stripe says: credit note over 60.00 USD, tax 10.00 USD",
        "    line: 50.00 USD",
    ]
    assert as_json(found)["corrections"][0]["preview"]["total_minor"] == 6000
    why = "no preview: the sum must equal"
    refused = DryRun(found.corrections, (), {"cor_1": why}, {"USD": 2})
    assert as_json(refused)["corrections"][0]["preview"] == {"refused": why}
