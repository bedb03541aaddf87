"""Who is let into the sandbox's Stripe, under which key, to which account, and what errors say."""

import threading

import httpx
import pytest
import stripe

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_caller import ACCOUNT, CONNECTED, RESTRICTED_KEYS
from extractors.sandbox.stripe_trouble import EXECUTION_SECONDS, TROUBLE
from tests.wire.stripe_sandbox import AT, account, open_invoice, refusal

OTHER = "acct_other"
NARROW = "rk_live_narrow000000000000"


@pytest.fixture
def books(tmp_path, vendor_secrets):
    with account(tmp_path, vendor_secrets) as books:
        yield books


@pytest.fixture
def narrow(books):
    """A key that may read customers and write products."""
    books.store.set_meta(RESTRICTED_KEYS, {NARROW: {"customer": "read", "product": "write"}})
    return books.client(NARROW)


@pytest.fixture
def other(books):
    """The books of a connected account with one customer."""
    books.store.set_meta(CONNECTED, [OTHER])
    store = Store(books.store.path, OTHER)
    store.put_many("stripe", "customer", [{"id": "cus_other", "name": "Other", "created": AT}])
    yield store
    store.close()


# Keys.


def test_a_restricted_key_reads_and_writes_what_it_may(narrow):
    assert narrow.v1.customers.retrieve("cus_1").name == "Company 1"
    assert narrow.v1.products.create({"name": "Mine"}).name == "Mine"
    assert narrow.v1.products.list().data


LACKED = {
    "invoices": (lambda c: c.v1.invoices.list(), "invoice_read"),
    "an update": (lambda c: c.v1.customers.update("cus_1", {"name": "x"}), "customer_write"),
    "prices": (lambda c: c.v1.prices.list(), "plan_read"),
    "a refund": (lambda c: c.v1.refunds.create({"charge": "ch_1"}), "charge_write"),
    "the balance": (lambda c: c.v1.balance.retrieve(), "balance_read"),
    "its entries": (lambda c: c.v1.balance_transactions.list(), "balance_read"),
    "a search": (lambda c: c.v1.customers.search({"query": "created>0"}), None),
    "another search": (lambda c: c.v1.charges.search({"query": "created>0"}), "charge_read"),
    "items": (
        lambda c: c.v1.subscription_items.list({"subscription": "sub_1"}),
        "subscription_read",
    ),
    "events": (lambda c: c.v1.events.list(), "event_read"),
    "what is expanded": (
        lambda c: c.v1.customers.list({"expand": ["data.subscriptions"]}),
        "subscription_read",
    ),
    "parts": (lambda c: c.v1.customers.list({"expand": ["data.tax_ids"]}), None),
}
"""What is asked of a key that may read customers -> the permission that it lacks, if any."""


@pytest.mark.parametrize("asked", LACKED)
def test_a_restricted_key_is_told_which_permission_it_lacks(narrow, asked):
    call, permission = LACKED[asked]
    if permission is None:
        assert call(narrow).data
        return
    with pytest.raises(stripe.PermissionError) as caught:
        call(narrow)
    message = caught.value.user_message
    assert caught.value.http_status == 403
    assert caught.value.error.type == "invalid_request_error"
    assert f"Having the 'rak_{permission}' permission would allow this request" in message
    assert NARROW not in message


def test_a_refusal_for_want_of_permission_changes_nothing(books, narrow):
    before = books.count_events()
    with pytest.raises(stripe.PermissionError):
        narrow.v1.customers.delete("cus_1")
    assert books.count_events() == before
    assert books.store.get("stripe", "customer", "cus_1")["name"] == "Company 1"


