"""Companies of any size: they hang together, keep the vendors' forms, and are read whole."""

import asyncio
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from extractors.extract import extract_system
from extractors.registry import CONNECTORS, SOURCES, open_source
from extractors.sandbox.credentials import issue_token
from extractors.sandbox.fidelity import truth_rows
from extractors.sandbox.schema import TABLES, tables_of
from extractors.sandbox.store import Store
from extractors.sandbox.volume import fill, touch

RECORDS = 20_000
CLOCK = datetime(2026, 7, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("volume") / "sandbox.db")
    yield store, fill(store, RECORDS, seed=3)
    store.close()


def documents(store, kind):
    sql = "SELECT document FROM stripe WHERE object = ? ORDER BY seq"
    return [json.loads(text, parse_float=Decimal) for (text,) in store.query(sql, (kind,))]


def test_as_many_records_as_asked_for(company):
    store, counts = company
    assert sum(counts.values()) == pytest.approx(RECORDS, rel=0.03)
    for name, count in counts.items():
        system, kind = name.split(".")
        assert len(list(truth_rows(store, system, kind))) == count, name


def test_the_same_seed_gives_the_same_company(tmp_path):
    def made(name, seed):
        store = Store(tmp_path / name)
        counts = fill(store, 1_000, seed)
        texts = store.query("SELECT document FROM stripe ORDER BY seq")
        rows = [store.query(f"SELECT * FROM {table.sql_name}") for table in TABLES.values()]
        store.close()
        return counts, texts, rows

    assert made("a", 1) == made("b", 1)
    assert made("c", 2) != made("a2", 1)


def test_a_company_is_not_written_over_another(company):
    store, _ = company
    with pytest.raises(ValueError, match="holds a company already"):
        fill(store, 100)


def test_ids_go_on_where_the_company_ends(company):
    store, counts = company
    highest = counts["netsuite.transaction"]
    assert store.new_id("netsuite", "transaction") == str(highest + 1)
    for system, kind in (("salesforce", "Opportunity"), ("stripe", "invoice")):
        assert store.get(system, kind, store.new_id(system, kind)) is None


def test_customers_come_ever_faster_and_nothing_lies_in_the_future(company):
    store, counts = company
    assert store.now() == CLOCK
    created = sorted(customer["created"] for customer in documents(store, "customer"))
    middle = (created[0] + created[-1]) // 2
    early = sum(at < middle for at in created)
    assert early < 0.4 * counts["stripe.customer"]
    assert CLOCK.timestamp() - created[0] > 600 * 86_400
    until = int(CLOCK.timestamp())
    assert store.query("SELECT MAX(created) < ? FROM stripe", (until,)) == [(1,)]
    for table in TABLES.values():
        for column in (*table.modified_columns, table.created_column):
            if column:
                latest = store.query(f'SELECT MAX("{column}") FROM {table.sql_name}')[0][0]
                assert latest is None or latest[:19].replace(" ", "T") < "2026-07-01T02:00:00"


def test_many_records_share_a_second_as_they_do_in_life(company):
    store, _ = company
    stamps = store.query(
        'SELECT COUNT(*) AS n FROM salesforce_opportunity GROUP BY "SystemModstamp" ORDER BY n DESC'
    )
    assert stamps[0][0] >= 100
    midnights = Counter(
        i["created"] for i in documents(store, "invoice") if i["created"] % 86_400 == 0
    )
    assert midnights.most_common(1)[0][1] >= 3


