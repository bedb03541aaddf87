"""A small company on real loopback servers, with Salesforce over https too, for the sandbox's tests."""

import asyncio
import socket
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import trustme

from extractors.sandbox import reference
from extractors.sandbox.credentials import issue_token
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.netsuite_auth import ASSERTION_TYPE
from extractors.sandbox.servers import connections, create_apps, server_of
from extractors.sandbox.store import Store

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STAMP = datetime(2026, 5, 1, tzinfo=UTC)
CERTIFICATES = ssl.create_default_context()  # made once: it takes longer than a request
CREATED = int(STAMP.timestamp())


@dataclass(frozen=True)
class Sandbox:
    """Addresses and secrets of the running servers, and the books behind them."""

    store: Store
    urls: dict[str, str]
    secrets: dict[str, dict[str, Any]]
    certificate: Path

    def salesforce_token(self, **changed):
        form = {
            "grant_type": "client_credentials",
            "client_id": self.secrets["salesforce"]["client_id"],
            "client_secret": self.secrets["salesforce"]["client_secret"],
        }
        return httpx.post(
            f"{self.urls['salesforce']}/services/oauth2/token", data={**form, **changed}
        )

    def salesforce(self):
        return self._client("salesforce", "/services/data/v62.0/")

    def stripe(self):
        headers = {"Authorization": f"Bearer {self.secrets['stripe']['api_key']}"}
        return httpx.Client(
            base_url=f"{self.urls['stripe']}/v1/", headers=headers, verify=CERTIFICATES
        )

    @property
    def netsuite_token_url(self):
        return f"{self.urls['netsuite']}/services/rest/auth/oauth2/v1/token"

    def assertion(self, *, algorithm="PS256", kid=None, key=None, **claims):
        known = self.secrets["netsuite"]
        now = int(time.time())
        whole = {
            "iss": known["client_id"],
            "scope": ["rest_webservices"],
            "aud": self.netsuite_token_url,
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        private = key or Path(known["private_key_path"]).read_text()
        headers = {"kid": kid or known["certificate_id"]}
        return jwt.encode(whole, private, algorithm=algorithm, headers=headers)

    def netsuite_token(self, assertion=None, **changed):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        }
        return httpx.post(self.netsuite_token_url, data={**form, **changed})

    def netsuite(self):
        return self._client("netsuite", "/services/rest/", Prefer="transient")

    def _client(self, system, path, **headers):
        """A client that is logged in already."""
        token = issue_token(self.store, system)
        return httpx.Client(
            base_url=self.urls[system] + path,
            headers={"Authorization": f"Bearer {token}", **headers},
            verify=CERTIFICATES,
        )


@pytest.fixture(scope="session")
def sandbox_store(tmp_path_factory, vendor_secrets):
    store = Store(tmp_path_factory.mktemp("sandbox") / "sandbox.db")
    store.set_meta("credentials", vendor_secrets)
    store.set_clock(NOON)
    with store.transaction():
        _fill_salesforce(store)
        _fill_stripe(store)
        _fill_netsuite(store)
    yield store
    store.close()


@pytest.fixture(scope="session")
def sandbox(sandbox_store, tmp_path_factory):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    folder = tmp_path_factory.mktemp("certificates")
    key, chain, root = (folder / name for name in ("key.pem", "chain.pem", "root.pem"))
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(root)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    apps = create_apps(sandbox_store)
    with ExitStack() as stack:
        ports = {name: stack.enter_context(serving(app)) for name, app in apps.items()}
        secure = stack.enter_context(serving(apps["salesforce"], (key, chain)))
        secrets = connections(sandbox_store, ports)
        urls = {name: secrets[name]["base_url"] for name in secrets}
        urls["salesforce_https"] = f"https://127.0.0.1:{secure}"
        yield Sandbox(sandbox_store, urls, secrets, root)


@contextmanager
def serving(app, certificate=None):
    """The port of an app that a thread serves until the end."""
    with serving_all({"it": app}, certificate) as ports:
        yield ports["it"]


@contextmanager
def serving_all(apps, certificate=None):
    """The ports of apps by name; all are told to end before the first is waited for."""
    with ExitStack() as stack:
        served = {name: _started(stack, app, certificate) for name, app in apps.items()}
        for server, thread, _ in served.values():
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.01)
        try:
            yield {name: port for name, (_, _, port) in served.items()}
        finally:
            for server, _, _ in served.values():
                server.should_exit = True


