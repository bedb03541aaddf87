"""The traps of Salesforce's wire, each by its number in the list of wire facts or by its name."""

import asyncio
import dataclasses
import json
import time
from datetime import timedelta
from decimal import Decimal

import httpx
import jwt
import polars as pl
import pytest
import stamina

from extractors.calls import Call, Reply
from extractors.crm.salesforce.auth import ASSERTION_SECONDS, assertion
from extractors.crm.salesforce.bulk import as_rest_writes, text_frame
from extractors.crm.salesforce.client import SalesforceSource, _page_of_records
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.crm.salesforce.dialect import DIALECT, explain, plain_number
from extractors.crm.salesforce.objects import ACCOUNT, CONTRACT_HISTORY, OBJECTS, OPPORTUNITY
from extractors.errors import ContractBroken, RateLimited, Rejected, Transient, Unauthorized
from extractors.extract import extract_object, extract_system
from extractors.http import HttpOptions
from extractors.protocol import WriteIntent, declare
from extractors.registry import open_door
from extractors.sandbox import credentials, salesforce_query, salesforce_records
from extractors.sandbox.faults import CHAOS, set_profile
from extractors.sandbox.fidelity import truth_rows
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.limits import Limits, set_limits
from extractors.sandbox.salesforce_bulk import Settings, set_bulk
from extractors.sandbox.store import table_of
from tests.wire.vendors import LONG_AGO

STAMPS = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)


def account(number, **values):
    base = {"Id": salesforce_id("Account", number), "Name": f"Company {number}"}
    return {**base, **STAMPS, "IsDeleted": False, **values}


def deal(number, **values):
    base = {"Id": salesforce_id("Opportunity", number), "Name": f"Deal {number}"}
    return {**base, **STAMPS, "IsDeleted": False, "IsWon": False, "IsClosed": False, **values}


def fill(vendors, count, **values):
    records = [account(n, **values) for n in range(1, count + 1)]
    vendors.store.put_many("salesforce", "Account", records)
    return {record["Id"] for record in records}


def read(vendors, name="account", *, bulk_rows=10_000, objects=OBJECTS, config=None, **how):
    """(Manifest, the calls that it took) of one object's extraction."""

    async def run():
        async with open_door(config or vendors.config("salesforce"), HttpOptions()) as door:
            source = SalesforceSource(door, objects, bulk_rows)
            manifest = await extract_object(source, name, vendors.raw, vendors.day, **how)
            calls = [
                f"{method} {endpoint.removeprefix('/services/data/v62.0')}"
                for (method, endpoint), seen in sorted(door.metrics.endpoints.items())
                for _ in range(seen.calls)
            ]
            return manifest, calls

    return asyncio.run(run())


def landed(vendors, name="account"):
    frame = vendors.rows("salesforce", name)
    return set(frame.filter(~pl.col("_deleted"))["id"])


def jobs(calls):
    return [call for call in calls if "/jobs/" in call]


# 2: success that is none.


def test_trap_02_a_call_in_a_batch_fails_under_a_success_status():
    def batch(status, code):
        failed = [{"errorCode": code, "message": "too long"}]
        results = [{"statusCode": "200", "result": {}}, {"statusCode": status, "result": failed}]
        return {"hasErrors": True, "results": results}

    passing = batch("400", "QUERY_TIMEOUT")
    assert DIALECT.failed(passing)
    told = explain(200, passing, {})
    assert (told.kind, told.code, told.message) == (Transient, "QUERY_TIMEOUT", "too long")
    assert DIALECT.failed(batch("503", "SERVER_UNAVAILABLE"))
    # A call that is wrong stays wrong, and is no failure of the others.
    assert not DIALECT.failed(batch("400", "INVALID_FIELD"))
    for body in ({"hasErrors": False, "results": []}, {"records": []}, [{"id": "001"}], None):
        assert not DIALECT.failed(body)


