"""The sandbox's Stripe money: refunds, disputes, credit notes, payouts, and the balance they make."""

from datetime import timedelta

import pytest
import stripe

from extractors.sandbox import stripe_money
from tests.wire.stripe_sandbox import AT, DAY, account, open_invoice, paid_invoice, refusal


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


def charge(books, amount=10_000, currency="usd", **fields):
    return stripe_money.charge(books.store, "cus_1", amount, currency, **fields)["id"]


def balance(v1):
    told = v1.balance.retrieve()
    return {
        amount.currency: (amount.amount, next(p.amount for p in told.pending if p.currency == amount.currency))
        for amount in told.available
    }  # fmt: skip


def assert_balance_is_the_sum(v1):
    sums = {}
    for entry in v1.balance_transactions.list({"limit": 100}).auto_paging_iter():
        assert entry.net == entry.amount - entry.fee
        known = sums.setdefault(entry.currency, [0, 0])
        known[entry.status == "pending"] += entry.net
    assert {currency: tuple(known) for currency, known in sums.items()} == balance(v1)


# Refunds.


def test_a_refund_takes_money_back_and_no_fee(books, v1):
    key = charge(books)
    refund = v1.refunds.create({"charge": key, "amount": 4_000, "reason": "duplicate"})
    assert (refund.status, refund.charge, refund.reason) == ("succeeded", key, "duplicate")
    entry = v1.balance_transactions.retrieve(refund.balance_transaction)
    assert (entry.type, entry.amount, entry.fee, entry.net) == ("refund", -4_000, 0, -4_000)
    charged = v1.charges.retrieve(key, {"expand": ["refunds"]})
    assert (charged.amount_refunded, charged.refunded) == (4_000, False)
    assert [r.id for r in charged.refunds.data] == [refund.id]
    v1.refunds.create({"payment_intent": charged.payment_intent})
    assert v1.charges.retrieve(key).refunded is True
    assert_balance_is_the_sum(v1)


def test_refunds_are_found_by_charge_and_by_intent(books, v1, http):
    first, second = charge(books), charge(books)
    mine = v1.refunds.create({"charge": first, "amount": 1}).id
    v1.refunds.create({"charge": second, "amount": 1})
    assert [r.id for r in v1.refunds.list({"charge": first}).data] == [mine]
    intent = v1.charges.retrieve(first).payment_intent
    assert [r.id for r in v1.refunds.list({"payment_intent": intent}).data] == [mine]
    assert [r["id"] for r in http.get(f"charges/{first}/refunds").json()["data"]] == [mine]
    assert refusal(http.get("charges/ch_none/refunds"))[::2] == (404, "resource_missing")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, ("parameter_missing", None)),
        ({"charge": "ch_none"}, ("resource_missing", "charge")),
        ({"amount": "10001"}, ("amount_too_large", "amount")),
        ({"amount": "0"}, ("parameter_invalid_integer", "amount")),
        ({"amount": "-5"}, ("parameter_invalid_integer", "amount")),
        ({"reason": "whim"}, (None, "reason")),
        ({"currency": "eur"}, ("parameter_unknown", "currency")),
    ],
)
def test_wrong_refunds_are_refused(books, http, data, why):
    named = {"charge": charge(books)} if data and "charge" not in data else {}
    before = books.count_events()
    assert refusal(http.post("refunds", data=named | data)) == (400, "invalid_request_error", *why)
    assert books.count_events() == before


