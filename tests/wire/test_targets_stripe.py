"""Corrections of Stripe over the wire: updates under an idempotency key."""

import pytest

from extractors.errors import Conflict, Rejected, Unauthorized
from extractors.protocol import WriteIntent
from tests.wire.vendors import LONG_AGO


@pytest.fixture
def customers(vendors):
    created = int(LONG_AGO.timestamp())
    for number in range(120):
        record = {"id": f"cus_{number}", "name": "A", "email": "a@b.c", "created": created + number}
        vendors.store.put_many("stripe", "customer", [{**record, "metadata": {"channel": "x"}}])
    return vendors


def update(body, key="key-1", record_id="cus_1"):
    return WriteIntent("update", "customer", record_id, body, key, "q2c_1")


LINK = {"metadata": {"crm_account_id": "001"}}


def test_an_update_of_metadata_leaves_the_rest_alone(customers):
    async def use(target):
        receipt = await target.write(update(LINK))
        return receipt, await target.read("customer", "cus_1")

    receipt, record = customers.with_target("stripe", use)
    assert (receipt.record_id, receipt.status) == ("cus_1", 200)
    assert receipt.request_id.startswith("req_")
    assert record["metadata"] == {"channel": "x", "crm_account_id": "001"}


@pytest.mark.parametrize("fault", [{"lose_answer": True}, {"status": 503}, {"status": 429}])
def test_a_write_whose_answer_is_lost_is_sent_again_and_takes_effect_once(
    customers, impatient, fault
):
    customers.fault("stripe", method="POST", **fault)
    customers.with_target("stripe", lambda target: target.write(update(LINK)))
    events = [
        event
        for event in customers.store.rows("stripe", "event")
        if event["data"]["object"]["id"] == "cus_1"
    ]
    assert len(events) == 1


def test_a_key_used_for_something_else_is_a_conflict(customers):
    async def use(target):
        await target.write(update(LINK))
        with pytest.raises(Conflict):
            await target.write(update({"metadata": {"crm_account_id": "002"}}))

    customers.with_target("stripe", use)


def test_lookups_page_to_their_end(customers):
    found = customers.with_target("stripe", lambda target: target.lookup("customer", email="a@b.c"))
    assert len({record["id"] for record in found}) == 120


def test_what_does_not_exist_or_is_deleted_is_none(customers):
    customers.store.delete("stripe", "customer", "cus_2")

    async def use(target):
        return await target.read("customer", "cus_x"), await target.find("customer", "cus_2")

    assert customers.with_target("stripe", use) == (None, None)


def test_upserts_and_undeclared_objects_are_refused_before_anything_is_sent(customers):
    upsert = WriteIntent("upsert", "customer", "cus_1", {}, "key-1", "q2c_1")
    with pytest.raises(Rejected, match="only update by id"):
        customers.with_target("stripe", lambda target: target.write(upsert))
    with pytest.raises(Rejected, match="not declared"):
        customers.with_target("stripe", lambda target: target.read("review", "1"))


def test_a_wrong_key_is_unauthorized(customers):
    customers.settings["stripe"]["api_key"] = "rk_wrong"
    with pytest.raises(Unauthorized):
        customers.with_target("stripe", lambda target: target.write(update(LINK)))
