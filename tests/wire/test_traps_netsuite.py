"""Traps of NetSuite's wire, one test each."""

import asyncio
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from extractors.erp.netsuite import client
from extractors.erp.netsuite.auth import assertion
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.errors import Conflict, RateLimited
from extractors.http import HttpOptions
from extractors.protocol import WriteIntent
from extractors.registry import CONNECTORS, open_source
from extractors.sandbox.netsuite_account import set_up_account
from tests.wire.vendors import LONG_AGO

GERMAN = {"date_format": "DD.MM.YYYY", "number_format": "1.234,56"}


def item(number, **values):
    return {"id": str(number), "itemid": f"SKU-{number}", "lastmodifieddate": LONG_AGO, **values}


def transaction(number, **values):
    base = {"id": str(number), "tranid": f"INV{number}", "type": "CustInvc", "status": "A"}
    dates = {"trandate": "2026-01-31", "createddate": LONG_AGO, "lastmodifieddate": LONG_AGO}
    amounts = {"currency": "1", "exchangerate": "1.08500", "foreigntotal": "1234.5"}
    return {**base, **dates, **amounts, **values}


def line(parent, number, **values):
    base = {"transaction": str(parent), "id": str(number), "mainline": "F", "taxline": "F"}
    return {**base, "foreignamount": "-10.50", **values}


def landed(vendors, name):
    columns = ("_ordinal",)
    return vendors.rows("netsuite", name).drop(columns).sort(pl.all())


def test_trap_02_a_create_is_204_and_its_id_stands_in_location_only(vendors):
    customer = {"companyName": "New", "subsidiary": {"id": "1"}}
    vendors.store.put("netsuite", "subsidiary", {"id": "1", "name": "One", "currency": "1"})
    intent = WriteIntent("upsert", "customer", "ext-1", customer, "key", "q")
    receipt = vendors.with_target("netsuite", lambda target: target.write(intent))
    (made,) = vendors.store.rows("netsuite", "customer", externalid="ext-1")
    assert (receipt.status, receipt.body_excerpt, receipt.record_id) == (204, "", made["id"])


def test_trap_02_a_duplicate_key_is_a_400_that_means_already_done(vendors):
    vendors.store.put("netsuite", "subsidiary", {"id": "1", "name": "One", "currency": "1"})
    body = {"companyName": "New", "subsidiary": {"id": "1"}}
    intent = WriteIntent("create", "customer", "", body, "one key", "q")

    async def use(target):
        return [(await target.write(intent)).record_id for _ in range(3)]

    assert len(set(vendors.with_target("netsuite", use))) == 1
    assert len(vendors.store.rows("netsuite", "customer")) == 1


def test_trap_03_a_key_is_honoured_with_respond_async_only(vendors):
    """What carries a key goes as a job, what does not can be sent again as it is."""
    seen = []
    vendors.store.put("netsuite", "subsidiary", {"id": "1", "name": "One", "currency": "1"})
    body = {"companyName": "New", "subsidiary": {"id": "1"}}

    async def use(target):
        send = target.door.send

        async def watched(call):
            seen.append(call)
            return await send(call)

        target.door.send = watched
        await target.write(WriteIntent("create", "customer", "", body, "key", "q"))
        await target.write(WriteIntent("upsert", "customer", "ext-2", body, "key", "q"))

    vendors.with_target("netsuite", use)
    writes = [call for call in seen if call.method in {"POST", "PUT"}]
    create, upsert = writes
    assert create.headers["Prefer"] == "respond-async"
    assert re.fullmatch(r"[0-9a-f-]{36}", create.headers["X-NetSuite-Idempotency-Key"])
    assert (create.repeatable, upsert.repeatable) == (True, False)
    assert not upsert.headers


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"o:errorDetails": [{"o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED", "detail": "x"}]}),
        (400, {"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED", "message": "x"}}),
        (400, {"o:errorDetails": [{"o:errorCode": "SSS_REQUEST_LIMIT_EXCEEDED"}]}),
    ],
)
def test_trap_04_too_many_is_told_by_the_code_and_not_by_the_status(status, body):
    assert client.explain(status, body, httpx.Headers()).kind is RateLimited


def test_trap_04_the_limit_of_an_account_holds_for_all_of_a_night(vendors):
    """Objects are read side by side, and yet no more calls are under way than the account takes."""
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 3001)])
    vendors.store.put_many("netsuite", "transaction", [transaction(n) for n in range(1, 3001)])
    under_way, most = 0, 0

    async def use():
        nonlocal under_way, most
        connector = CONNECTORS["netsuite"]
        async with open_source(vendors.config("netsuite"), connector.options) as source:
            answer = source.door._answer

            async def watched(request):
                nonlocal under_way, most
                under_way += 1
                most = max(most, under_way)
                try:
                    return await answer(request)
                finally:
                    under_way -= 1

            source.door._answer = watched

            async def visit(spec, page):
                await asyncio.gather(*(follow(spec, bookmark) for bookmark in page.rest))

            async def follow(spec, bookmark):
                await visit(spec, await source.proceed(spec, bookmark))

            async def read(spec):
                await visit(spec, (await source.begin(spec, None)).page)

            await asyncio.gather(*(read(spec) for spec in source.objects.values()))

    asyncio.run(use())
    assert most == client.DEFAULT_OPTIONS.concurrency == 4