def test_nothing_is_refunded_twice_or_of_a_failed_or_disputed_charge(books, v1):
    whole, failed, taken = charge(books), charge(books, is_declined=True), charge(books)
    v1.refunds.create({"charge": whole})
    stripe_money.dispute(books.store, taken)
    for key, code in (
        (whole, "charge_already_refunded"),
        (failed, "charge_not_refundable"),
        (taken, "charge_disputed"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            v1.refunds.create({"charge": key})
        assert caught.value.code == code


# Disputes.


def test_a_dispute_withdraws_and_a_won_one_returns(books, v1):
    key = charge(books)
    made = stripe_money.dispute(books.store, key, reason="fraudulent")
    dispute = v1.disputes.retrieve(made["id"])
    assert (dispute.status, dispute.amount, dispute.reason) == (
        "needs_response",
        10_000,
        "fraudulent",
    )
    (entry,) = dispute.balance_transactions
    assert (entry.type, entry.net, entry.fee) == ("adjustment", -11_500, 1_500)
    assert v1.charges.retrieve(key).disputed is True
    stripe_money.close_dispute(books.store, made["id"], is_won=True)
    won = v1.disputes.retrieve(made["id"])
    assert (won.status, [e.net for e in won.balance_transactions]) == ("won", [-11_500, 10_000])
    assert [d.id for d in v1.disputes.list({"charge": key}).data] == [made["id"]]
    assert_balance_is_the_sum(v1)


def test_a_lost_dispute_returns_nothing(books, v1):
    made = stripe_money.dispute(books.store, charge(books))
    stripe_money.close_dispute(books.store, made["id"], is_won=False)
    lost = v1.disputes.retrieve(made["id"])
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)


# Payouts.


def pay_out_later(books, days=3):
    books.store.advance_clock(timedelta(days=days))
    stripe_money.settle(books.store)
    return stripe_money.pay_out(books.store)


def test_a_payout_sweeps_what_is_available_in_each_currency(books, v1):
    dollars = [charge(books, 10_000), charge(books, 5_000)]
    euros = charge(books, 7_000, "eur")
    v1.refunds.create({"charge": dollars[0], "amount": 1_000})
    assert balance(v1) == {"usd": (-1_000, 14_505), "eur": (0, 6_767)}
    first, second = sorted(pay_out_later(books), key=lambda payout: payout["currency"])
    assert (first["currency"], first["amount"]) == ("eur", 6_767)
    assert (second["currency"], second["amount"]) == ("usd", 13_505)
    assert balance(v1) == {"usd": (0, 0), "eur": (0, 0)}
    swept = v1.balance_transactions.list({"payout": second["id"]}).data
    assert sorted(e.type for e in swept) == ["charge", "charge", "payout", "refund"]
    assert sum(e.net for e in swept) == 0
    (own,) = v1.balance_transactions.list({"payout": first["id"], "type": "payout"}).data
    assert (own.id, own.source, own.net) == (first["balance_transaction"], first["id"], -6_767)
    assert [e.source for e in v1.balance_transactions.list({"source": euros}).data] == [euros]
    assert_balance_is_the_sum(v1)


def test_what_is_not_available_yet_is_not_paid_out(books, v1):
    charge(books)
    assert pay_out_later(books, days=0) == []
    (entry,) = v1.balance_transactions.list().data
    assert (entry.status, entry.available_on) == ("pending", AT - AT % DAY + 2 * DAY)
    pay_out_later(books)
    assert v1.balance_transactions.retrieve(entry.id).status == "available"
    assert pay_out_later(books) == []


def test_a_negative_balance_waits(books, v1):
    key = charge(books, 1_000)
    pay_out_later(books)
    v1.refunds.create({"charge": key})
    assert pay_out_later(books) == []
    assert balance(v1)["usd"] == (-1_000, 0)
    charge(books, 5_000)
    (payout,) = pay_out_later(books)
    assert payout["amount"] == 5_000 - 175 - 1_000


def test_which_payout_took_an_entry_up_is_not_on_the_entry(books, http):
    charge(books)
    pay_out_later(books)
    entries = http.get("balance_transactions").json()["data"]
    assert {entry["type"] for entry in entries} == {"charge", "payout"}
    assert all("payout" not in entry for entry in entries)


def test_a_payout_is_found_by_status_and_arrival(books, v1):
    charge(books)
    (payout,) = pay_out_later(books)
    found = {"arrival_date": {"gte": payout["arrival_date"]}, "status": "in_transit"}
    assert [p.id for p in v1.payouts.list(found).data] == [payout["id"]]
    assert v1.payouts.list({"status": "paid"}).data == []
    stripe_money.land(books.store, payout["id"])
    assert v1.payouts.retrieve(payout["id"]).reconciliation_status == "completed"
    labelled = v1.payouts.update(payout["id"], {"metadata": {"bank": "ok"}})
    assert labelled.metadata["bank"] == "ok"


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"payout": "po_none"}, (404, "resource_missing", "payout")),
        ({"payout": "po_manual"}, (400, None, "payout")),
        ({"status": "available"}, (400, "parameter_unknown", "status")),
        ({"created[gte]": "x"}, (400, "parameter_invalid_integer", "created[gte]")),
    ],
)
def test_wrong_questions_for_the_balance_are_refused(books, http, params, why):
    manual = {"id": "po_manual", "automatic": False, "amount": 1, "currency": "usd"}
    books.store.put("stripe", "payout", manual)
    status, _, code, param = refusal(http.get("balance_transactions", params=params))
    assert (status, code, param) == why


def test_money_does_not_go_by_other_doors(http):
    for path in ("charges", "payouts", "disputes", "balance_transactions", "payment_intents"):
        assert http.post(path, data={"amount": "1", "currency": "usd"}).status_code == 404


