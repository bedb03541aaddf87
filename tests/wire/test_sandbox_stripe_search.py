"""The sandbox's Stripe searches: the query language, its pages, and that they lag."""

from datetime import timedelta

import pytest
import stripe

from extractors.sandbox.stripe_search import LAG
from tests.wire.stripe_sandbox import AT, account, open_invoice, refusal


@pytest.fixture(scope="module")
def books(tmp_path_factory, vendor_secrets):
    with account(tmp_path_factory.mktemp("search"), vendor_secrets) as books:
        named = [("Northwind Ltd", "a"), ("North Sea GmbH", "b"), ('Say "Cheese"', None)]
        customers = [
            {"id": f"cus_x{n}", "name": name, "created": AT + n, "email": f"x{n}@north.example"}
            | {"metadata": {"crm_id": key} if key else {}}
            for n, (name, key) in enumerate(named)
        ]
        books.store.put_many("stripe", "customer", customers)
        open_invoice(books, 500)
        open_invoice(books, 900, customer="cus_2", metadata={"run": "7"})
        yield books


@pytest.fixture
def http(books):
    with books.http() as http:
        yield http


def found(http, resource, query, **params):
    answer = http.get(f"{resource}/search", params={"query": query, **params})
    assert answer.is_success, answer.text
    return [one["id"] for one in answer.json()["data"]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ('name:"Northwind Ltd"', ["cus_x0"]),
        ("name:'northwind ltd'", ["cus_x0"]),
        ('name~"north"', ["cus_x1", "cus_x0"]),
        ('name~"north" AND metadata["crm_id"]:"b"', ["cus_x1"]),
        ("metadata['crm_id']:'a' OR metadata['crm_id']:'b'", ["cus_x1", "cus_x0"]),
        ('name~"north" -metadata["crm_id"]:"b"', ["cus_x0"]),
        ('email~"@north" and -metadata["crm_id"]:null', ["cus_x1", "cus_x0"]),
        ('email~"@north" AND metadata["crm_id"]:null', ["cus_x2"]),
        (f"created>{AT} AND created<={AT + 1}", ["cus_x1"]),
        (f'created:"{AT}"', ["cus_x0"]),
        (r'name:"Say \"Cheese\""', ["cus_x2"]),
        ('name:"Nobody"', []),
    ],
)
def test_queries_find(http, query, ids):
    assert found(http, "customers", query) == ids


def test_every_resource_is_searched_by_its_own_fields(http, books):
    (invoice,) = found(http, "invoices", 'total>500 AND status:"open" AND currency:"usd"')
    assert found(http, "invoices", 'metadata["run"]:"7" AND customer:"cus_2"') == [invoice]
    assert found(http, "subscriptions", 'status:"active"') == ["sub_1"]
    assert found(http, "prices", 'active:"true" AND product:"prod_1" AND type:"recurring"') == [
        "price_2", "price_1",
    ]  # fmt: skip
    assert found(http, "prices", 'active:"false"') == []
    assert found(http, "products", 'name~"plat"') == ["prod_1"]
    assert found(http, "charges", "amount>0") == []
    assert found(http, "payment_intents", "amount>0") == []


def test_the_client_pages_through_what_is_found(books):
    page = books.v1.customers.search({"query": "created>0", "limit": 2})
    assert (page.has_more, len(page.data)) == (True, 2)
    assert len({customer.id for customer in page.auto_paging_iter()}) == 6
    last = books.v1.customers.search({"query": "created>0", "limit": 6})
    assert (last.has_more, last.next_page) == (False, None)


def test_what_is_found_can_be_expanded(books):
    expand = {"query": 'name:"Company 1"', "expand": ["data.tax_ids"]}
    (customer,) = books.v1.customers.search(expand).data
    assert customer.tax_ids.data[0].value == "DE123"


def test_what_was_just_written_is_not_found_yet(books, http):
    books.store.set_meta(LAG, 60)
    try:
        made = books.v1.customers.create({"name": "Fresh Start"})
        assert found(http, "customers", 'name:"Fresh Start"') == []
        assert made.id in [c.id for c in books.v1.customers.list().data]
        books.store.advance_clock(timedelta(seconds=61))
        assert found(http, "customers", 'name:"Fresh Start"') == [made.id]
        books.v1.customers.delete(made.id)
        assert found(http, "customers", 'name:"Fresh Start"') == []
    finally:
        books.store.set_meta(LAG, None)


@pytest.mark.parametrize(
    ("resource", "params", "param"),
    [
        ("customers", {}, "query"),
        ("customers", {"query": ""}, "query"),
        ("customers", {"query": "just words"}, "query"),
        ("customers", {"query": 'name:"open'}, "query"),
        ("customers", {"query": 'shoe:"42"'}, "query"),
        ("customers", {"query": 'total:"42"'}, "query"),
        ("customers", {"query": 'name>"A"'}, "query"),
        ("customers", {"query": 'name~"no"'}, "query"),
        ("customers", {"query": "created:soon"}, "query"),
        ("customers", {"query": 'name~"abc" AND name~"def" OR name~"ghi"'}, "query"),
        ("customers", {"query": " AND ".join(["created>0"] * 11)}, "query"),
        ("customers", {"query": "created>0", "page": "!!"}, "page"),
        ("customers", {"query": "created>0", "limit": "101"}, "limit"),
        ("customers", {"query": "created>0", "starting_after": "cus_1"}, "starting_after"),
        ("customers", {"query": "created>0", "expand[]": "data.nope"}, "expand"),
        ("invoices", {"query": 'email:"a"'}, "query"),
    ],
)
def test_wrong_queries_are_refused(http, resource, params, param):
    answer = http.get(f"{resource}/search", params=params)
    assert refusal(answer)[::3] == (400, param)
    assert refusal(answer)[1] == "invalid_request_error"


def test_an_unknown_field_is_named_with_where_to_read(books):
    with pytest.raises(stripe.InvalidRequestError, match="`shoe` is an unsupported search field"):
        books.v1.customers.search({"query": 'shoe:"42"'})


@pytest.mark.parametrize("resource", ["refunds", "events", "balance_transactions", "unicorns"])
def test_what_cannot_be_searched_is_refused(http, resource):
    answer = http.get(f"{resource}/search", params={"query": "created>0"})
    assert refusal(answer)[:2] == (404, "invalid_request_error")