def test_trap_05_no_query_is_paged_to_the_limit_of_its_rows(vendors, monkeypatch):
    """The limit is made small; numbers as keys must not be compared as text (9 < 10)."""
    monkeypatch.setattr("extractors.sandbox.netsuite_query.LAST_ROW", 4)
    rows = [line(parent, at) for parent in range(7, 13) for at in range(5)]
    vendors.store.put_many("netsuite", "transactionline", rows)

    async def use():
        async with open_source(vendors.config("netsuite"), HttpOptions(concurrency=1)) as source:
            small = replace(source, page_rows=4)
            spec = small.objects["transaction_line"]
            pages = [(await small.begin(spec, None)).page]
            while pages[-1].rest:
                (bookmark,) = pages[-1].rest
                pages.append(await small.proceed(spec, bookmark))
            return [(row["transaction"], row["id"]) for page in pages for row in page.records]

    assert asyncio.run(use()) == [(row["transaction"], row["id"]) for row in rows]


def test_trap_06_a_row_that_becomes_visible_late_is_read_the_next_night(vendors):
    """Its transaction began before the last read and ended after it."""
    vendors.store.put_many("netsuite", "item", [item(1)])
    manifest = vendors.extract("netsuite", "item")
    late = manifest.watermark_at - timedelta(minutes=40)
    vendors.store.put_many("netsuite", "item", [item(2, lastmodifieddate=late)])
    vendors.next_night()
    assert vendors.extract("netsuite", "item").landed == 1


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_trap_06_an_accounts_time_zone_moves_no_window(vendors, zone):
    """A change between the read and the account's midnight is not lost, nor is a day read twice."""
    set_up_account(vendors.store, time_zone=zone, **GERMAN)
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 4)])
    manifest = vendors.extract("netsuite", "item")
    after = manifest.watermark_at + timedelta(minutes=5)
    long_before = manifest.watermark_at - timedelta(hours=6)
    vendors.store.put_many("netsuite", "item", [item(1, lastmodifieddate=after)])
    vendors.store.put_many("netsuite", "item", [item(2, lastmodifieddate=long_before)])
    vendors.next_night()
    vendors.extract("netsuite", "item")
    (row,) = vendors.rows("netsuite", "item").iter_rows(named=True)
    assert (row["id"], row["lastmodifieddate"]) == ("1", f"{after:%Y-%m-%d %H:%M:%S}")


def test_trap_07_a_deletion_is_in_no_list_but_in_that_of_deletions(vendors):
    vendors.store.put_many("netsuite", "item", [item(1), item(2), item(3)])
    vendors.extract("netsuite", "item")
    vendors.next_night()
    vendors.store.delete("netsuite", "item", "2")
    vendors.store.execute("DELETE FROM netsuite_item WHERE id = 3")
    manifest = vendors.extract("netsuite", "item")
    assert (manifest.deleted, manifest.source_count) == (1, 1)
    # What vanished without a trace is seen by its key only.
    assert {row["id"] for row in vendors.current("netsuite", "item")} == {"1", "3"}


def test_trap_08_formats_of_the_account_change_nothing_that_lands(vendors):
    """1.234 is a thousand and more there, and 31.1.2026 no date of ours."""
    documents = [
        transaction(1, foreigntotal="1234567.89", exchangerate="0.00670012", duedate="2026-03-02"),
        transaction(2, foreigntotal="-1234", custbody_status_changed_at=LONG_AGO),
        transaction(3, foreigntotal="0", exchangerate="1"),
    ]
    vendors.store.put_many("netsuite", "transaction", documents)
    vendors.store.put_many("netsuite", "transactionline", [line(1, 0, quantity="1234")])
    names = ("transaction", "transaction_line")
    for name in names:
        vendors.extract("netsuite", name)
    plain = [landed(vendors, name) for name in names]
    set_up_account(vendors.store, time_zone="America/Los_Angeles", **GERMAN)
    vendors.next_night()
    for name in names:
        vendors.extract("netsuite", name, full=True)
    for before, name in zip(plain, names, strict=True):
        assert landed(vendors, name).equals(before)
    totals = plain[0].sort("id")["foreigntotal"].to_list()
    assert totals == ["1234567.89", "-1234", "0"]


def test_trap_08_control_sums_are_exact_in_every_format(vendors):
    set_up_account(vendors.store, **GERMAN)
    vendors.store.put("netsuite", "currency", {"id": "1", "symbol": "USD", "currencyprecision": 2})
    documents = [transaction(n, foreigntotal="1000.10") for n in range(1, 31)]
    vendors.store.put_many("netsuite", "transaction", documents)
    manifest = vendors.extract("netsuite", "transaction")
    assert manifest.source_sum_minor == {"USD": 3_000_300}