def test_trap_02_a_count_that_fails_inside_of_a_batch_is_not_a_count(vendors):
    nowhere = dataclasses.replace(ACCOUNT, name="nothing", vendor_name="Nothing__c")

    async def run():
        async with open_door(vendors.config("salesforce")) as door:
            await SalesforceSource(door).totals([nowhere])

    with pytest.raises(
        Rejected,
        match="was answered 400 INVALID_TYPE: sObject type 'Nothing__c' is not supported",
    ):
        asyncio.run(run())


# 3: nothing makes a write safe to repeat but its own key.


def test_trap_03_an_upsert_by_our_key_is_the_only_idempotency(vendors):
    intent = WriteIntent("upsert", "Account", "key-1", {"Name": "Once"}, "ignored", "q2c_1")

    async def twice(target):
        return [(await target.write(intent)).status for _ in range(2)]

    assert vendors.with_target("salesforce", twice) == [201, 200]
    assert len(vendors.store.rows("salesforce", "Account", Name="Once")) == 1


# 4: limits are told by codes.


@pytest.mark.parametrize(
    ("code", "message", "worth_waiting"),
    [
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", False),
        (
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
            True,
        ),
        ("LIMIT_EXCEEDED", "The daily limit of query jobs is reached.", False),
    ],
)
def test_trap_04_a_limit_is_told_by_its_code_and_not_by_429(code, message, worth_waiting):
    told = explain(403, [{"errorCode": code, "message": message}], httpx.Headers())
    assert (told.kind, told.worth_waiting) == (RateLimited, worth_waiting)


def test_trap_04_other_refusals_under_403_are_no_limits():
    told = explain(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "no"}], httpx.Headers())
    assert told.kind is None


def test_trap_04_the_days_calls_are_read_off_every_answer():
    told = {"Sforce-Limit-Info": "api-usage=123/15000; per-app-api-usage=17/250(appName=x)"}
    quota = DIALECT.quota(httpx.Headers(told))
    assert (quota.used, quota.allowed) == (123, 15000)
    assert DIALECT.quota(httpx.Headers({"Sforce-Limit-Info": "nonsense"})) is None


# 5: how ends are marked.


def test_trap_05_bulk_locator_null_is_a_string(vendors, monkeypatch):
    from extractors.crm.salesforce import bulk

    ids = fill(vendors, 2300)
    monkeypatch.setattr(bulk, "MOST_RECORDS", 100)
    set_bulk(vendors.store, Settings(parallel=False))
    manifest, calls = read(vendors, bulk_rows=1)
    assert (manifest.landed, landed(vendors)) == (2300, ids)
    assert calls.count("GET /jobs/query/{id}/results") == 3


def test_trap_05_pages_are_followed_behind_their_last_row_and_not_by_cursors(vendors):
    ids = fill(vendors, 4100)
    others = ["SELECT Id FROM Account"] * salesforce_query.CURSORS_KEPT

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            source = SalesforceSource(door)
            page = (await source.begin(ACCOUNT, None)).page
            seen = [record["Id"] for record in page.records]
            while page.rest:
                # Other queries of the same user close the cursors of this one.
                for soql in others:
                    await door.send(salesforce_query_call(soql))
                page = await source.proceed(ACCOUNT, json.loads(json.dumps(page.rest[0])))
                seen += [record["Id"] for record in page.records]
            return seen

    assert asyncio.run(run()) == sorted(ids)


def salesforce_query_call(soql):
    from extractors.crm.salesforce.query import query

    return query(soql)


@pytest.mark.parametrize("rows", [4000, 4001])
def test_trap_05_a_full_last_page_may_be_the_last(vendors, rows):
    ids = fill(vendors, rows)
    assert read(vendors)[0].landed == rows
    assert landed(vendors) == ids


# 6: watermarks.


def test_trap_06_rows_that_become_visible_late_are_read_the_next_night(vendors):
    fill(vendors, 1)
    first, _ = read(vendors)
    late = first.watermark_at - timedelta(seconds=599)
    vendors.store.put_many("salesforce", "Account", [account(2, SystemModstamp=late)])
    vendors.next_night()
    assert read(vendors)[0].landed == 1