REFERENCES = [
    ("salesforce", "Opportunity", "AccountId", "Account", "Id"),
    ("salesforce", "Opportunity", "ContractId", "Contract", "Id"),
    ("salesforce", "Contract", "Opportunity__c", "Opportunity", "Id"),
    ("salesforce", "Contract_Line__c", "Contract__c", "Contract", "Id"),
    ("salesforce", "Contract_Line__c", "Product__c", "Product2", "Id"),
    ("salesforce", "Subscription__c", "Account__c", "Account", "Id"),
    ("netsuite", "transaction", "entity", "customer", "id"),
    ("netsuite", "transaction", "postingperiod", "accountingperiod", "id"),
    ("netsuite", "transactionline", "transaction", "transaction", "id"),
    ("netsuite", "transactionline", "item", "item", "id"),
    ("netsuite", "transactionaccountingline", "account", "account", "id"),
    ("netsuite", "previoustransactionlinelink", "previousdoc", "transaction", "id"),
    ("netsuite", "previoustransactionlinelink", "nextdoc", "transaction", "id"),
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_reference_leads_somewhere(company, reference):
    store, _ = company
    system, child, column, parent, key = reference
    of, to = TABLES[system, child].sql_name, TABLES[system, parent].sql_name
    lost = store.query(
        f'SELECT COUNT(*), COUNT(p."{key}") FROM {of} c LEFT JOIN {to} p ON p."{key}" = c."{column}" '
        f'WHERE c."{column}" IS NOT NULL'
    )[0]
    assert lost[0] == lost[1] > 0


def test_every_reference_of_billing_leads_somewhere(company):
    store, _ = company
    kept = {kind: {d["id"]: d for d in documents(store, kind)} for kind in (
        "customer", "product", "price", "subscription", "invoice", "invoice_payment",
        "payment_intent", "charge", "refund", "balance_transaction", "payout",
    )}  # fmt: skip
    for invoice in kept["invoice"].values():
        assert invoice["customer"] in kept["customer"]
        assert invoice["parent"]["subscription_details"]["subscription"] in kept["subscription"]
        for line in invoice["lines"]["data"]:
            assert line["pricing"]["price_details"]["price"] in kept["price"]
    for payment in kept["invoice_payment"].values():
        invoice = kept["invoice"][payment["invoice"]]
        assert (invoice["status"], invoice["amount_paid"]) == ("paid", payment["amount_paid"])
    for charge in kept["charge"].values():
        entry = kept["balance_transaction"][charge["balance_transaction"]]
        assert (entry["source"], entry["amount"]) == (charge["id"], charge["amount"])
        assert kept["payment_intent"][charge["payment_intent"]]["latest_charge"] == charge["id"]
    for refund in kept["refund"].values():
        assert kept["charge"][refund["charge"]]["amount_refunded"] == refund["amount"]
    for payout in kept["payout"].values():
        swept = [
            e
            for e in kept["balance_transaction"].values()
            if e["payout"] == payout["id"] and e["type"] != "payout"
        ]
        assert sum(entry["net"] for entry in swept) == payout["amount"] > 0


def test_the_ledger_balances_and_bills_what_billing_bills(company):
    store, _ = company
    off = store.query(
        'SELECT transaction_, total FROM (SELECT "transaction" AS transaction_, decimal_sum(amount) AS total '
        "FROM netsuite_transactionaccountingline GROUP BY 1) WHERE CAST(total AS REAL) <> 0"
    )
    assert off == []
    billed = {invoice["id"]: invoice for invoice in documents(store, "invoice")}
    posted = store.rows("netsuite", "transaction", type="CustInvc")
    assert {row["externalid"] for row in posted} == set(billed)
    for row in posted:
        invoice = billed[row["externalid"]]
        places = 0 if invoice["currency"] == "jpy" else 2
        assert Decimal(row["foreigntotal"]).scaleb(places) == invoice["total"]
        assert (row["status"] == "B") is (invoice["status"] == "paid")


def test_billing_notes_the_events_of_the_last_month(company):
    store, _ = company
    since = int((CLOCK - timedelta(days=30)).timestamp())
    young = {c["id"] for c in documents(store, "customer") if c["created"] >= since}
    told = {
        e["data"]["object"]["id"]
        for e in documents(store, "event")
        if e["type"] == "customer.created"
    }
    assert told == young != set()


def test_a_touched_share_is_changed_stamped_and_noted(tmp_path):
    store = Store(tmp_path / "sandbox.db")
    counts = fill(store, 5_000)
    before, events = store.now(), len(documents(store, "event"))
    changed = touch(store, 0.1, seed=2)
    assert store.now() == before + timedelta(days=1)
    for name, count in changed.items():
        system, kind = name.split(".")
        assert count == round(counts[name] * 0.1), name
        if system == "stripe":
            continue
        table = TABLES[system, kind]
        stamp = table.modified_columns[0]
        since = before.strftime(
            "%Y-%m-%dT%H:%M:%S" if system == "salesforce" else "%Y-%m-%d %H:%M:%S"
        )
        sql = f'SELECT COUNT(*) FROM {table.sql_name} WHERE "{stamp}" >= ?'
        assert store.query(sql, (since,)) == [(count,)], name
    fresh = documents(store, "event")[events:]
    assert Counter(event["type"] for event in fresh) == {
        "customer.updated": changed["stripe.customer"],
        "customer.subscription.updated": changed["stripe.subscription"],
        "invoice.updated": changed["stripe.invoice"],
        "charge.updated": changed["stripe.charge"],
    }
    times = [event["created"] for event in fresh]
    assert times == sorted(times)
    assert before.timestamp() < times[0] <= times[-1] < store.now().timestamp()
    store.close()


# Over the wire.


@pytest.fixture
def served(vendors):
    fill(vendors.store, 1_500, seed=4)
    vendors.day = date(2026, 6, 30)
    return vendors


def client(vendors, system, path):
    known = vendors.settings[system]
    token = known["api_key"] if system == "stripe" else issue_token(vendors.store, system)
    headers = {"Authorization": f"Bearer {token}", "Prefer": "transient"}
    return httpx.Client(base_url=known["base_url"] + path, headers=headers)


@pytest.mark.parametrize(
    "kind", ["charge", "invoice_payment", "balance_transaction", "refund", "payout", "price"]
)
def test_truth_is_what_stripe_lists(served, kind):
    truth = {row["id"]: row for row in truth_rows(served.store, "stripe", kind)}
    listed, after = {}, {}
    with client(served, "stripe", "/v1/") as http:
        while True:
            page = http.get(f"{kind}s", params={"limit": 100, **after})
            for row in json.loads(page.content, parse_float=Decimal)["data"]:
                listed[row["id"]] = row
            if not page.json()["has_more"]:
                break
            after = {"starting_after": page.json()["data"][-1]["id"]}
    assert listed == truth != {}


def test_truth_of_tax_ids_stands_with_the_customers(served):
    found = list(truth_rows(served.store, "stripe", "tax_id"))
    assert {row["customer"] for row in found} == {
        row["id"] for row in truth_rows(served.store, "stripe", "customer")
    }


@pytest.mark.parametrize("name", ["Account", "Opportunity", "Contract", "Contract_Line__c"])
def test_truth_is_what_salesforce_answers(served, name):
    hidden = next(truth_rows(served.store, "salesforce", name))["Id"]
    served.store.delete("salesforce", name, hidden)
    table = tables_of("salesforce")[name]
    soql = f"SELECT {', '.join(table.columns)} FROM {name} ORDER BY Id"
    with client(served, "salesforce", "/services/data/v62.0/") as http:
        page = http.get("query", params={"q": soql})
    records = json.loads(page.content, parse_float=str, parse_int=str)["records"]
    for record in records:
        del record["attributes"]
    truth = list(truth_rows(served.store, "salesforce", name))
    assert records == truth
    assert hidden not in {row["Id"] for row in truth}


def test_truth_is_what_suiteql_answers(served):
    truth = list(truth_rows(served.store, "netsuite", "transactionaccountingline"))
    query = {
        "q": "SELECT * FROM transactionaccountingline ORDER BY transaction, transactionline, accountingbook"
    }
    with client(served, "netsuite", "/services/rest/query/v1/") as http:
        items = http.post("suiteql", json=query).json()["items"]
    for item in items:
        del item["links"]
    assert items == [{n: v for n, v in row.items() if v is not None} for row in truth[: len(items)]]


@pytest.mark.parametrize("system", ["salesforce", "stripe", "netsuite"])
def test_a_company_of_volume_is_extracted_without_a_record_held_back(served, system):
    async def run():
        async with open_source(served.config(system)) as source:
            await extract_system(source, served.raw, served.day)

    asyncio.run(run())
    for name, spec in SOURCES[system].items():
        manifest = served.raw.published(system, name, served.day)
        truth = sum(1 for _ in truth_rows(served.store, system, spec.vendor_name))
        assert (manifest.landed, manifest.quarantined) == (truth, 0), name
    assert CONNECTORS[system].objects == SOURCES[system]