# Credit notes.


@pytest.fixture
def taxed(books):
    """A finalized invoice of 300.00 less 10 %, with 19 % tax: 321.30."""
    tax = {"tax_behavior": "exclusive"}
    lines = [
        {
            "id": f"il_{n}",
            "amount": amount,
            "currency": "usd",
            "discount_amounts": [{"amount": amount // 10, "discount": "di_1"}],
            "period": {"start": AT, "end": AT + 30 * DAY},
            "quantity": n,
            "taxes": [tax | {"amount": amount * 171 // 1000, "taxable_amount": amount * 9 // 10}],
        }
        for n, amount in ((1, 10_000), (2, 20_000))
    ]
    invoice = {
        "id": "in_taxed",
        "created": AT,
        "currency": "usd",
        "customer": "cus_1",
        "lines": {"data": lines},
        "number": "NWC-1",
        "status": "open",
        "subtotal": 30_000,
        "total": 32_130,
        "total_discount_amounts": [{"amount": 3_000, "discount": "di_1"}],
        "total_taxes": [tax | {"amount": 5_130, "taxable_amount": 27_000}],
    }
    return books.store.put("stripe", "invoice", invoice)


def test_a_note_on_an_open_invoice_lowers_what_is_due(v1, taxed):
    line = {"type": "invoice_line_item", "invoice_line_item": "il_2", "quantity": 1}
    note = v1.credit_notes.create(
        {"invoice": "in_taxed", "lines": [line], "reason": "order_change", "memo": "One seat less"}
    )
    assert (note.subtotal, note.discount_amount, note.total) == (10_000, 1_000, 10_710)
    assert (note.total_taxes[0].amount, note.total_excluding_tax) == (1_710, 9_000)
    assert (note.number, note.type, note.pre_payment_amount) == (
        "NWC-1-CN-01",
        "pre_payment",
        10_710,
    )
    (credited,) = note.lines.data
    assert (credited.invoice_line_item, credited.quantity, credited.taxes[0].amount) == (
        "il_2", 1, 1_710,
    )  # fmt: skip
    invoice = v1.invoices.retrieve("in_taxed")
    assert (invoice.amount_remaining, invoice.pre_payment_credit_notes_amount) == (21_420, 10_710)
    assert (invoice.status, invoice.total) == ("open", 32_130)


def test_notes_that_leave_nothing_settle_the_invoice(v1, taxed):
    v1.credit_notes.create({"invoice": "in_taxed", "amount": 32_000})
    v1.credit_notes.create({"invoice": "in_taxed", "amount": 130})
    invoice = v1.invoices.retrieve("in_taxed")
    assert (invoice.status, invoice.amount_remaining, invoice.amount_paid) == ("paid", 0, 0)
    numbers = [note.number for note in v1.credit_notes.list({"invoice": "in_taxed"}).data]
    assert numbers == ["NWC-1-CN-02", "NWC-1-CN-01"]


def test_a_voided_note_gives_back_what_it_took(v1, taxed):
    note = v1.credit_notes.create({"invoice": "in_taxed", "amount": 10_000})
    void = v1.credit_notes.void_credit_note(note.id)
    assert (void.status, void.voided_at >= AT) == ("void", True)
    invoice = v1.invoices.retrieve("in_taxed")
    assert (invoice.amount_remaining, invoice.pre_payment_credit_notes_amount) == (32_130, 0)
    with pytest.raises(stripe.InvalidRequestError):
        v1.credit_notes.void_credit_note(note.id)


def test_a_note_on_a_paid_invoice_refunds(books, v1):
    paid = paid_invoice(books, 10_000)
    note = v1.credit_notes.create({"invoice": paid.id, "amount": 2_500, "refund_amount": 2_500})
    assert (note.type, note.post_payment_amount) == ("post_payment", 2_500)
    (link,) = note.refunds
    refund = v1.refunds.retrieve(link.refund)
    assert (refund.amount, link.amount_refunded) == (2_500, 2_500)
    assert v1.charges.retrieve(refund.charge).amount_refunded == 2_500
    invoice = v1.invoices.retrieve(paid.id)
    assert (invoice.status, invoice.post_payment_credit_notes_amount) == ("paid", 2_500)
    with pytest.raises(stripe.InvalidRequestError):
        v1.credit_notes.void_credit_note(note.id)
    assert_balance_is_the_sum(v1)


def test_a_note_can_credit_the_customer_or_name_a_refund_or_another_way(books, v1):
    paid = paid_invoice(books, 10_000)
    v1.credit_notes.create({"invoice": paid.id, "amount": 1_000, "credit_amount": 1_000})
    assert v1.customers.retrieve("cus_1").balance == -1_000
    (made,) = v1.charges.list().data
    refund = v1.refunds.create({"charge": made.id, "amount": 300})
    named = {"invoice": paid.id, "amount": 300, "refunds": [{"refund": refund.id}]}
    assert v1.credit_notes.create(named).refunds[0].refund == refund.id
    by_wire = {"invoice": paid.id, "amount": 200, "out_of_band_amount": 200}
    assert v1.credit_notes.create(by_wire).out_of_band_amount == 200


def test_a_preview_keeps_nothing(books, v1, taxed):
    before = books.count_events()
    custom = {"type": "custom_line_item", "description": "Kind", "quantity": 2, "unit_amount": 50}
    note = v1.credit_notes.preview({"invoice": "in_taxed", "lines": [custom]})
    assert (note.total, note.lines.data[0].unit_amount) == (100, 50)
    assert v1.credit_notes.list().data == []
    assert books.count_events() == before
    assert v1.invoices.retrieve("in_taxed").amount_remaining == 32_130


def test_the_lines_of_a_note_are_paged(v1, taxed):
    custom = {"type": "custom_line_item", "description": "Kind", "quantity": 1, "unit_amount": 5}
    note = v1.credit_notes.create({"invoice": "in_taxed", "lines": [custom] * 12})
    assert (len(note.lines.data), note.lines.has_more) == (10, True)
    listed = v1.credit_notes.line_items.list(note.id, {"limit": 5})
    ids = [line.id for line in listed.auto_paging_iter()]
    assert len(set(ids)) == 12


def test_a_note_keeps_all_but_its_labels(v1, http, taxed):
    note = v1.credit_notes.create({"invoice": "in_taxed", "amount": 100})
    assert v1.credit_notes.update(note.id, {"memo": "M", "metadata": {"a": "1"}}).memo == "M"
    refused = refusal(http.post(f"credit_notes/{note.id}", data={"amount": "5"}))
    assert refused == (400, "invalid_request_error", "parameter_unknown", "amount")


LINE = {"lines[0][type]": "invoice_line_item", "lines[0][invoice_line_item]": "il_1"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, ("parameter_missing", "invoice")),
        ({"invoice": "in_none", "amount": "1"}, ("resource_missing", "invoice")),
        ({"invoice": "in_taxed"}, ("parameter_missing", "amount")),
        ({"invoice": "in_taxed", "amount": "1", **LINE}, ("parameter_missing", "amount")),
        ({"invoice": "in_taxed", "amount": "32131"}, ("amount_too_large", "amount")),
        ({"invoice": "in_taxed", "amount": "0"}, ("amount_too_large", "amount")),
        ({"invoice": "in_taxed", "amount": "5", "reason": "whim"}, (None, "reason")),
        ({"invoice": "in_taxed", "amount": "5", "refund_amount": "5"}, (None, "refund_amount")),
        ({"invoice": "in_taxed", **LINE, "lines[0][amount]": "10001"}, ("amount_too_large", "lines")),
        ({"invoice": "in_taxed", **LINE, "lines[0][invoice_line_item]": "il_9"}, ("resource_missing", "lines[0][invoice_line_item]")),
        ({"invoice": "in_taxed", "lines[0][amount]": "5"}, ("parameter_missing", "lines[0][type]")),
        ({"invoice": "in_taxed", "lines[0][type]": "custom_line_item", "lines[0][quantity]": "1"}, ("parameter_missing", "lines[0][unit_amount]")),
    ],
)  # fmt: skip
def test_wrong_notes_are_refused(books, http, taxed, data, why):
    before = books.count_events()
    assert refusal(http.post("credit_notes", data=data)) == (400, "invalid_request_error", *why)
    assert books.count_events() == before


def test_only_documents_are_credited_and_a_paid_one_to_the_last_cent(books, v1):
    draft = v1.invoices.create({"customer": "cus_1"})
    void = v1.invoices.void_invoice(open_invoice(books).id)
    paid = paid_invoice(books, 1_000)
    for asked in (
        {"invoice": draft.id, "amount": 1},
        {"invoice": void.id, "amount": 1},
        {"invoice": paid.id, "amount": 500},
        {"invoice": paid.id, "amount": 500, "refund_amount": 400},
        {"invoice": paid.id, "amount": 500, "refund_amount": 300, "credit_amount": 300},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            v1.credit_notes.create(asked)
    assert v1.credit_notes.list().data == []
    assert v1.refunds.list().data == []