def test_trap_06_more_rows_than_a_page_share_one_second(vendors):
    fill(vendors, 1)
    read(vendors)
    vendors.next_night()
    same = vendors.store.now()
    ids = fill(vendors, 4500, SystemModstamp=same)
    manifest, _ = read(vendors)
    assert (manifest.mode, manifest.landed, manifest.duplicates) == ("incremental", 4500, 0)
    assert landed(vendors) == ids


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_trap_06_a_row_that_changes_while_it_is_read_is_not_lost(vendors, mode):
    if mode == "incremental":
        fill(vendors, 1)
        read(vendors)
        vendors.next_night()
    fill(vendors, 4500, SystemModstamp=vendors.store.now())
    last = salesforce_id("Account", 4500)

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            source = SalesforceSource(door)
            cursor = None if mode == "full" else vendors.store.now() - timedelta(hours=1)
            page = (await source.begin(ACCOUNT, cursor)).page
            seen = list(page.records)
            while page.rest:
                vendors.store.put("salesforce", "Account", {"Id": last, "Name": f"At {len(seen)}"})
                page = await source.proceed(ACCOUNT, page.rest[0])
                seen += page.records
            return seen

    seen = {record["Id"]: record["Name"] for record in asyncio.run(run())}
    assert len(seen) == 4500
    assert seen[last].startswith("At ")


# 7: deletions.


def test_trap_07_deleted_rows_are_told_by_query_all(vendors):
    fill(vendors, 3)
    read(vendors)
    vendors.next_night()
    gone = salesforce_id("Account", 2)
    vendors.store.delete("salesforce", "Account", gone)
    manifest, calls = read(vendors)
    assert (manifest.landed, manifest.deleted) == (0, 1)
    assert "GET /queryAll" in calls
    assert vendors.rows("salesforce", "account")["id"].to_list() == [gone]


def test_trap_07_rows_that_were_purged_are_found_by_a_scan_of_all_ids(vendors):
    fill(vendors, 3)
    read(vendors)
    vendors.next_night()
    purged = salesforce_id("Account", 2)
    vendors.store.execute('DELETE FROM salesforce_account WHERE "Id" = ?', (purged,))
    vendors.store.delete("salesforce", "Account", salesforce_id("Account", 3))
    manifest, _ = read(vendors, key_scan_days=1)
    # The scan is of live rows: what waits in the recycle bin is told as deleted anyway.
    assert (manifest.mode, manifest.keys_scanned, manifest.deleted) == ("incremental", 1, 1)
    assert {row["id"] for row in vendors.current("salesforce", "account")} == {
        salesforce_id("Account", 1)
    }


@pytest.mark.parametrize("bulk_rows", [10_000, 1])
def test_trap_07_a_merged_account_names_the_one_that_survived(vendors, bulk_rows):
    fill(vendors, 2200)
    read(vendors)
    vendors.next_night()
    master, loser = salesforce_id("Account", 1), salesforce_id("Account", 2200)
    fill(vendors, 2200, SystemModstamp=vendors.store.now())
    salesforce_records.merge(vendors.store, table_of("salesforce", "Account"), master, loser)
    manifest, calls = read(vendors, bulk_rows=bulk_rows)
    assert (manifest.deleted, bool(jobs(calls))) == (1, bulk_rows == 1)
    (stone,) = vendors.rows("salesforce", "account").filter(pl.col("_deleted")).to_dicts()
    assert (stone["id"], stone["masterrecordid"]) == (loser, master)


# 8: numbers.


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ("9.9213206E7", "99213206.0"),
        ("1.23456785E8", "123456785.0"),
        ("-1.0E7", "-10000000.0"),
        ("1.0E-4", "0.0001"),
        ("1.234567890123E9", "1234567890.123"),
        ("29.0", "29.0"),
        ("0.10", "0.10"),
        ("12", "12"),
    ],
)
def test_trap_08_exponents_are_spelled_out_exactly(sent, plain):
    assert plain_number(sent) == plain


