"""A built world: consistent by construction, the same for the same seed, with all near misses."""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from extractors.sandbox.schema import TABLES
from extractors.sandbox.store import Store
from extractors.sandbox.world import advance_world, build_world
from tests.unit.sandbox.books import Books, instant
from tests.unit.sandbox.conftest import SMALL
from tests.unit.sandbox.disagreements import disagreements, erp_state
from tests.unit.sandbox.near_misses import EXPECTED, near_misses

SEEDS = (1, 2, 3)
STRIPE = (
    "customer", "product", "price", "coupon", "subscription", "invoice", "invoice_payment",
    "payment_intent", "charge", "balance_transaction", "payout", "credit_note", "refund", "dispute",
    "event",
)  # fmt: skip


def everything(store) -> dict[str, list]:
    rows = {name: store.rows("stripe", name) for name in STRIPE}
    for system, name in TABLES:
        rows[f"{system}.{name}"] = store.rows(system, name)
    return rows


@pytest.mark.parametrize("seed", SEEDS)
def test_a_clean_world_has_no_disagreement(world, seed):
    assert disagreements(world(seed)) == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_world_holds_every_legitimate_case(world, seed):
    assert EXPECTED - set(near_misses(world(seed))) == set()


@pytest.mark.parametrize(
    ("months", "end"),
    [(8, date(2026, 2, 28)), pytest.param(12, date(2024, 1, 31), marks=pytest.mark.slow)],
)
def test_any_end_and_length_give_a_clean_world_with_every_case(tmp_path, months, end):
    store = Store(tmp_path / "world.db")
    build_world(store, 5, SMALL, months, end)
    assert store.now().date() == date.fromordinal(end.toordinal() + 1)
    assert disagreements(store) == set()
    # a young world has seen few changes yet, but all that is written into the cast
    young = {"contract at its end", "renewed by a new contract", "edit that nobody signed"}
    assert EXPECTED - set(near_misses(store)) <= young
    store.close()


def test_the_same_seed_gives_the_same_records(world, tmp_path):
    again = Store(tmp_path / "again.db")
    build_world(again, 1, SMALL)
    assert everything(again) == everything(world(1))
    again.close()


def test_another_seed_gives_another_company(world):
    first, second = world(1), world(2)
    names = [{a["Name"] for a in s.rows("salesforce", "Account")} for s in (first, second)]
    assert len(names[0] & names[1]) < len(names[0]) / 2


def test_the_clock_stands_at_two_in_the_morning_after_the_last_day(world):
    assert world(1).now() == datetime(2026, 7, 1, 2, tzinfo=UTC)


@pytest.mark.slow
def test_the_default_company_has_the_size_of_a_real_one(world):
    store = world(1, 300)
    invoices = store.rows("stripe", "invoice")
    assert 3500 <= len(invoices) <= 5000
    customers = store.rows("stripe", "customer")
    share = Counter(c["metadata"]["channel"] for c in customers)["self_serve"] / len(customers)
    assert 0.15 <= share <= 0.25
    assert {c["currency"] for c in customers} == {"usd", "gbp", "eur", "jpy"}
    assert disagreements(store) == set()


def test_too_small_a_world_is_refused(tmp_path):
    store = Store(tmp_path / "world.db")
    with pytest.raises(ValueError, match="at least"):
        build_world(store, 1, 5)
    with pytest.raises(ValueError, match="months"):
        build_world(store, 1, 50, months=3)
    store.close()


def test_a_world_is_not_built_twice(world):
    with pytest.raises(ValueError, match="already"):
        build_world(world(1), 1)


def test_only_a_built_world_can_go_on(tmp_path):
    store = Store(tmp_path / "world.db")
    with pytest.raises(ValueError, match="build_world"):
        advance_world(store, 1)
    store.close()


def test_nothing_is_stamped_after_the_clock(world):
    store = world(1)
    now = store.now()
    for system, name in TABLES:
        for row in store.rows(system, name):
            stamps = ("SystemModstamp", "LastModifiedDate", "lastmodifieddate", "createddate")
            for stamp in stamps:
                assert row.get(stamp) is None or instant(row[stamp]) < now, (name, row)
    for name in STRIPE:
        assert all(row["created"] < now.timestamp() for row in store.rows("stripe", name))


def test_events_reach_back_thirty_days(world):
    store = world(1)
    ages = [store.now().timestamp() - e["created"] for e in store.rows("stripe", "event")]
    assert max(ages) <= 30 * 86400
    assert max(ages) > 29 * 86400
    kinds = {e["type"] for e in store.rows("stripe", "event")}
    assert {
        "customer.created", "customer.subscription.updated", "invoice.created", "invoice.finalized",
        "invoice.paid", "invoice_payment.paid", "charge.succeeded", "price.created",
    } <= kinds  # fmt: skip