def test_trap_09_a_second_book_is_another_row_and_not_another_amount(vendors):
    posting = {"transaction": "1", "transactionline": "0", "account": "4000", "amount": "10"}
    rows = [{**posting, "accountingbook": "1", "posting": "T"}]
    vendors.store.put_many("netsuite", "transactionaccountingline", rows)
    set_up_account(vendors.store, second_book=True)
    manifest = vendors.extract("netsuite", "transaction_accounting_line")
    assert (manifest.landed, manifest.duplicates, manifest.source_count) == (2, 0, 2)
    books = vendors.rows("netsuite", "transaction_accounting_line")["accountingbook"]
    assert sorted(books) == ["1", "2"]


def test_trap_09_the_main_line_is_told_apart_from_what_it_sums(vendors):
    rows = [line(1, 0, mainline="T", foreignamount="21.00"), line(1, 1), line(1, 2)]
    vendors.store.put_many("netsuite", "transactionline", rows)
    vendors.extract("netsuite", "transaction_line")
    found = vendors.rows("netsuite", "transaction_line").filter(pl.col("mainline") == "F")
    assert found["foreignamount"].to_list() == ["-10.5", "-10.5"]


def certificate(tmp_path, key):
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return NetSuiteConfig(
        "1234567_SB1", client_id="id", certificate_id="kid", private_key_path=path
    )


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), "PS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    ],
)
def test_trap_rs256_is_never_used(tmp_path, key, algorithm):
    config = certificate(tmp_path, key)
    token = assertion(config, config.url + "/services/rest/auth/oauth2/v1/token")
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"], header["kid"]) == (algorithm, "JWT", "kid")
    claims = jwt.decode(
        token, key.public_key(), [algorithm], audience=f"{config.url}{client_path()}"
    )
    assert claims["exp"] - claims["iat"] < 3600
    assert abs(claims["iat"] - time.time()) < 60


def client_path():
    return "/services/rest/auth/oauth2/v1/token"


@pytest.mark.parametrize("account", ["1234567_SB1", "1234567-sb1", "1234567_sb1"])
def test_trap_an_account_is_written_one_way_in_hosts_and_another_in_signatures(account):
    names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    config = NetSuiteConfig(account, **dict.fromkeys(names, "x"))
    assert config.url == "https://1234567-sb1.suitetalk.api.netsuite.com"
    assert config.realm == "1234567_SB1"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "none of them"),
        ({"client_id": "x"}, "given are client_id"),
        ({"token_id": "x", "token_secret": "y"}, "given are token_id, token_secret"),
        (
            dict.fromkeys(("client_id", "certificate_id", "private_key_path", "consumer_key"), "x"),
            "consumer_key",
        ),
    ],
)
def test_trap_half_of_a_login_or_two_of_them_are_refused_before_anything_is_sent(values, message):
    with pytest.raises(ValueError, match=message):
        NetSuiteConfig("1234567", **values)


@pytest.mark.parametrize("account", ["evil.example/", "1@evil.example", "", "a b", "1234567_"])
def test_trap_an_account_cannot_lead_secrets_to_another_host(account):
    names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    with pytest.raises(ValueError, match="account id"):
        NetSuiteConfig(account, **dict.fromkeys(names, "x"))


def test_trap_secrets_are_in_no_text_about_the_configuration():
    names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    config = NetSuiteConfig("1234567", **{name: f"value of {name}" for name in names})
    assert "consumer_secret" not in repr(config)
    assert "token_secret" not in repr(config)


def test_trap_a_moved_record_is_a_conflict_and_not_a_wrong_request():
    body = {"o:errorDetails": [{"o:errorCode": "RCRD_HAS_BEEN_CHANGED", "detail": "x"}]}
    assert client.explain(400, body, httpx.Headers()).kind is Conflict


def test_trap_a_nightly_delta_costs_few_calls(vendors):
    """1 % of the documents change: children are read for those, deletions once, totals in two."""
    count = 3000
    vendors.store.put_many("netsuite", "transaction", [transaction(n) for n in range(1, count)])
    rows = [line(n, at) for n in range(1, count) for at in range(10)]
    vendors.store.put_many("netsuite", "transactionline", rows)
    since = vendors.store.now()
    for n in range(1, count, 100):
        vendors.store.put("netsuite", "transaction", {"id": str(n), "memo": "changed"})

    async def calls(cursor_from):
        options = HttpOptions(concurrency=3)
        async with open_source(vendors.config("netsuite"), options) as source:
            landed = 0

            async def visit(spec, page):
                nonlocal landed
                landed += len(page.records)
                await asyncio.gather(*(follow(spec, bookmark) for bookmark in page.rest))

            async def follow(spec, bookmark):
                await visit(spec, await source.proceed(spec, bookmark))

            for name in ("transaction", "transaction_line"):
                spec = source.objects[name]
                await visit(spec, (await source.begin(spec, cursor_from)).page)
            endpoints = source.door.metrics.endpoints.values()
            return landed, sum(one.calls for one in endpoints) - 1

    full = asyncio.run(calls(None))
    delta = asyncio.run(calls(since.astimezone(UTC)))
    assert full[0] == 11 * (count - 1)
    assert delta == (30 * 11, 3)
    assert full[1] <= 33 / 0.85
    assert isinstance(since, datetime)