@pytest.mark.parametrize("bulk_rows", [10_000, 1])
def test_trap_08_large_amounts_land_without_exponents(vendors, bulk_rows):
    amounts = ["99213206.25", "0.1", None, "9999999.99", "12345678901.5"]
    deals = [deal(n, Amount=amounts[n % 5]) for n in range(1, 2301)]
    vendors.store.put_many("salesforce", "Opportunity", deals)
    _, calls = read(vendors, "opportunity", bulk_rows=bulk_rows)
    assert bool(jobs(calls)) == (bulk_rows == 1)
    rows = vendors.rows("salesforce", "opportunity").sort("id")["amount"].to_list()
    assert rows[:5] == ["0.1", None, "9999999.99", "12345678901.5", "99213206.25"]
    assert rows[-5:] == rows[:5]


# 9: pages of other sizes.


def test_trap_09_answers_may_hold_fewer_rows_than_asked_for(vendors):
    ids = fill(vendors, 700)
    vendors.store.set_meta(salesforce_query.PAGE_ROWS, 150)
    manifest, calls = read(vendors)
    assert (manifest.landed, manifest.duplicates, landed(vendors)) == (700, 0, ids)
    assert calls.count("GET /queryAll") == 5


# Bulk.


def both_ways(vendors, name, bulk_rows=1):
    """What lands page by page, and what lands by a query job."""
    frames = []
    for rows in (10**9, bulk_rows):
        _, calls = read(vendors, name, bulk_rows=rows, full=True)
        assert bool(jobs(calls)) == (rows == bulk_rows)
        frame = vendors.rows("salesforce", name).drop("_ordinal").sort("id")
        frames.append(frame)
        vendors.next_night()
    return frames


def test_bulk_and_rest_land_the_same_rows(vendors):
    odd = [
        {"Name": 'A "quoted", name\nwith a line', "Website": "ü€"},
        {"ParentId": salesforce_id("Account", 1), "Tax_Id__c": "null"},
        {"IsDeleted": True, "MasterRecordId": salesforce_id("Account", 3)},
    ]
    fill(vendors, 2000)
    more = [account(2000 + n, **odd[n % 3]) for n in range(1, 301)]
    vendors.store.put_many("salesforce", "Account", more)
    by_page, by_job = both_ways(vendors, "account")
    assert by_page.equals(by_job)
    assert by_page["_deleted"].sum() == 100


def test_a_job_is_read_side_by_side_and_deleted_when_it_was_read(vendors):
    set_bulk(vendors.store, Settings(polls=2, page_rows=100))
    ids = fill(vendors, 3050)
    manifest, calls = read(vendors, bulk_rows=1000)
    assert (manifest.landed, manifest.duplicates, landed(vendors)) == (3050, 0, ids)
    assert jobs(calls) == [
        "DELETE /jobs/query/{id}",
        *["GET /jobs/query/{id}"] * 3,
        *["GET /jobs/query/{id}/resultPages"] * 3,
        *["GET /jobs/query/{id}/results"] * 11,
        "POST /jobs/query",
    ]


def test_changes_in_bulk_are_read_by_a_job_too(vendors):
    fill(vendors, 1)
    read(vendors)
    vendors.next_night()
    ids = fill(vendors, 3000, SystemModstamp=vendors.store.now())
    manifest, calls = read(vendors, bulk_rows=500)
    assert (manifest.mode, manifest.landed, manifest.duplicates) == ("incremental", 3000, 0)
    assert (landed(vendors), "POST /jobs/query" in calls) == (ids, True)


def test_a_scan_of_ids_uses_a_job_too(vendors):
    fill(vendors, 2500)
    read(vendors)
    vendors.next_night()
    vendors.store.delete("salesforce", "Account", salesforce_id("Account", 2400))
    manifest, calls = read(vendors, bulk_rows=100, key_scan_days=1)
    assert (manifest.keys_scanned, "POST /jobs/query" in calls) == (2499, True)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(refused={"Account": "INVALIDENTITY"}),
        Settings(refused={"Account": "FEATURENOTENABLED"}),
        Settings(jobs_left=0),
        Settings(failing=["Account"]),
    ],
    ids=["entity", "feature", "limit", "failed"],
)
def test_what_bulk_cannot_do_is_read_by_rest_side_by_side(vendors, settings):
    set_bulk(vendors.store, settings)
    ids = fill(vendors, 31_000)
    manifest, calls = read(vendors)
    assert (manifest.landed, manifest.duplicates, landed(vendors)) == (31_000, 0, ids)
    assert "POST /jobs/query" in calls
    assert 17 <= calls.count("GET /queryAll") <= 20