@pytest.mark.parametrize("authorization", [None, "Bearer rk_live_wrong", "Basic abc", "Bearer"])
def test_without_a_known_key_nothing_is_told(books, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(f"{books.url}/v1/customers", headers=headers)
    body = answer.json()["error"]
    assert (answer.status_code, body["type"]) == (401, "invalid_request_error")
    assert body.keys() == {"type", "message"}
    assert "wrong" not in body["message"]


def test_the_key_may_be_the_user_of_basic_authorization(books):
    url = f"{books.url}/v1/customers"
    assert httpx.get(url, auth=(books.key, "")).is_success
    assert httpx.get(url, auth=("rk_live_wrong", books.key)).status_code == 401


# Accounts.


def test_a_connected_account_has_books_of_its_own(books, other):
    client = books.client()
    mine = [c.id for c in client.v1.customers.list().data]
    theirs = client.v1.customers.list(options={"stripe_account": OTHER}).data
    assert [c.id for c in theirs] == ["cus_other"]
    assert mine == ["cus_3", "cus_2", "cus_1"]
    made = client.v1.products.create({"name": "Theirs"}, {"stripe_account": OTHER})
    assert other.get("stripe", "product", made.id)["name"] == "Theirs"
    assert books.store.get("stripe", "product", made.id) is None
    types = [e.type for e in client.v1.events.list(options={"stripe_account": OTHER}).data]
    assert types == ["product.created"]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.retrieve("cus_1", options={"stripe_account": OTHER})


def test_the_own_account_may_be_named(books):
    client = books.client()
    named = client.v1.customers.list(options={"stripe_account": ACCOUNT}).data
    assert [c.id for c in named] == ["cus_3", "cus_2", "cus_1"]
    assert client.v1.accounts.retrieve_current().id == ACCOUNT
    settings = client.v1.accounts.retrieve(ACCOUNT).settings
    assert settings.dashboard.display_name == "Northwind Cloud"


def test_connected_accounts_are_listed(books, other):
    assert [a.id for a in books.client().v1.accounts.list().data] == [OTHER]


def test_an_unknown_account_is_refused(books):
    with pytest.raises(stripe.PermissionError) as caught:
        books.client().v1.customers.list(options={"stripe_account": "acct_nobody"})
    assert (caught.value.http_status, caught.value.error.code) == (403, "account_invalid")
    assert "does not have access to account 'acct_nobody'" in caught.value.user_message


def test_a_key_counts_for_its_account_only(books, other):
    client = books.client()
    first = client.v1.products.create({"name": "A"}, {"idempotency_key": "k"})
    options = {"idempotency_key": "k", "stripe_account": OTHER}
    assert client.v1.products.create({"name": "B"}, options).id != first.id


# Idempotency.


def post(books, path, data, **headers):
    with books.http(**headers) as http:
        return http.post(path, data=data)


def test_the_first_answer_is_given_again_with_the_id_of_its_request(books):
    first = post(books, "products", {"name": "Once"}, Idempotency_Key="k")
    again = post(books, "products", {"name": "Once"}, Idempotency_Key="k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["request-id"] != first.headers["request-id"]
    assert again.headers["original-request"] == first.headers["request-id"]
    assert again.headers["idempotency-key"] == "k"
    assert len(books.store.rows("stripe", "product")) == 2


def test_the_order_of_parameters_does_not_matter(books):
    first = post(books, "products", {"name": "A", "url": "u"}, Idempotency_Key="k")
    again = post(books, "products", {"url": "u", "name": "A"}, Idempotency_Key="k")
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("products", {"name": "Other"}, "same parameters they were first used with"),
        ("customers", {"name": "Once"}, "same endpoint they were first used for"),
    ],
)
def test_a_key_used_for_something_else_is_refused(books, path, data, words):
    post(books, "products", {"name": "Once"}, Idempotency_Key="k")
    answer = post(books, path, data, Idempotency_Key="k")
    assert refusal(answer) == (400, "idempotency_error", None, None)
    assert words in answer.json()["error"]["message"]


def test_a_failure_is_remembered_under_its_key(books):
    books.store.set_meta(TROUBLE, {"prod_1": {"error": "api_error", "times": 1}})
    failed = post(books, "products/prod_1", {"name": "New"}, Idempotency_Key="k")
    again = post(books, "products/prod_1", {"name": "New"}, Idempotency_Key="k")
    assert failed.status_code == again.status_code == 500
    assert again.content == failed.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["stripe-should-retry"] == "false"
    assert post(books, "products/prod_1", {"name": "New"}, Idempotency_Key="k2").is_success


def test_what_was_refused_before_it_began_is_not_remembered(books):
    books.store.set_meta(TROUBLE, {"prod_1": {"error": "lock_timeout", "times": 1}})
    locked = post(books, "products/prod_1", {"name": "New"}, Idempotency_Key="k")
    assert locked.status_code == 429
    assert post(books, "products/prod_1", {"nom": "New"}, Idempotency_Key="k").status_code == 400
    assert post(books, "products/prod_1", {"name": "New"}, Idempotency_Key="k").is_success


def test_a_key_in_use_is_a_conflict(books):
    books.store.set_meta(EXECUTION_SECONDS, 0.5)
    answers = in_threads(3, lambda: post(books, "products", {"name": "A"}, Idempotency_Key="k"))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    conflict = next(answer for answer in answers if answer.status_code == 409)
    assert refusal(conflict) == (409, "idempotency_error", "idempotency_key_in_use", None)
    assert conflict.headers["stripe-should-retry"] == "true"
    assert len(books.store.rows("stripe", "product")) == 2


