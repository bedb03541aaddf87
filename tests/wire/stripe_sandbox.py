"""A Stripe account of its own for each test: a few objects, a server, the vendor's client."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import stripe

from extractors.sandbox.store import Store
from extractors.sandbox.stripe import StripeServer
from extractors.sandbox.wire import Wire
from tests.wire.sandbox import CERTIFICATES, serving

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = int(NOON.timestamp())
DAY = 86_400
MONTH = 30 * DAY
OLD = "2022-11-15"


@dataclass
class Account:
    """The account's books, its address and its key."""

    store: Store
    url: str
    key: str

    def client(self, key=None, **options):
        options = {"max_network_retries": 0, **options}
        return stripe.StripeClient(key or self.key, base_addresses={"api": self.url}, **options)

    @property
    def v1(self):
        """The vendor's client, as most calls want it."""
        return self.client().v1

    def http(self, key=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Client(
            base_url=f"{self.url}/v1/",
            headers={"Authorization": f"Bearer {key or self.key}", **named},
            verify=CERTIFICATES,
        )

    def events(self, since=0):
        """Types of the events since the `since`th, oldest first."""
        return [event["type"] for event in self.store.rows("stripe", "event")][since:]

    def count_events(self):
        return len(self.store.rows("stripe", "event"))


@contextmanager
def account(home, secrets):
    store = Store(home / "sandbox.db")
    store.set_meta("credentials", secrets)
    store.set_clock(NOON)
    fill(store)
    app = Wire(StripeServer(store).app(), store, "stripe")
    with serving(app) as port:
        yield Account(store, f"http://127.0.0.1:{port}", secrets["stripe"]["api_key"])
    store.close()


def fill(store):
    """A customer with a monthly subscription of two items, halfway through its period."""
    with store.transaction():
        customers = [
            {"id": f"cus_{n}", "name": f"Company {n}", "email": f"ap@c{n}.example"}
            | {"currency": "usd", "created": AT - 90 * DAY + n}
            for n in range(1, 4)
        ]
        customers[0]["tax_ids"] = {"data": [{"id": "txi_1", "type": "eu_vat", "value": "DE123"}]}
        store.put_many("stripe", "customer", customers)
        product = {"id": "prod_1", "name": "Platform", "created": AT - 100 * DAY}
        store.put_many("stripe", "product", [product])
        prices = [price("price_1", 1000), price("price_2", 3000)]
        store.put_many("stripe", "price", prices)
        store.put_many("stripe", "subscription", [subscription(prices)])


def price(key, amount):
    return {
        "id": key,
        "created": AT - 100 * DAY,
        "currency": "usd",
        "product": "prod_1",
        "recurring": {"interval": "month"},
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def subscription(prices, **fields):
    items = [
        {
            "id": f"si_{n}",
            "created": AT - 45 * DAY,
            "current_period_start": AT - MONTH // 2,
            "current_period_end": AT + MONTH // 2,
            "metadata": {},
            "price": {"object": "price", **one},
            "quantity": 10 * n,
        }
        for n, one in enumerate(prices, 1)
    ]
    return {
        "id": "sub_1",
        "collection_method": "send_invoice",
        "created": AT - 45 * DAY,
        "currency": "usd",
        "customer": "cus_1",
        "days_until_due": 30,
        "items": {"data": items},
        "start_date": AT - 45 * DAY,
        "status": "active",
        **fields,
    }


def count(store, *units, at, customer="cus_1"):
    """Meter mtr_1 counts these units of a customer, at an instant (unix seconds)."""
    meter = {"id": "mtr_1", "display_name": "Calls", "event_name": "calls", "created": AT}
    formula = {"default_aggregation": {"formula": "sum"}}
    store.put_many("stripe", "billing.meter", [meter | formula])
    told = {"event_name": "calls", "customer": customer, "timestamp": at, "created": AT}
    events = [
        {**told, "payload": {"stripe_customer_id": customer, "value": str(each)}} for each in units
    ]
    known = len(store.rows("stripe", "billing.meter_event"))
    named = [
        {**event, "id": f"evt_{n}", "identifier": f"use-{n}"}
        for n, event in enumerate(events, known)
    ]
    store.put_many("stripe", "billing.meter_event", named)


def open_invoice(client, amount=10_000, customer="cus_1", **fields):
    """A finalized invoice of one line."""
    draft = client.v1.invoices.create({"customer": customer, **fields})
    item = {"customer": customer, "invoice": draft.id, "amount": amount, "currency": "usd"}
    client.v1.invoice_items.create({**item, "description": "Consulting"})
    return client.v1.invoices.finalize_invoice(draft.id)


def paid_invoice(client, amount=10_000, **fields):
    return client.v1.invoices.pay(open_invoice(client, amount, **fields).id)


def refusal(response):
    body = response.json()["error"]
    return response.status_code, body["type"], body.get("code"), body.get("param")