def test_changes_that_bulk_cannot_do_are_read_in_their_order(vendors):
    fill(vendors, 1)
    read(vendors)
    vendors.next_night()
    set_bulk(vendors.store, Settings(failing=["Account"]))
    ids = fill(vendors, 4100, SystemModstamp=vendors.store.now())
    manifest, _ = read(vendors, bulk_rows=1000)
    assert (manifest.landed, manifest.duplicates, landed(vendors)) == (4100, 0, ids)


def test_a_compound_field_is_no_field_for_bulk(vendors):
    address = declare("BillingAddress", kind="json")
    spec = dataclasses.replace(ACCOUNT, fields=(*ACCOUNT.fields, *address))
    fill(vendors, 2200, BillingCity="Leeds")
    manifest, calls = read(vendors, bulk_rows=100, objects={**OBJECTS, "account": spec})
    assert (manifest.landed, calls.count("POST /jobs/query")) == (2200, 1)
    assert '"city":"Leeds"' in vendors.rows("salesforce", "account")["billingaddress"][0]


def test_a_job_that_the_vendor_deleted_is_begun_anew(vendors):
    fill(vendors, 2500)

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            first = SalesforceSource(door, bulk_rows=100)
            start = await first.begin(ACCOUNT, None)
            page = await first.proceed(ACCOUNT, start.page.rest[0])
            # Another reader of the same job reads it to its end, and deletes it.
            for bookmark in page.rest:
                last = await first.proceed(ACCOUNT, bookmark)
            await first.proceed(ACCOUNT, last.rest[0])
            return [
                await outcome(first, bookmark) for bookmark in (start.page.rest[0], page.rest[0])
            ]

    async def outcome(source, bookmark):
        try:
            return await source.proceed(ACCOUNT, bookmark)
        except Exception as error:  # noqa: BLE001
            return error

    waiting, reading = asyncio.run(run())
    assert len(waiting.records) == 500
    assert type(reading).__name__ == "BookmarkExpired"


def test_a_page_that_leads_to_itself_is_read_again(vendors):
    set_bulk(vendors.store, Settings(page_rows=50))
    ids = fill(vendors, 3000)
    set_profile(vendors.store, "duplicate_pages", ("salesforce",), seed=4)
    manifest, calls = read(vendors, bulk_rows=500)
    assert (manifest.landed, landed(vendors)) == (3000, ids)
    assert calls.count("GET /jobs/query/{id}/results") > 20


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("bulk_rows", [500, 10**9])
def test_whatever_the_wire_does_the_rows_of_the_org_land(vendors, bulk_rows, seed):
    set_bulk(vendors.store, Settings(page_rows=150))
    amounts = ["29.00", "12345678.5", None, "0.1"]
    deals = [deal(n, Amount=amounts[n % 4], AccountId=f"00{n % 7}") for n in range(1, 6001)]
    vendors.store.put_many("salesforce", "Opportunity", deals)
    set_profile(vendors.store, CHAOS, ("salesforce",), seed=seed)
    with stamina.set_testing(True, attempts=6, cap=True):
        manifest, _ = read(vendors, "opportunity", bulk_rows=bulk_rows)
    assert manifest.landed == manifest.source_count == 6000
    rows = vendors.rows("salesforce", "opportunity").sort("id").select(*OPPORTUNITY.columns)
    true = [
        {item.column: row[item.path[0]] for item in OPPORTUNITY.fields}
        | {"amount": row["Amount"] and plain_number(row["Amount"])}
        for row in truth_rows(vendors.store, "salesforce", "Opportunity")
    ]
    assert rows.to_dicts() == true


class Mortal(SalesforceSource):
    """Dies after so many pages."""

    pages = 0

    async def proceed(self, spec, bookmark):
        page = await super().proceed(spec, json.loads(json.dumps(bookmark)))
        self.pages -= 1
        if self.pages < 0:
            raise ConnectionAbortedError
        return page


