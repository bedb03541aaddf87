"""Catch-up journals of revenue plans over the wire: posted once, stopped by change, and undone."""

from decimal import Decimal

import pytest

from tests.revenue_samples import MONTHS, other_amount
from tests.wire.test_documents_netsuite import (
    by_account,
    plan_and_approve,
    post,
    put,
    send,
    undo,
)
from tests.wire.test_documents_netsuite import invoice as body_of


@pytest.fixture
def run(company):
    """An invoice of which a run recognised June, by 10.00 too little; what a plan is told of it."""
    customer = {"id": "501", "companyname": "Acme", "subsidiary": "2", "currency": "2"}
    stamps = {"datecreated": "2026-01-01", "lastmodifieddate": "2026-01-01", "isinactive": "F"}
    company.store.put_many("netsuite", "customer", [{**customer, **stamps}])
    intent = put("invoice", "in_2", body_of())
    sold = company.with_target("netsuite", lambda target: target.write(intent)).record_id
    journal = post(company, "run_06")
    plan = company.store.rows("netsuite", "revenueplan", sourcetransaction=sold)[0]["id"]
    line = company.store.rows("netsuite", "revenueplanline", revenueplan=plan)[0]
    recognised = line | {"isrecognized": "T", "journal": journal}
    company.store.put_many("netsuite", "revenueplanline", [recognised])
    seen = company.with_target(
        "netsuite", lambda target: target.lookup("revenueplanline", id=line["id"])
    )
    of_plan = {"plan_id": plan, "period": "2026-06"}
    facts = {
        "revenue_months": [MONTHS[0] | of_plan | {"document_id": sold}],
        "revenue_lines": [
            of_plan
            | {"line_id": line["id"], "amount": seen[0]["amount"], "run_id": journal}
            | {"is_recognised": "T"}
        ],
    }
    return company, plan, line["id"], facts


def test_a_plan_is_caught_up_once_although_the_answer_was_lost_and_back_again(run, state):
    company, plan, _, facts = run
    plan_and_approve(state, company, other_amount(replica_id=plan), **facts)
    company.fault("netsuite", method="PUT", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    (made,) = company.store.rows(
        "netsuite", "transaction", externalid=f"catchup_{plan}_total_2026-06"
    )
    assert by_account(company, made["id"]) == {"210": Decimal(10), "400": Decimal(-10)}
    lines = company.store.rows("netsuite", "transactionline", transaction=made["id"])
    assert {(line["memo"], line["class"]) for line in lines} == {(f"{plan}|2026-06", "4")}
    undo(state, company)
    assert send(state, company) == {"accepted": 1}
    company.next_night()
    (undone,) = company.store.rows("netsuite", "transaction", externalid=f"reversal_{made['id']}")
    assert by_account(company, made["id"], undone["id"]) == {}


def test_a_plan_that_was_changed_meanwhile_is_not_caught_up(run, state):
    company, plan, line_id, facts = run
    plan_and_approve(state, company, other_amount(replica_id=plan), **facts)
    line = company.store.get("netsuite", "revenueplanline", line_id)
    company.store.put_many("netsuite", "revenueplanline", [line | {"amount": "1.00"}])
    assert send(state, company) == {"superseded": 1}
    assert (
        company.store.rows("netsuite", "transaction", externalid=f"catchup_{plan}_total_2026-06")
        == []
    )