def _started(stack, app, certificate):
    server = server_of(app)
    if certificate:
        server.config.ssl_keyfile, server.config.ssl_certfile = map(str, certificate)
    # Named as TCP, or asyncio leaves Nagle's delay on: 40 ms for each answer of two pieces.
    bound = stack.enter_context(socket.socket(proto=socket.IPPROTO_TCP))
    bound.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
    thread.start()
    stack.callback(thread.join)
    stack.callback(setattr, server, "should_exit", True)
    return server, thread, bound.getsockname()[1]


def sf_record(kind, number, **values):
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), STAMP)
    return {"Id": salesforce_id(kind, number), **stamps, "IsDeleted": False, **values}


def _fill_salesforce(store):
    accounts = [
        sf_record("Account", n, Name=f"Company {n:04d}", Type="Customer", CurrencyIsoCode="USD")
        for n in range(1, 451)
    ]
    accounts[449]["IsDeleted"] = True
    store.put_many("salesforce", "Account", accounts)
    product = sf_record("Product2", 1, Name="Platform", ProductCode="PLAT", IsActive=True)
    store.put_many("salesforce", "Product2", [product])
    entries = [
        sf_record(
            "PricebookEntry",
            n,
            Product2Id=product["Id"],
            UnitPrice=price,
            CurrencyIsoCode=currency,
            IsActive=n != 3,
        )
        for n, (price, currency) in enumerate(
            [(Decimal("29.00"), "USD"), (Decimal("10.10"), "USD"), (Decimal("0.2"), "EUR")], 1
        )
    ]
    store.put_many("salesforce", "PricebookEntry", entries)
    subscription = sf_record(
        "Subscription__c",
        1,
        Account__c=accounts[0]["Id"],
        Stripe_Subscription_Id__c="sub_live",
        Status__c="Active",
    )
    store.put_many("salesforce", "Subscription__c", [subscription])


def _fill_stripe(store):
    customers = [
        {"id": f"cus_{n:03d}", "name": f"Company {n:04d}", "created": CREATED + n // 2}
        for n in range(1, 26)
    ]
    tax_ids = {"data": [{"id": "txi_1", "type": "eu_vat", "value": "DE111"}]}
    customers[0] |= {"email": "ap@one.example", "tax_ids": tax_ids, "metadata": {"a": "1"}}
    store.put_many("stripe", "customer", customers)
    store.put_many("stripe", "product", [{"id": "prod_1", "name": "Platform", "created": CREATED}])
    price = {
        "id": "price_1",
        "object": "price",
        "product": "prod_1",
        "currency": "usd",
        "unit_amount": None,
        "unit_amount_decimal": "12.5",
        "recurring": {"interval": "month", "interval_count": 1},
        "active": True,
        "created": CREATED,
    }
    store.put_many("stripe", "price", [price])
    discount = {"id": "di_1", "source": {"coupon": {"id": "co_1", "percent_off": Decimal("12.5")}}}
    items = [
        {"id": f"si_{n:02d}", "price": price, "quantity": n, "created": CREATED, "metadata": {}}
        for n in range(1, 13)
    ]
    items[0]["discounts"] = [discount]
    live = {"id": "sub_live", "customer": "cus_001", "status": "active", "created": CREATED}
    ended = {"id": "sub_ended", "customer": "cus_002", "status": "canceled", "created": CREATED}
    subscriptions = [live | {"items": {"data": items}}, ended | {"items": {"data": []}}]
    store.put_many("stripe", "subscription", subscriptions)
    lines = [{"id": f"il_{n:02d}", "amount": n, "quantity": 1} for n in range(1, 24)]
    invoice = {
        "id": "in_open",
        "customer": "cus_001",
        "status": "open",
        "currency": "usd",
        "total": 276,
        "created": CREATED,
        "lines": {"data": lines},
        "parent": {"subscription_details": {"subscription": "sub_live"}},
    }
    store.put_many("stripe", "invoice", [invoice])


def _fill_netsuite(store):
    for table, rows in reference.netsuite_rows("2026-05-01 00:00:00").items():
        store.put_many("netsuite", table, rows)
    periods = reference.accounting_periods(2026, 2026)
    closed = {"2604": {"closed": "T"}, "2605": {"arlocked": "T"}}
    store.put_many(
        "netsuite", "accountingperiod", [row | closed.get(row["id"], {}) for row in periods]
    )
    customers = [
        {
            "id": str(n),
            "entityid": f"CUST{n}",
            "companyname": f"Company {n:04d}",
            "subsidiary": "3",
            "currency": "3",
            "isinactive": "F",
            "billcountry": "DE" if n % 2 else None,
            "datecreated": STAMP,
            "lastmodifieddate": STAMP,
        }
        for n in range(1, 1206)
    ]
    store.put_many("netsuite", "customer", customers)