@pytest.mark.parametrize("parallel", [True, False])
def test_a_job_is_read_on_by_the_process_that_comes_after(vendors, monkeypatch, parallel):
    from extractors import landing
    from extractors.crm.salesforce import bulk

    monkeypatch.setattr(landing, "CHUNK_ROWS", 50)
    monkeypatch.setattr(bulk, "MOST_RECORDS", 100)
    set_bulk(vendors.store, Settings(page_rows=100, parallel=parallel))
    ids = fill(vendors, 3500)

    async def life(pages):
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            source = Mortal(door, bulk_rows=500)
            source.pages = pages
            return await extract_object(source, "account", vendors.raw, vendors.day)

    deaths = 0
    while True:
        try:
            manifest = asyncio.run(life(deaths % 5 + 1))
            break
        except ConnectionAbortedError:
            deaths += 1
            assert deaths < 100
    assert deaths > 3
    assert (manifest.landed, landed(vendors)) == (3500, ids)
    (job,) = jobs_of(vendors)
    assert job["state"] == "JobComplete"


def jobs_of(vendors):
    """All jobs that the org still has."""

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            return (await door.send(Call("GET", "/services/data/v62.0/jobs/query"))).body["records"]

    return asyncio.run(run())


NAMES = ("Id", "Name", "IsDeleted")


@pytest.mark.parametrize(
    "content",
    [
        b'"Id","Name","IsDeleted"\n"1","A","false"\n',
        b'"Id","Name","IsDeleted"\r\n"1","A","false"\r\n',
        b"Id,Name,IsDeleted\n1,A,false\n",
        b'"Name","Id","IsDeleted"\n"A","1","false"\n',
        b'"1","A","false"\n',
    ],
    ids=["quoted", "crlf", "bare", "reordered", "none"],
)
def test_a_header_is_taken_for_one_wherever_it_stands(content):
    assert text_frame(content, NAMES).to_dicts() == [{"id": "1", "name": "A", "isdeleted": "false"}]


def test_a_page_without_rows_is_a_page():
    for content in (b"", b'"Id","Name","IsDeleted"\n'):
        assert text_frame(content, NAMES).shape == (0, 3)


def test_a_row_that_looks_like_a_header_in_part_is_a_row():
    frame = text_frame(b'"Id","Name","other"\n', NAMES)
    assert frame.to_dicts() == [{"id": "Id", "name": "Name", "isdeleted": "other"}]


def test_a_page_that_is_no_csv_is_not_read_at_a_guess():
    with pytest.raises(ContractBroken, match="cannot be read as CSV"):
        text_frame(b'"1","A"\n"2","B","false","x"\n', NAMES)


def test_lines_within_values_are_no_rows_and_empty_lines_are_none():
    frame = text_frame(b'"1","A\nB","x"\n"2","C","y"\n\n', NAMES)
    assert frame["name"].to_list() == ["A\nB", "C"]


def test_numbers_and_times_of_bulk_are_spelled_as_in_rest():
    rows = pl.DataFrame(
        {"amount": ["1.0E7", "2.5", None], "createddate": ["2026-01-01T00:00:00.000Z", "", None]},
        schema=dict.fromkeys(("amount", "createddate"), pl.String()),
    )
    assert as_rest_writes(OPPORTUNITY, rows).to_dicts() == [
        {"amount": "10000000.0", "createddate": "2026-01-01T00:00:00.000+0000"},
        {"amount": "2.5", "createddate": ""},
        {"amount": None, "createddate": None},
    ]


# Logins and sessions.


