"""A world that goes on: the same by day or at once, consistent each night, visible to cursors."""

from collections import Counter
from datetime import timedelta

import pytest

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.drift import plant, truth
from extractors.sandbox.netsuite_invoice import post_invoice
from extractors.sandbox.reference import (
    CURRENCIES,
    ENTITY_BY_SUBSIDIARY,
    PRODUCT_BY_SKU,
    exchange_rate,
    period_id,
)
from extractors.sandbox.schema import TABLES, to_text
from extractors.sandbox.world import advance_world
from extractors.sandbox.world.moments import local_date
from tests.unit.sandbox.books import Books
from tests.unit.sandbox.disagreements import disagreements
from tests.unit.sandbox.near_misses import near_misses
from tests.unit.sandbox.test_drift import expected
from tests.unit.sandbox.test_world import everything


def test_fourteen_days_are_the_same_by_day_or_at_once(world):
    by_day, at_once = world(1), world(1)
    for _ in range(14):
        advance_world(by_day, 1)
    advance_world(at_once, 14)
    assert by_day.now() == at_once.now()
    left, right = everything(by_day), everything(at_once)
    for rows in (left, right):  # events of one second may be told in another order
        rows["event"] = sorted(
            (e["created"], e["type"], e["data"]["object"]["id"]) for e in rows["event"]
        )
    assert left == right


@pytest.mark.parametrize(
    ("seed", "days"),
    [
        (1, 2),
        pytest.param(1, 15, marks=pytest.mark.slow),
        pytest.param(2, 40, marks=pytest.mark.slow),
    ],
)
def test_every_night_is_clean(world, seed, days):
    store = world(seed)
    for _ in range(days):
        advance_world(store, 1)
        assert disagreements(store) == set()


def test_two_weeks_bring_something_of_everything(world):
    store = world(1)
    before = Counter({name: len(rows) for name, rows in everything(store).items()})
    advance_world(store, 16)
    after = Counter({name: len(rows) for name, rows in everything(store).items()})
    grown = after - before
    for name in (
        "invoice", "invoice_payment", "charge", "subscription", "customer", "event",
        "salesforce.Account", "salesforce.Contract", "netsuite.transaction", "netsuite.revenueplan",
    ):  # fmt: skip
        assert grown[name] > 0, name
    numbers = {t["tranid"] for t in store.rows("netsuite", "transaction", type="Journal")}
    assert "JE-REV-US-2026-06" in numbers
    period = store.rows("netsuite", "accountingperiod", startdate="2026-05-01")
    assert {(p["closed"], p["arlocked"]) for p in period if p["isquarter"] == "F"} == {("T", "T")}


def test_what_was_in_flight_lands_the_next_day(world):
    store = world(1)
    books = Books(store)
    posted = {t["custbody_stripe_invoice_id"] for t in books.transactions.values()}
    waiting = {
        i
        for i, invoice in books.invoices.items()
        if invoice["status"] in {"open", "paid"} and invoice["total"] and i not in posted
    }
    assert waiting
    advance_world(store, 1)
    for invoice in waiting:
        (copy,) = store.rows("netsuite", "transaction", custbody_stripe_invoice_id=invoice)
        assert copy["lastmodifieddate"] > "2026-07-01 02:00:00"


def test_every_change_is_stamped_inside_the_days_that_passed(world):
    """What an incremental reading with a cursor at the last clock sees is all that changed."""
    store = world(2)
    before, start = everything(store), store.now()
    advance_world(store, 3)
    after = everything(store)
    touched = {
        event["data"]["object"]["id"]
        for event in after["event"]
        if event["created"] > start.timestamp()
    }
    for name in ("customer", "product", "price", "subscription", "invoice", "charge"):
        old = {row["id"]: row for row in before[name]}
        changed = {row["id"] for row in after[name] if old.get(row["id"]) != row}
        assert changed <= touched, name
    plans = _changed(before, after, "netsuite.revenueplanline", "revenueplan")
    lines = _changed(before, after, "netsuite.transactionaccountingline", "transaction")
    links = _changed(before, after, "netsuite.previoustransactionlinelink", "nextdoc")
    stamped = _stamped_since(after, start)
    assert plans <= stamped["netsuite.revenueplan"]
    assert lines | links <= stamped["netsuite.transaction"]
    for (system, name), table in TABLES.items():
        if set(table.modified_columns) and system != "stripe":
            key = table.key[0]
            changed = _changed(before, after, f"{system}.{name}", key)
            assert changed <= stamped[f"{system}.{name}"], name