def in_threads(count, call):
    """What several calls at once give."""
    given = []
    threads = [threading.Thread(target=lambda: given.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_the_client_gets_through_a_conflict_by_itself(books):
    books.store.set_meta(EXECUTION_SECONDS, 0.3)
    client = books.client(max_network_retries=5)

    def create():
        return client.v1.products.create({"name": "A"}, {"idempotency_key": "k"}).id

    made = in_threads(2, create)
    assert len(made) == 2
    assert len(set(made)) == 1


def test_keys_are_ignored_where_nothing_is_posted(books):
    with books.http(Idempotency_Key="k") as http:
        assert http.get("products").is_success
        assert http.delete("customers/cus_3").is_success
        assert http.delete("customers/cus_2").is_success
    assert books.store.query("SELECT COUNT(*) FROM stripe_idempotency") == [(0,)]


# Errors.


def test_a_refusal_says_where_to_read_on(books):
    with books.http() as http:
        answer = http.get("customers/cus_none")
    error = answer.json()["error"]
    assert error["doc_url"] == "https://stripe.com/docs/error-codes/resource-missing"
    assert error["request_log_url"].startswith(
        f"https://dashboard.stripe.com/logs/{answer.headers['request-id']}?t="
    )
    assert error["message"] == "No such customer: 'cus_none'"


def test_an_unknown_address_is_refused_by_its_name(books):
    with books.http() as http:
        answer = http.post("unicorns/u_1/ride")
    assert refusal(answer) == (404, "invalid_request_error", None, None)
    assert "(POST: /v1/unicorns/u_1/ride)" in answer.json()["error"]["message"]


def test_a_locked_object_is_to_be_tried_again(books):
    books.store.set_meta(TROUBLE, {"cus_1": {"error": "lock_timeout", "times": 2}})
    with books.http() as http:
        answer = http.post("customers/cus_1", data={"name": "New"})
    assert refusal(answer) == (429, "invalid_request_error", "lock_timeout", None)
    assert answer.headers["stripe-should-retry"] == "true"
    with pytest.raises(stripe.RateLimitError):
        books.client().v1.customers.update("cus_1", {"name": "New"})
    assert books.client().v1.customers.update("cus_1", {"name": "New"}).name == "New"


def test_the_client_retries_a_locked_object_because_it_is_advised_to(books):
    books.store.set_meta(TROUBLE, {"cus_1": {"error": "lock_timeout", "times": 1}})
    client = books.client(max_network_retries=2)
    assert client.v1.customers.update("cus_1", {"name": "New"}).name == "New"


def test_a_locked_object_locks_what_is_done_to_it_by_name(books):
    books.store.set_meta(TROUBLE, {"cus_1": {"error": "lock_timeout"}})
    client = books.client()
    with pytest.raises(stripe.RateLimitError):
        client.v1.invoices.create({"customer": "cus_1"})
    assert client.v1.customers.retrieve("cus_1").id == "cus_1"
    assert client.v1.invoices.create({"customer": "cus_2"}).customer == "cus_2"


def test_a_declined_card_is_an_error_that_leaves_its_traces(books):
    client = books.client()
    invoice = open_invoice(client)
    books.store.set_meta(TROUBLE, {"cus_1": {"error": "card_declined"}})
    with pytest.raises(stripe.CardError) as caught:
        client.v1.invoices.pay(invoice.id, options={"idempotency_key": "pay"})
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
    assert caught.value.error.decline_code == "generic_decline"
    charge = client.v1.charges.retrieve(caught.value.error.charge)
    assert (charge.status, charge.failure_code, charge.balance_transaction) == (
        "failed", "card_declined", None,
    )  # fmt: skip
    tried = client.v1.invoices.retrieve(invoice.id)
    assert (tried.status, tried.attempt_count, tried.attempted) == ("open", 1, True)
    assert "invoice.payment_failed" in books.events()
    books.store.set_meta(TROUBLE, None)
    with pytest.raises(stripe.CardError) as again:  # the key remembers it
        client.v1.invoices.pay(invoice.id, options={"idempotency_key": "pay"})
    assert again.value.headers["idempotent-replayed"] == "true"
    assert client.v1.invoices.pay(invoice.id).status == "paid"


def test_the_vendors_declining_card_declines(books):
    client = books.client()
    invoice = open_invoice(client)
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeDeclined"})
    assert client.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).status == "paid"