def test_the_audience_of_an_assertion_is_the_login_host_and_not_the_org(vendors):
    config = SalesforceConfig(**vendors.settings["salesforce_jwt"])
    claims = jwt.decode(assertion(config), options={"verify_signature": False})
    assert claims["aud"] == "https://login.salesforce.com"
    assert claims["exp"] - time.time() == pytest.approx(ASSERTION_SECONDS, abs=5)
    fill(vendors, 2)
    assert read(vendors, config=config)[0].landed == 2
    wrong = dataclasses.replace(config, login_url=config.base_url)
    vendors.next_night()
    with pytest.raises(Unauthorized, match="audience is invalid"):
        read(vendors, config=wrong)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"client_secret": "s", "username": "u", "private_key_path": "p"},
        {"username": "u"},
        {"private_key_path": "p"},
    ],
)
def test_a_configuration_names_exactly_one_way_to_log_in(values):
    with pytest.raises(ValueError, match="give either client_secret or username"):
        SalesforceConfig("https://acme.my.salesforce.com", "id", **values)


def test_secrets_are_not_shown():
    config = SalesforceConfig("https://acme.my.salesforce.com", "id", client_secret="hush")
    assert "hush" not in repr(config)


def test_an_ended_session_is_renewed_once_for_all_calls(vendors, monkeypatch):
    fill(vendors, 6000)
    vendors.store.put_many("salesforce", "Opportunity", [deal(n) for n in range(1, 4500)])
    logins = []
    issue = credentials.issue_token
    monkeypatch.setattr(
        "extractors.sandbox.salesforce.issue_token",
        lambda *args: logins.append(1) or issue(*args),
    )

    class Revoking(SalesforceSource):
        async def begin(self, spec, *args, **kwargs):
            start = await super().begin(spec, *args, **kwargs)
            self.begun = getattr(self, "begun", 0) + 1
            if self.begun == 2:
                credentials.revoke_tokens(vendors.store)
            return start

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            source = Revoking(door)
            return await extract_system(
                source, vendors.raw, vendors.day, ["account", "opportunity"]
            )

    assert [manifest.landed for manifest in asyncio.run(run())] == [6000, 4499]
    assert len(logins) == 2


# What an org has, and what it lacks.


def with_field(name, **how):
    spec = dataclasses.replace(ACCOUNT, fields=(*ACCOUNT.fields, *declare(name, **how)))
    return {**OBJECTS, "account": spec}


@pytest.mark.parametrize("bulk_rows", [10_000, 1])
def test_an_optional_field_that_the_org_lacks_lands_as_null(vendors, caplog, bulk_rows):
    fill(vendors, 2100)
    objects = with_field("Segment__c")
    manifest, calls = read(vendors, objects=objects, bulk_rows=bulk_rows)
    assert manifest.landed == 2100
    assert vendors.rows("salesforce", "account")["segment__c"].null_count() == 2100
    assert "Account has no field Segment__c" in caplog.text
    assert any("Segment__c is gone" in message for message in manifest.schema_drift)
    assert calls.count("POST /composite/batch") == 3


def test_a_field_that_is_needed_and_lacking_breaks_the_contract(vendors):
    fill(vendors, 1)
    with pytest.raises(ContractBroken, match="Account has no field Segment__c"):
        read(vendors, objects=with_field("Segment__c", required=True))


def test_an_object_that_the_org_lacks_breaks_the_contract(vendors):
    spec = dataclasses.replace(ACCOUNT, vendor_name="Konto__c")

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            await SalesforceSource(door).begin(spec, None)

    with pytest.raises(ContractBroken, match="no object Konto__c"):
        asyncio.run(run())


def test_all_objects_are_counted_in_one_call_and_described_in_one(vendors):
    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            source = SalesforceSource(door)
            totals = await source.totals(list(OBJECTS.values()))
            described = await asyncio.gather(
                *(source.vendor_fields(spec) for spec in OBJECTS.values())
            )
            return (
                totals,
                described,
                door.metrics.endpoints["POST", "/services/data/v62.0/composite/batch"],
            )

    fill(vendors, 3)
    totals, described, batches = asyncio.run(run())
    assert (totals["account"].count, totals["contract"].count) == (3, 0)
    assert (described[0]["Id"], described[0]["ParentId"]) == ("id", "reference")
    assert batches.calls == 2


