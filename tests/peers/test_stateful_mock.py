"""Our Stripe target and stripe-stateful-mock, which keeps idempotency keys as the vendor does.

It has no events, so that our source cannot begin a read; what it has is lists, records and keys.
"""

import asyncio

import httpx
import pytest

from extractors.billing.stripe.config import StripeConfig
from extractors.errors import Conflict, NotFound, Unauthorized
from extractors.extract import extract_object
from extractors.protocol import WriteIntent
from extractors.raw_zone import RawZone
from extractors.registry import open_source, open_target
from tests.peers.environments import PeerMissingError
from tests.peers.servers import DAY, stateful_mock

pytestmark = pytest.mark.slow
KEY = "sk_test_peer0"
CUSTOMERS = 130


@pytest.fixture(scope="module")
def url():
    try:
        with stateful_mock() as url:
            yield url
    except PeerMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def customers(url):
    """Ids, more of them than fit on a page."""
    form, headers = {"name": "Company"}, {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(headers=headers) as http:
        made = [http.post(f"{url}/v1/customers", data=form) for _ in range(CUSTOMERS)]
    return [reply.json()["id"] for reply in made]


def use(url, work, key=KEY):
    """What `work(target)` gives."""

    async def run():
        async with open_target(StripeConfig(url, key)) as target:
            return await work(target)

    return asyncio.run(run())


def update(record_id, idempotency_key, **metadata):
    return WriteIntent(
        "update", "customer", record_id, {"metadata": metadata}, idempotency_key, "q2c"
    )


def test_all_pages_of_a_list_are_looked_up(url, customers):
    found = use(url, lambda target: target.lookup("customer"))
    assert sorted(record["id"] for record in found) == sorted(customers)


def test_a_correction_that_is_sent_twice_has_one_answer(url, customers):
    intent = update(customers[0], "peer-once", crm_account_id="001A")

    async def twice(target):
        return [await target.write(intent) for _ in range(2)], await target.read(
            "customer", customers[0]
        )

    (first, again), record = use(url, twice)
    assert first.body_excerpt == again.body_excerpt
    assert record["metadata"] == {"crm_account_id": "001A"}


def test_a_key_that_was_used_for_something_else_is_a_conflict(url, customers):
    async def clash(target):
        await target.write(update(customers[1], "peer-clash", a="1"))
        await target.write(update(customers[1], "peer-clash", a="2"))

    with pytest.raises(Conflict, match="idempotent requests"):
        use(url, clash)


def test_what_is_not_there_is_none_to_read_and_an_error_to_write(url):
    assert use(url, lambda target: target.read("customer", "cus_missing")) is None
    with pytest.raises(NotFound):
        use(url, lambda target: target.write(update("cus_missing", "peer-missing", a="1")))


def test_a_wrong_key_ends_the_work(url):
    with pytest.raises(Unauthorized, match="Invalid API Key"):
        use(url, lambda target: target.lookup("customer"), key="rk_live_wrong")


def test_a_source_without_events_is_not_read_at_all(url, tmp_path):
    """Its lists alone would do for once, and then no change would ever be seen."""

    async def read():
        async with open_source(StripeConfig(url, KEY)) as source:
            await extract_object(source, "customer", RawZone(tmp_path), DAY)

    with pytest.raises(NotFound, match="/v1/events"):
        asyncio.run(read())