def test_every_reference_leads_somewhere(world):
    store = world(2)
    books = Books(store)
    prices = {price["id"]: price for price in store.rows("stripe", "price")}
    for subscription in books.subscriptions.values():
        assert subscription["customer"] in books.customers
        for item in subscription["items"]["data"]:
            assert prices[item["price"]["id"]] == item["price"]
    for invoice in books.invoices.values():
        parent = invoice["parent"]["subscription_details"]["subscription"]
        assert books.subscriptions[parent]["customer"] == invoice["customer"]
    intents = {charge["payment_intent"] for charge in books.charges.values()}
    for payment in books.invoice_payments:
        assert payment["invoice"] in books.invoices
        assert payment["payment"].get("payment_intent") in {None, *intents}
    for line in books.contract_lines:
        assert line["Contract__c"] in books.contracts
        assert line["Product__c"] in books.crm_products
    for contract in books.contracts.values():
        assert contract["AccountId"] in books.accounts
        won = books.opportunities[contract["Opportunity__c"]]
        assert won["ContractId"] == contract["Id"]
    for transaction in books.transactions.values():
        assert transaction["entity"] is None or transaction["entity"] in books.erp_customers
    kinds = {
        tuple(books.transactions[link[end]]["type"] for end in ("previousdoc", "nextdoc"))
        for link in books.links
    }
    assert kinds == {
        ("CustInvc", "CustPymt"),
        ("CustInvc", "CustCred"),
        ("CustCred", "CustRfnd"),
        ("CustPymt", "Deposit"),
        ("CustRfnd", "Deposit"),
    }


def test_numbers_and_external_ids_of_erp_documents_are_unique(world):
    transactions = world(1).rows("netsuite", "transaction")
    numbers = Counter(t["tranid"] for t in transactions)
    external = Counter(t["externalid"] for t in transactions if t["externalid"])
    assert set(numbers.values()) == {1}
    assert set(external.values()) == {1}


def test_billing_invoices_add_up(world):
    for invoice in world(3).rows("stripe", "invoice"):
        lines = invoice["lines"]["data"]
        discount = sum(d["amount"] for line in lines for d in line["discount_amounts"])
        tax = sum(t["amount"] for line in lines for t in line["taxes"])
        assert invoice["subtotal"] == sum(line["amount"] for line in lines)
        assert discount == sum(d["amount"] for d in invoice["total_discount_amounts"])
        assert tax == sum(t["amount"] for t in invoice["total_taxes"])
        assert invoice["total"] == invoice["subtotal"] - discount + tax
        from_balance = (invoice["ending_balance"] or 0) - (invoice["starting_balance"] or 0)
        credited = invoice["pre_payment_credit_notes_amount"] + from_balance
        assert invoice["total"] == invoice["amount_due"] + credited
        if invoice["status"] != "paid" or invoice["total"]:
            left = invoice["amount_due"] - invoice["amount_paid"]
            assert invoice["amount_remaining"] == left
        assert all(type(line["amount"]) is int for line in lines)


def test_payments_settle_what_they_say(world):
    store = world(1)
    books = Books(store)
    paid = Counter()
    for payment in books.invoice_payments:
        paid[payment["invoice"]] += payment["amount_paid"]
    for invoice_id, invoice in books.invoices.items():
        assert paid[invoice_id] == invoice["amount_paid"]
    applied = Counter()
    for link in books.links:
        minor = books.minor(
            link["foreignamount"], books.transactions[link["previousdoc"]]["currency"]
        )
        applied[link["previousdoc"]] += minor
    for transaction_id, transaction in books.transactions.items():
        if transaction["type"] == "CustInvc" and transaction["voided"] == "F":
            total = books.minor(transaction["foreigntotal"], transaction["currency"])
            unpaid = books.minor(transaction["foreignamountunpaid"], transaction["currency"])
            assert applied[transaction_id] == total - unpaid
            assert erp_state(books, transaction) in {"open", "paid", "partially_paid"}


def test_documents_are_posted_in_the_period_of_their_date(world):
    store = world(1)
    periods = {p["id"]: p for p in store.rows("netsuite", "accountingperiod")}
    for transaction in store.rows("netsuite", "transaction"):
        period = periods[transaction["postingperiod"]]
        assert period["startdate"] <= transaction["trandate"] <= period["enddate"]


def test_periods_older_than_two_months_are_closed(world):
    periods = world(1).rows("netsuite", "accountingperiod", isquarter="F", isyear="F")
    state = {p["startdate"]: p["closed"] + p["arlocked"] for p in periods}
    assert state["2026-04-01"] == "TT"
    assert state["2026-05-01"] == state["2026-06-01"] == state["2026-07-01"] == "FF"
    assert {state[day] for day in state if day < "2026-05-01"} == {"TT"}


def test_revenue_is_recognized_up_to_the_last_closed_month(world):
    store = world(1)
    voided = {t["id"] for t in store.rows("netsuite", "transaction", voided="T")}
    # What was used in May and billed in June is earned with June.
    later = {
        t["id"] for t in store.rows("netsuite", "transaction") if t["trandate"] >= "2026-06-01"
    }
    plans = {p["id"]: p for p in store.rows("netsuite", "revenueplan")}
    recognized: Counter = Counter()
    for line in store.rows("netsuite", "revenueplanline"):
        source = plans[line["revenueplan"]]["sourcetransaction"]
        is_due = line["periodname"] <= "2026-05" and source not in voided | later
        assert (line["isrecognized"] == "T") == is_due, line
        recognized[line["journal"]] += line["isrecognized"] == "T"
    journals = {
        t["id"]
        for t in store.rows("netsuite", "transaction", type="Journal")
        if t["tranid"].startswith("JE-REV")
    }
    assert {journal for journal in recognized if journal} == journals


def test_amounts_are_exact_decimal_text(world):
    store = world(1)
    for name in ("transaction", "transactionline", "transactionaccountingline", "revenueplanline"):
        for row in store.rows("netsuite", name):
            for field in ("foreigntotal", "foreignamount", "amount", "netamount"):
                if row.get(field) is not None:
                    assert -Decimal(row[field]).as_tuple().exponent <= 2, row