def night(vendors, wrap=lambda source: source, **how):
    """(Manifests, calls) of all objects."""

    async def run():
        async with open_door(vendors.config("salesforce"), HttpOptions()) as door:
            source = wrap(SalesforceSource(door, **how))
            manifests = await extract_system(source, vendors.raw, vendors.day)
            return {manifest.object: manifest for manifest in manifests}, door.metrics

    return asyncio.run(run())


def test_the_changes_of_all_objects_come_in_few_answers(vendors):
    fill(vendors, 30)
    vendors.store.put_many("salesforce", "Opportunity", [deal(n) for n in range(1, 31)])
    night(vendors)
    vendors.next_night()
    fill(vendors, 3, SystemModstamp=vendors.store.now())
    manifests, metrics = night(vendors)
    assert (manifests["account"].landed, manifests["opportunity"].landed) == (3, 0)
    assert {manifest.mode for manifest in manifests.values()} == {"incremental"}
    assert sorted(seen.calls for seen in metrics.endpoints.values()) == [1, 3]


def test_changes_that_fill_more_than_an_answer_go_on_by_themselves(vendors):
    fill(vendors, 30)
    night(vendors)
    vendors.next_night()
    ids = fill(vendors, 2500, SystemModstamp=vendors.store.now())
    manifests, _ = night(vendors)
    assert (manifests["account"].landed, landed(vendors)) == (2500, ids)


def test_one_query_that_fails_in_company_fails_alone(vendors):
    fill(vendors, 2)
    vendors.store.put_many("salesforce", "Opportunity", [deal(1)])
    night(vendors)
    vendors.next_night()
    for name in ("Account", "Opportunity"):
        key = salesforce_id(name, 1)
        vendors.store.put("salesforce", name, {"Id": key, "Name": "Changed"})
    objects = with_field("Segment__c")
    manifests, metrics = night(vendors, objects=objects)
    assert (manifests["account"].landed, manifests["opportunity"].landed) == (1, 1)
    singles = metrics.endpoints["GET", "/services/data/v62.0/queryAll"]
    assert singles.calls == 1


def test_a_used_up_quota_ends_all_that_ask_together(vendors):
    fill(vendors, 2)
    night(vendors)
    vendors.next_night()
    set_limits(vendors.store, {"salesforce": Limits(daily_calls=2)})
    with pytest.raises(RateLimited):
        night(vendors)
    set_limits(vendors.store, {"salesforce": None})


def test_ids_differ_by_case_alone(vendors):
    """Fifteen characters tell case apart, and so do we: all that is landed has eighteen."""
    upper, lower = salesforce_id("Account", 10), salesforce_id("Account", 36)
    assert upper[:15].lower() == lower[:15].lower()
    records = [account(10), account(36)]
    vendors.store.put_many("salesforce", "Account", records)
    assert (read(vendors)[0].landed, landed(vendors)) == (2, {upper, lower})


def test_the_history_of_a_field_is_read_by_the_time_of_its_creation(vendors):
    """It has no SystemModstamp, and changes never change."""
    vendors.store.put_many("salesforce", "Opportunity", [deal(1, Amount="10")])
    read(vendors, "opportunity_history")
    vendors.next_night()
    key = salesforce_id("Opportunity", 1)
    vendors.store.put("salesforce", "Opportunity", {"Id": key, "Amount": Decimal("12.5")})
    manifest, _ = read(vendors, "opportunity_history")
    assert (manifest.mode, manifest.landed) == ("incremental", 1)
    (change,) = vendors.rows("salesforce", "opportunity_history").to_dicts()
    assert (change["opportunityid"], change["field"]) == (key, "Amount")
    assert (change["oldvalue"], change["newvalue"]) == ("10", "12.5")


def test_a_value_of_any_type_lands_as_text():
    sent = {"Id": "017", "OldValue": True, "NewValue": "12.5", "IsDeleted": False}
    answer = {"done": True, "totalSize": "1", "records": [sent]}
    headers = httpx.Headers({"Date": "Sun, 01 Mar 2026 02:00:00 GMT"})
    page = _page_of_records(
        CONTRACT_HISTORY, Reply("salesforce", 200, headers, answer, b"", None), ()
    )
    assert page.records == [sent | {"OldValue": "true"}]