def _changed(before, after, name, key) -> set:
    old = {tuple(row.items()) for row in before[name]}
    return {row[key] for row in after[name] if tuple(row.items()) not in old}


def _stamped_since(after, start) -> dict[str, set]:
    stamped = {}
    for (system, name), table in TABLES.items():
        column = "SystemModstamp" if system == "salesforce" else "lastmodifieddate"
        if column in table.columns:
            since = to_text(start, system)
            rows = after[f"{system}.{name}"]
            stamped[f"{system}.{name}"] = {r[table.key[0]] for r in rows if r[column] > since}
    return stamped


def test_stamps_come_after_everything_written_since_the_last_night(world):
    """Corrections move the clock by seconds; no later event may hide behind a cursor there."""
    store = world(1)
    store.advance_clock(timedelta(hours=1))
    moved = store.now()
    before = everything(store)
    advance_world(store, 1)
    after = everything(store)
    changed = _changed(before, after, "netsuite.transaction", "id")
    assert changed <= _stamped_since(after, moved)["netsuite.transaction"]
    new = [e for e in after["event"] if e not in before["event"]]
    assert new
    assert min(e["created"] for e in new) > moved.timestamp()


def test_the_clock_moves_by_whole_days(world):
    store = world(1)
    start = store.now()
    store.tick()
    advance_world(store, 2)
    assert store.now() == start + timedelta(days=2)
    with pytest.raises(ValueError, match="forward"):
        advance_world(store, 0)


def test_a_later_night_has_near_misses_too(world):
    store = world(1)
    advance_world(store, 20)
    assert {"draft invoice", "charge pending", "subscription past_due"} & set(near_misses(store))


@pytest.mark.parametrize("days", [2, pytest.param(14, marks=pytest.mark.slow)])
def test_planted_drift_stays_as_it_is_while_time_goes_on(world, days):
    store = world(1)
    for code in ("INV-MISS-01", "INV-STAT-01", "SUB-STAT-01", "CON-AMT-01", "CUS-ATTR-01"):
        plant(store, code, 4, seed=3)
    for _ in range(days):
        advance_world(store, 1)
        assert disagreements(store) == expected(store)


