"""Pages of the sandbox's Stripe are made by joining texts: no benchmark waits for its server."""

import time

import pytest

from extractors.sandbox import documents
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_caller import Caller
from extractors.sandbox.stripe_eras import PINNED
from extractors.sandbox.stripe_lists import list_page

PAGES = 250


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "sandbox.db")
    made = ({"id": f"cus_{n:06d}", "name": f"Company {n}", "created": n} for n in range(2_000))
    store.put_many("stripe", "customer", made)
    yield store
    store.close()


def test_250_pages_of_100_take_less_than_a_second(store):
    caller = Caller(store, PINNED, "key", None)
    began = time.process_time()
    after, seen = {}, 0
    for _ in range(PAGES):
        page = list_page(caller, "customer", {"limit": "100", **after}, "/v1/customers")
        last = page.rindex(b'"id":"cus_') + 6
        after = {"starting_after": page[last : last + 10].decode()} if seen % 1900 else {}
        seen += 100
    assert time.process_time() - began < 1


def test_what_a_page_joins_is_what_it_would_render(store):
    store.put("stripe", "customer", {"id": "cus_000001", "tax_ids": {"data": [{"id": "txi_1"}]}})
    caller = Caller(store, PINNED, "key", None)
    page = documents.load(list_page(caller, "customer", {"limit": "100"}, "/v1/c").decode())
    for shown in page["data"]:
        kept = store.get("stripe", "customer", shown["id"])
        assert shown == caller.sent("customer", kept, {})
