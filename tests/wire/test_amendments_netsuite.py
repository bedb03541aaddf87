"""Lines of posted invoices over the wire: changed, refused, put back, and what was earned stays."""

from decimal import Decimal

import pytest

from extractors.errors import Rejected
from extractors.protocol import WriteIntent
from reconcilers.corrections.document import amount_text
from reconcilers.state.views import list_corrections
from tests.correction_samples import plan_into
from tests.drift_samples import drift, other_total
from tests.plan_facts import context, held_field, posted_as
from tests.unit.reconcilers.test_posted_fields import held_in, in_july, item, other_account
from tests.wire.test_documents_netsuite import (
    agree,
    by_account,
    invoice,
    plan_and_approve,
    put,
    send,
    undo,
    unpaid,
)
from tests.wire.vendors import LONG_AGO

LINES = (("il_0", 7500, 1500), ("il_1", 2500, 500))


@pytest.fixture
def billed(company):
    """The company with a customer, and billing's invoice in_1 over 120.00."""
    customer = {"id": "501", "companyname": "Acme", "subsidiary": "2", "currency": "2"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO, "isinactive": "F"}
    company.store.put_many("netsuite", "customer", [{**customer, **stamps}])
    record = {
        "id": "in_1",
        "status": "open",
        "total": 12000,
        "currency": "gbp",
        "object": "invoice",
    }
    record |= {"created": int(LONG_AGO.timestamp()), "status_transitions": {"voided_at": None}}
    company.store.put("stripe", "invoice", record)
    return company


def sold(*lines):
    """Lines of (billing line, net, tax) from 12 June on, as the samples have them."""
    whole = invoice("UK-0001", tranDate="2026-06-12")
    item, tax = whole["item"]["items"][0], whole["taxDetails"]["items"][0]
    whole["item"]["items"] = [
        item
        | {
            "quantity": 1,
            "amount": amount_text(net, 2),
            "custcol_stripe_line_id": name,
            "custcol_rev_start": "2026-06-12",
            "custcol_rev_end": "2026-07-11",
            "taxDetailsReference": name,
        }
        for name, net, _ in lines
    ]
    whole["taxDetails"]["items"] = [
        tax
        | {
            "taxDetailsReference": name,
            "taxBasis": amount_text(net, 2),
            "taxAmount": amount_text(minor, 2),
        }
        for name, net, minor in lines
    ]
    return whole


def posted(company, *lines):
    """The internal id of ERP invoice in_1 with these lines, and the facts that a night reads."""
    intent = put("invoice", "in_1", sold(*lines))
    key = company.with_target("netsuite", lambda target: target.write(intent)).record_id
    row = company.with_target("netsuite", lambda target: target.lookup("transaction", id=key))[0]
    seen = {
        "transaction_id": key,
        "total": row["foreigntotal"],
        "unpaid": row["foreignamountunpaid"],
    }
    facts = posted_as(*lines, **seen)
    for line in facts["erp_copy_lines"]:
        line["transaction_id"] = key
    return key, facts


def amend(company, key, *lines):
    body = {name: sold(*lines)[name] for name in ("item", "taxDetails", "taxDetailsOverride")}
    intent = WriteIntent("update", "invoice", key, body, "key-1", "q2c_1")
    return company.with_target("netsuite", lambda target: target.write(intent))


def plans(company, key):
    """What is planned of an invoice, by line and month, and whether it is recognised."""
    return {
        (plan["sourceline"], month["periodname"]): (Decimal(month["amount"]), month["isrecognized"])
        for plan in company.store.rows("netsuite", "revenueplan", sourcetransaction=key)
        for month in company.store.rows("netsuite", "revenueplanline", revenueplan=plan["id"])
    }


