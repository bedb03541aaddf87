"""Our Stripe connector and localstripe, a stateful Stripe that others wrote.

It knows an older API and a part of it. What it serves in our shapes lands; what it lacks, refuses
or serves in the shapes of other years ends in an error that says so, never in missing rows.
"""

import asyncio
import time

import httpx
import polars as pl
import pytest

from extractors.billing.stripe.config import StripeConfig
from extractors.errors import ContractBroken, NotFound, Rejected
from extractors.extract import extract_object
from extractors.manifest import ROWS_FILE
from extractors.protocol import WriteIntent
from extractors.raw_zone import RawZone
from extractors.registry import open_source, open_target
from tests.peers.servers import DAY, localstripe

pytestmark = pytest.mark.slow
KEY = "sk_test_peer0"
CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2030", "cvc": "123"}


class Peer:
    """Its address, and the ids in its books."""

    def __init__(self, url):
        self.url = url
        self.http = httpx.Client(base_url=f"{url}/v1/", headers={"Authorization": f"Bearer {KEY}"})
        self.made = {}

    def make(self, path, **form):
        reply = self.http.post(path, data=form)
        assert reply.status_code == httpx.codes.OK, reply.text
        self.made.setdefault(reply.json()["object"], []).append(reply.json()["id"])
        return reply.json()["id"]

    def land(self, name, folder):
        """(manifest, rows) of an extraction of one object."""

        async def run():
            async with open_source(StripeConfig(self.url, KEY)) as source:
                return await extract_object(source, name, RawZone(folder), DAY)

        manifest = asyncio.run(run())
        return manifest, pl.read_parquet(RawZone(folder).folder("stripe", name, DAY) / ROWS_FILE)


def fill(peer, customers):
    """Customers of whom the last one pays: once by a subscription, once by a charge, half refunded."""
    for number in range(customers):
        customer = peer.make("customers", name=f"Company {number}", email=f"{number}@peer.example")
    product = peer.make("products", name="Platform", type="service")
    token = peer.make("tokens", **{f"card[{name}]": value for name, value in CARD.items()})
    peer.make(f"customers/{customer}/sources", source=token)
    plan = {"amount": "2500", "currency": "usd", "interval": "month", "product": product}
    peer.make("plans", id="pro", **plan)
    peer.make("subscriptions", customer=customer, **{"items[0][plan]": "pro"})
    charge = peer.make("charges", amount="1000", currency="usd", customer=customer)
    peer.make("refunds", charge=charge, amount="500")


@pytest.fixture(scope="module")
def peer(clients):
    with localstripe() as url:
        peer = Peer(url)
        fill(peer, customers=3)
        yield peer


@pytest.mark.parametrize(("name", "count"), [("customer", 3), ("product", 1), ("refund", 1)])
def test_what_it_serves_lands(peer, tmp_path, name, count):
    manifest, rows = peer.land(name, tmp_path)
    assert (manifest.landed, manifest.quarantined) == (count, 0)
    assert set(rows["id"]) == set(peer.made[name])


def test_charges_land_with_those_of_subscriptions(peer, tmp_path):
    _, rows = peer.land("charge", tmp_path)
    assert sorted(rows["amount"]) == [1000, 2500]
    assert set(peer.made["charge"]) < set(rows["id"])


@pytest.mark.parametrize("name", ["coupon", "payout"])
def test_an_empty_list_is_no_error(peer, tmp_path, name):
    manifest, _ = peer.land(name, tmp_path)
    assert manifest.landed == 0


@pytest.mark.parametrize(
    "name", ["price", "credit_note", "dispute", "invoice_payment", "subscription_schedule"]
)
def test_an_endpoint_that_it_lacks_is_named(peer, tmp_path, name):
    with pytest.raises(NotFound, match=rf"GET /v1/{name}s was answered 404"):
        peer.land(name, tmp_path)


def test_an_expansion_that_it_does_not_know_is_named(peer, tmp_path):
    with pytest.raises(Rejected, match="Bad expand 'discounts'"):
        peer.land("subscription", tmp_path)


def test_the_shape_of_another_year_is_told_from_ours(peer, tmp_path):
    """Its invoices have no `total_taxes`: rows of nulls would be worse than an error."""
    with pytest.raises(ContractBroken, match="has the shape of another version"):
        peer.land("invoice", tmp_path)


def test_a_balance_of_another_shape_is_told_from_ours(peer, tmp_path):
    with pytest.raises(ContractBroken, match="of the balance is not a list of amounts"):
        peer.land("balance_transaction", tmp_path)


def test_a_list_that_cannot_be_cut_by_creation_is_not_read_in_part(clients, tmp_path):
    """More than a page over more than a second is cut into windows, for which it has no filter."""
    with localstripe() as url:
        peer = Peer(url)
        for number in range(101):
            if number == 1:
                time.sleep(1)
            peer.make("customers", name=f"Company {number}")
        with pytest.raises(Rejected, match="Unexpected created"):
            peer.land("customer", tmp_path)
        assert not RawZone(tmp_path).days("stripe", "customer")


def test_a_correction_is_written_and_read_back(peer):
    key = peer.made["customer"][0]
    intent = WriteIntent(
        operation="update",
        object="customer",
        record_id=key,
        body={"metadata": {"crm_account_id": "001A"}},
        idempotency_key="peer-1",
        correlation_id="peer",
    )

    async def correct():
        async with open_target(StripeConfig(peer.url, KEY)) as target:
            receipt = await target.write(intent)
            return receipt, await target.read("customer", key)

    receipt, record = asyncio.run(correct())
    assert receipt.status == httpx.codes.OK
    assert record["metadata"] == {"crm_account_id": "001A"}