@pytest.mark.slow
@pytest.mark.parametrize("days", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_after_a_correction_the_world_goes_on_without_new_drift(world, days):
    store = world(1)
    plant(store, "SUB-STAT-01", 3, seed=4)
    plant(store, "CUS-ATTR-01", 9, seed=4)
    plant(store, "SUB-QTY-01", 2, seed=4)
    for row in truth(store):
        _correct(store, row)
    assert disagreements(store) == set()
    for _ in range(days):
        advance_world(store, 1)
        assert disagreements(store) == set()


@pytest.mark.slow
def test_an_invoice_posted_as_a_correction_lives_on_like_any_other(world):
    store = world(1)
    (row,) = plant(store, "INV-MISS-01", 1, seed=2)
    assert row.variant == "never_posted"
    internal = post_invoice(store, _posting(store, row.owner_id), row.owner_id, None)
    assert disagreements(store) == set()
    for _ in range(6):
        advance_world(store, 6)
        assert disagreements(store) == set()
    plans = store.rows("netsuite", "revenueplan", sourcetransaction=internal)
    lines = [
        line
        for p in plans
        for line in store.rows("netsuite", "revenueplanline", revenueplan=p["id"])
    ]
    assert {line["isrecognized"] for line in lines if line["periodname"] <= "2026-07"} == {"T"}


def _posting(store, invoice_id) -> dict:
    """The body by which an integration posts a billing invoice to the ERP."""
    books = Books(store)
    invoice = books.invoices[invoice_id]
    (erp,) = store.rows("netsuite", "customer", custentity_stripe_id=invoice["customer"])
    entity = ENTITY_BY_SUBSIDIARY[erp["subsidiary"]]
    currency = CURRENCIES[invoice["currency"].upper()]
    day = local_date(invoice["status_transitions"]["finalized_at"], entity.timezone)
    lines, taxes = [], []
    for number, line in enumerate(invoice["lines"]["data"]):
        sku = books.products[line["pricing"]["price_details"]["product"]]["metadata"]["sku"]
        net = line["amount"] - sum(d["amount"] for d in line["discount_amounts"])
        tax = sum(t["amount"] for t in line["taxes"])
        start, end = (local_date(line["period"][at], entity.timezone) for at in ("start", "end"))
        lines.append(
            {
                "item": {"id": PRODUCT_BY_SKU[sku].item_id},
                "quantity": line["quantity"],
                "amount": decimal_text(net, currency.precision),
                "custcol_stripe_line_id": line["id"],
                "custcol_rev_start": start.isoformat(),
                "custcol_rev_end": max(start, end - timedelta(days=1)).isoformat(),
                "taxDetailsReference": f"L{number}",
            }
        )
        taxes.append(
            {
                "taxDetailsReference": f"L{number}",
                "taxCode": {"id": entity.tax_code_id},
                "taxBasis": decimal_text(net, currency.precision),
                "taxRate": str(entity.tax_rate),
                "taxAmount": decimal_text(tax, currency.precision),
            }
        )
    due = invoice["due_date"]
    return {
        "entity": {"id": erp["id"]},
        "subsidiary": {"id": erp["subsidiary"]},
        "currency": {"id": currency.id},
        "exchangeRate": str(exchange_rate(currency.code, entity.currency, day)),
        "tranId": invoice["number"],
        "tranDate": day.isoformat(),
        "dueDate": (local_date(due, entity.timezone) if due else day).isoformat(),
        "postingPeriod": {"id": period_id(day)},
        "customForm": "subscription",
        "custbody_stripe_invoice_id": invoice_id,
        "taxDetailsOverride": True,
        "item": {"items": lines},
        "taxDetails": {"items": taxes},
    }


def _correct(store, row) -> None:
    """Bring the replica in step with its owner, through the store as the servers do."""
    if row["code"] == "SUB-STAT-01":
        words = {"active": "Active", "past_due": "Past Due", "canceled": "Cancelled"}
        subscription = store.get("stripe", "subscription", row["owner_id"])
        fields = {"Id": row["replica_id"], "Status__c": words[subscription["status"]]}
        if subscription["pause_collection"]:
            fields["Status__c"] = "Paused"
        store.put("salesforce", "Subscription__c", fields)
    elif row["code"] == "CUS-ATTR-01":
        _correct_attribute(store, row)
    else:
        _correct_quantity(store, row)


def _correct_attribute(store, row) -> None:
    attribute = row["attribute"]
    if row["owner_system"] == "salesforce":
        value = store.get("salesforce", "Account", row["owner_id"])["Name"]
    elif row["owner_system"] == "netsuite":
        term = store.get("netsuite", "customer", row["owner_id"])["terms"]
        value = f"Net {store.get('netsuite', 'term', term)['daysuntilnetdue']}"
    else:
        customer = store.get("stripe", "customer", row["owner_id"])
        value = {
            "tax_id": lambda: customer["tax_ids"]["data"][0]["value"],
            "invoice_email": lambda: customer["email"],
            "country_code": lambda: customer["address"]["country"],
        }[attribute]()
    field = {
        ("stripe", "legal_name"): "name",
        ("netsuite", "legal_name"): "companyname",
        ("netsuite", "tax_id"): "vatregnumber",
        ("netsuite", "invoice_email"): "email",
        ("netsuite", "country_code"): "billcountry",
        ("salesforce", "tax_id"): "Tax_Id__c",
        ("salesforce", "invoice_email"): "Invoice_Email__c",
        ("salesforce", "country_code"): "BillingCountryCode",
        ("salesforce", "payment_terms_days"): "Payment_Terms__c",
    }[row["replica_system"], attribute]
    kind = "Account" if row["replica_system"] == "salesforce" else "customer"
    key = "Id" if row["replica_system"] == "salesforce" else "id"
    store.put(row["replica_system"], kind, {key: row["replica_id"], field: value})


def _correct_quantity(store, row) -> None:
    subscription = store.get("stripe", "subscription", row["replica_id"])
    lines = {
        line["Id"]: int(line["Quantity__c"])
        for line in store.rows("salesforce", "Contract_Line__c", Contract__c=row["owner_id"])
    }
    data = subscription["items"]["data"]
    for line_id, quantity in lines.items():
        first, *others = [i for i in data if i["metadata"]["crm_contract_line_id"] == line_id]
        first["quantity"] = quantity - sum(item["quantity"] for item in others)
    items = subscription["items"] | {"data": data}
    store.put("stripe", "subscription", {"id": subscription["id"], "items": items})