def test_lines_are_put_right_although_the_answer_was_lost_and_put_back(billed, state):
    company = billed
    key, facts = posted(company, LINES[0])
    books = by_account(company)
    plan_and_approve(state, company, other_total(key), **facts)
    company.fault("netsuite", method="PATCH", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    assert unpaid(company, key) == 120
    company.next_night()
    assert by_account(company) == {"110": 120, "210": -100, "220": -20}
    row = company.store.get("netsuite", "transaction", key)
    assert (row["tranid"], row["externalid"], row["trandate"]) == ("UK-0001", "in_1", "2026-06-12")
    undo(state, company)
    assert send(state, company) == {"accepted": 1}
    company.next_night()
    assert by_account(company) == books
    assert {view.state for view in list_corrections(state)} == {"accepted", "compensated"}


def test_what_is_recognised_stays_and_the_next_month_takes_the_difference(billed):
    company = billed
    key, _ = posted(company, LINES[0])
    june = company.store.rows("netsuite", "revenueplanline", periodname="2026-06")
    company.store.put_many(
        "netsuite", "revenueplanline", [m | {"isrecognized": "T", "journal": "9"} for m in june]
    )
    amend(company, key, ("il_0", 5000, 1000), LINES[1])
    assert plans(company, key) == {
        ("1", "2026-06"): (Decimal("47.5"), "T"),
        ("1", "2026-07"): (Decimal("2.5"), "F"),
        ("2", "2026-06"): (Decimal("15.83"), "F"),
        ("2", "2026-07"): (Decimal("9.17"), "F"),
    }
    amend(company, key, LINES[1], LINES[0])
    assert plans(company, key) == {
        ("1", "2026-06"): (Decimal("15.83"), "F"),
        ("1", "2026-07"): (Decimal("9.17"), "F"),
        ("2", "2026-06"): (Decimal("47.5"), "T"),
        ("2", "2026-07"): (Decimal("27.5"), "F"),
    }
    amend(company, key, LINES[1])  # what was recognised of a line that goes is taken back
    assert plans(company, key)["2", "2026-07"] == (Decimal("-47.5"), "F")


def test_what_is_closed_or_settled_keeps_its_amounts(billed):
    company = billed
    key, _ = posted(company, LINES[0])
    company.store.put("netsuite", "transaction", {"id": key, "foreignamountunpaid": "10"})
    with pytest.raises(Rejected, match="payments applied"):
        amend(company, key, *LINES)
    amend(company, key, ("il_0", 4500, 900), ("il_1", 3000, 600))
    assert unpaid(company, key) == 10
    company.store.put("netsuite", "accountingperiod", {"id": "2606", "arlocked": "T"})
    with pytest.raises(Rejected, match="closed or locked"):
        amend(company, key, LINES[0])


def test_a_document_is_moved_to_its_month_and_an_item_to_its_account_and_back(billed, state):
    company = billed
    key, _ = posted(company, *LINES)
    company.store.put("netsuite", "transaction", {"id": key, "postingperiod": "2607"})
    company.store.put("netsuite", "item", {"id": "201", "incomeaccount": "220"})
    moved = in_july() | {"owner_id": key}
    held = [held_field(("netsuite", key), "posting", "period", "2607", period_id="2607")]
    held += [dated(company, key), *item()["held_fields"]]
    facts = held_in() | {"held_fields": held}
    plan_into(state, drift(moved, other_account()), context(**facts), company.store.now())
    agree(state, company)

    def seen():
        document = company.store.get("netsuite", "transaction", key)
        return document["postingperiod"], company.store.get("netsuite", "item", "201")[
            "incomeaccount"
        ]

    assert send(state, company) == {"accepted": 2}
    assert seen() == ("2606", "400")
    undo(state, company)
    assert send(state, company) == {"accepted": 2}
    assert seen() == ("2607", "220")


def dated(company, key):
    date = company.store.get("netsuite", "transaction", key)["trandate"]
    return held_field(("netsuite", key), "posting", "date", date, period_id="2607")


def test_a_document_whose_date_was_put_right_meanwhile_stays_in_its_month(billed, state):
    company = billed
    key, _ = posted(company, *LINES)
    company.store.put("netsuite", "transaction", {"id": key, "postingperiod": "2607"})
    held = [held_field(("netsuite", key), "posting", "period", "2607", period_id="2607")]
    held += [dated(company, key)]
    row = in_july() | {"owner_id": key}
    plan_and_approve(state, company, row, **held_in() | {"held_fields": held})
    company.store.put("netsuite", "transaction", {"id": key, "trandate": "2026-07-02"})
    assert send(state, company) == {"superseded": 1}
    assert company.store.get("netsuite", "transaction", key)["postingperiod"] == "2607"


def test_nothing_is_moved_into_a_month_that_closed_meanwhile(billed, state):
    company = billed
    key, _ = posted(company, *LINES)
    company.store.put("netsuite", "transaction", {"id": key, "postingperiod": "2607"})
    held = [held_field(("netsuite", key), "posting", "period", "2607", period_id="2607")]
    row = in_july() | {"owner_id": key}
    plan_and_approve(state, company, row, **held_in() | {"held_fields": held})
    company.store.put("netsuite", "accountingperiod", {"id": "2606", "closed": "T"})
    assert send(state, company) == {"refused": 1}
    body = {"postingPeriod": {"id": "2606"}}
    intent = WriteIntent("update", "invoice", key, body, "key-1", "q2c_1")
    with pytest.raises(Rejected, match="closed or locked"):
        company.with_target("netsuite", lambda target: target.write(intent))
