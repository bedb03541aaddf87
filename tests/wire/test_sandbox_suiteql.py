"""SuiteQL of the sandbox: values, windows, functions, and what it refuses."""

import pytest

from extractors.sandbox.netsuite_account import Account, set_up_account


@pytest.fixture
def http(sandbox):
    with sandbox.netsuite() as http:
        yield http


@pytest.fixture
def account(sandbox_store):
    """Changes the account's preferences for one test."""
    before = Account()
    yield lambda **changes: set_up_account(sandbox_store, **changes)
    set_up_account(sandbox_store, **{name: getattr(before, name) for name in vars(before)})


def ask(http, query, limit=1000, offset=0, **options):
    window = {"limit": limit, "offset": offset}
    return http.post("query/v1/suiteql", params=window, json={"q": query}, **options)


def rows(http, query, **window):
    items = ask(http, query, **window).json()["items"]
    return [{name: value for name, value in item.items() if name != "links"} for item in items]


def refusal(response):
    (detail,) = response.json()["o:errorDetails"]
    places = ("o:errorQueryParam", "o:errorHeader", "o:errorPath")
    where = next((detail[place] for place in places if place in detail), None)
    return response.status_code, detail["o:errorCode"], where


def test_every_value_is_a_string_keys_are_lower_case_and_nulls_are_left_out(http):
    query = "SELECT ID, CompanyName, billcountry, 1 + 1 AS Two FROM customer WHERE id IN (1, 2) ORDER BY id"
    assert rows(http, query) == [
        {"id": "1", "companyname": "Company 0001", "billcountry": "DE", "two": "2"},
        {"id": "2", "companyname": "Company 0002", "two": "2"},
    ]


def test_windows_cover_the_result_once(http):
    query = "SELECT id FROM customer WHERE id <= 1205 ORDER BY id"
    first = ask(http, query).json()
    assert (first["count"], first["hasMore"], first["totalResults"]) == (1000, True, 1205)
    rels = {link["rel"]: link["href"] for link in first["links"]}
    assert rels["next"].endswith("limit=1000&offset=1000")
    second = http.post(rels["next"], json={"q": query}).json()
    assert (second["count"], second["hasMore"], second["offset"]) == (205, False, 1000)
    seen = [item["id"] for item in first["items"] + second["items"]]
    assert seen == [str(n) for n in range(1, 1206)]


def test_numbers_sort_and_compare_as_numbers(http):
    query = "SELECT id FROM customer WHERE id > '998' AND id < 1001 ORDER BY id"
    assert rows(http, query) == [{"id": "999"}, {"id": "1000"}]


def test_dates_come_in_the_accounts_form_unless_formatted(http):
    query = (
        "SELECT c.lastmodifieddate, TO_CHAR(c.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS exact, "
        "TO_CHAR(c.lastmodifieddate, 'DD/MM/YYYY') AS day FROM customer c WHERE c.id = 3"
    )
    assert rows(http, query) == [
        {"lastmodifieddate": "5/1/2026", "exact": "2026-05-01 00:00:00", "day": "01/05/2026"}
    ]
    (period,) = rows(http, "SELECT * FROM accountingperiod WHERE periodname = 'Jun 2026'")
    assert (period["startdate"], period["isyear"]) == ("6/1/2026", "F")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("startdate >= TO_DATE('2026-12-01', 'YYYY-MM-DD')", 1),
        ("startdate >= TO_DATE('01.12.2026', 'DD.MM.YYYY')", 1),
        ("startdate >= TO_DATE('2026-12-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS')", 1),
        ("startdate > TO_DATE('2026-12-01', 'YYYY-MM-DD')", 0),
        ("NVL(closed, 'F') = 'T' AND isquarter = 'F'", 1),
        ("enddate < TO_DATE(NULL, 'YYYY-MM-DD')", 0),
    ],
)
def test_dates_compare_through_to_date(http, condition, found):
    months = "isyear = 'F' AND isquarter = 'F'"
    query = f"SELECT id FROM accountingperiod WHERE {months} AND {condition}"
    assert len(rows(http, query)) == found


def test_the_word_transaction_is_a_table_and_a_column(http, sandbox_store):
    sandbox_store.put("netsuite", "transaction", {"id": "900001", "type": "CustInvc"})
    for n, amount in enumerate(("-0.10", "-0.20", "0.30")):
        line = {"transaction": "900001", "id": n, "foreignamount": amount}
        sandbox_store.put("netsuite", "transactionline", line)
    query = (
        "SELECT t.type, l.transaction, SUM(l.foreignamount) AS amount FROM transaction t "
        "JOIN transactionline l ON l.transaction = t.id WHERE t.id = 900001 "
        "GROUP BY t.type, l.transaction"
    )
    assert rows(http, query) == [{"type": "CustInvc", "transaction": "900001", "amount": "0.0"}]


def test_what_is_not_named_is_numbered(http):
    query = "SELECT COUNT(*), MAX(id), MIN(id) AS least FROM term"
    assert rows(http, query) == [{"expr1": "5", "expr2": "5", "least": "1"}]


def test_the_first_rows_are_fetched_as_oracle_does(http):
    query = "SELECT id FROM term ORDER BY id DESC FETCH FIRST 2 ROWS ONLY"
    assert ask(http, query).json()["totalResults"] == 2
    assert rows(http, query) == [{"id": "5"}, {"id": "4"}]


def test_subqueries_comments_and_quotes_pass(http):
    query = (
        "WITH big AS (SELECT id FROM customer WHERE id > 1200 AND id <= 1205) -- late ones\n"
        "SELECT COUNT(*) AS n FROM customer /* all */ WHERE id IN (SELECT id FROM big) "
        "AND companyname <> 'it''s; LIMIT'"
    )
    assert rows(http, query) == [{"n": "5"}]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM customer",
        "UPDATE customer SET companyname = 'x'",
        "DROP TABLE customer",
        "SELECT id FROM customer; DELETE FROM customer",
        "SELECT id FROM customer LIMIT 5",
        "SELECT id FROM customer OFFSET 5",
        "SELECT * FROM unicorn",
        "SELECT nope FROM customer",
        "SELECT id FROM customer WHERE",
        "SELECT * FROM meta",
        "SELECT * FROM stripe",
        "SELECT * FROM stripe_idempotency",
        "SELECT * FROM salesforce_account",
        "SELECT * FROM sqlite_master",
        "SELECT value FROM main.meta",
        "SELECT load_extension('x')",
        "SELECT readfile('x')",
        "SELECT TO_DATE('yesterday', 'YYYY-MM-DD') FROM term",
        "SELECT TO_CHAR(lastmodifieddate, 'Q') FROM customer",
        "PRAGMA table_info(customer)",
        "ATTACH DATABASE 'x' AS y",
        "",
    ],
)
def test_what_is_no_query_on_the_vendors_tables_is_refused(http, sandbox_store, query):
    assert refusal(ask(http, query)) == (400, "INVALID_PARAMETER", "q")
    assert sandbox_store.get("netsuite", "customer", "1")["companyname"] == "Company 0001"


@pytest.mark.parametrize(
    ("window", "where"),
    [
        ({"limit": 1001}, "limit"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": 100, "offset": 50}, "offset"),
        ({"limit": 1000, "offset": -1000}, "offset"),
        ({"limit": 1000, "offset": 100_000}, "offset"),
    ],
)
def test_windows_have_limits(http, window, where):
    answer = ask(http, "SELECT id FROM term", **window)
    assert refusal(answer) == (400, "INVALID_PARAMETER", where)


def test_the_prefer_header_is_required(http):
    answer = ask(http, "SELECT id FROM term", headers={"Prefer": "respond-async"})
    assert refusal(answer) == (400, "INVALID_HEADER", "Prefer")


def test_the_body_must_hold_a_query(http):
    answer = http.post("query/v1/suiteql", json={"query": "SELECT id FROM term"})
    assert refusal(answer) == (400, "INVALID_PARAMETER", "q")


def test_an_account_tells_dates_numbers_and_times_in_its_own_way(http, account):
    account(date_format="DD.MM.YYYY", number_format="1.234,56", time_zone="America/Los_Angeles")
    query = (
        "SELECT c.lastmodifieddate, TO_CHAR(c.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS local, "
        "TO_CHAR(SYS_EXTRACT_UTC(c.lastmodifieddate), 'YYYY-MM-DD HH24:MI:SS') AS utc "
        "FROM customer c WHERE c.id = 3"
    )
    (row,) = rows(http, query)
    assert row == {
        "lastmodifieddate": "30.04.2026",
        "local": "2026-04-30 17:00:00",
        "utc": "2026-05-01 00:00:00",
    }
    assert rows(http, "SELECT startdate FROM accountingperiod WHERE id = 2606") == [
        {"startdate": "01.06.2026"}
    ]


def test_numbers_take_the_accounts_signs_unless_a_mask_says_otherwise(http, account, sandbox_store):
    line = {"transaction": "900002", "id": 1, "quantity": "1234567", "rate": "-1234.5"}
    sandbox_store.put("netsuite", "transaction", {"id": "900002", "type": "CustInvc"})
    sandbox_store.put("netsuite", "transactionline", {**line, "foreignamount": "0.004"})
    query = (
        "SELECT quantity, rate, TO_CHAR(rate) AS text, TO_CHAR(rate, 'FM99990.0999') AS masked, "
        "RTRIM(TO_CHAR(quantity, 'FM9999999990.999'), '.') AS whole, "
        "TO_CHAR(foreignamount, 'FM90.00') AS small, TO_CHAR(quantity, 'FM90.00') AS wide "
        "FROM transactionline WHERE transaction = 900002"
    )
    fixed = {"masked": "-1234.5", "whole": "1234567", "small": "0.00", "wide": "######"}
    assert rows(http, query) == [
        {"quantity": "1234567", "rate": "-1234.5", "text": "-1234.5", **fixed}
    ]
    account(number_format="1.234,56")
    assert rows(http, query) == [
        {"quantity": "1.234.567", "rate": "-1.234,5", "text": "-1234,5", **fixed}
    ]


def test_times_are_compared_by_the_accounts_clock_or_in_utc(http, account):
    """Both hours of the autumn night when the clock goes back read alike; the instants do not."""
    account(time_zone="America/Los_Angeles")
    local = "lastmodifieddate >= TO_DATE('2026-04-30 {hour}:00:00', 'YYYY-MM-DD HH24:MI:SS')"
    utc = "SYS_EXTRACT_UTC(lastmodifieddate) >= TO_TIMESTAMP('{at}', 'YYYY-MM-DD HH24:MI:SS')"
    for condition, found in (
        (local.format(hour=17), 1),
        (local.format(hour=18), 0),
        (utc.format(at="2026-05-01 00:00:00"), 1),
        (utc.format(at="2026-05-01 00:00:01"), 0),
    ):
        assert len(rows(http, f"SELECT id FROM customer WHERE id = 3 AND {condition}")) == found


def test_counts_of_many_tables_cost_one_call(http):
    query = (
        "SELECT 'term' AS name, COUNT(*) AS n, MAX(id) AS last FROM term UNION ALL "
        "SELECT 'customer', COUNT(*), MAX(id) FROM customer WHERE id <= 1205"
    )
    assert rows(http, query) == [
        {"name": "term", "n": "5", "last": "5"},
        {"name": "customer", "n": "1205", "last": "1205"},
    ]


def test_rows_are_lost_beside_the_count_that_tells_of_them(http, sandbox_store):
    query = (
        "SELECT 'count' AS what, TO_CHAR(COUNT(*)) AS told FROM term UNION ALL "
        "SELECT 'row' AS what, TO_CHAR(id) AS told FROM term"
    )
    whole = [row["told"] for row in rows(http, query)]
    sandbox_store.set_meta("faults", {"drop": {"netsuite.term": [whole[1]]}})
    try:
        lost = [row["told"] for row in rows(http, query)]
        together = [row["what"] for row in rows(http, f"{query} ORDER BY 1")]
    finally:
        sandbox_store.set_meta("faults", None)
    assert whole[0] == str(len(whole) - 1)
    assert lost == [whole[0], *whole[2:]]
    assert together == sorted(together)


def test_a_second_book_doubles_what_is_posted(http, account, sandbox_store):
    posting = {"transaction": "900003", "transactionline": "0", "accountingbook": "1"}
    sandbox_store.put("netsuite", "transaction", {"id": "900003", "type": "Journal"})
    sandbox_store.put("netsuite", "transactionaccountingline", {**posting, "amount": "5"})
    query = (
        "SELECT accountingbook AS book, amount FROM transactionaccountingline "
        "WHERE transaction = 900003 ORDER BY accountingbook"
    )
    assert rows(http, query) == [{"book": "1", "amount": "5"}]
    account(second_book=True)
    assert [row["book"] for row in rows(http, query)] == ["1", "2"]
    own = {**posting, "accountingbook": "2", "amount": "4"}
    sandbox_store.put("netsuite", "transactionaccountingline", own)
    assert [row["amount"] for row in rows(http, query)] == ["5", "4"]


def detail(response):
    return response.json()["o:errorDetails"][0]["detail"]


def test_what_an_account_lacks_is_named(http, account):
    account(absent=["revenueplan", "customer.custentity_sfdc_id"])
    assert "Record 'revenueplan' was not found" in detail(ask(http, "SELECT id FROM revenueplan"))
    lacking = ask(http, "SELECT c.id, c.custentity_sfdc_id FROM customer c")
    assert "Unknown identifier 'custentity_sfdc_id'" in detail(lacking)
    assert "{c=customer}" in detail(lacking)
    (row,) = rows(http, "SELECT * FROM customer WHERE id = 1")
    assert "companyname" in row
    assert not any("$" in name for name in row)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT SYS_EXTRACT_UTC(startdate) FROM accountingperiod",
        "SELECT SYS_EXTRACT_UTC(TO_DATE('2026-01-01', 'YYYY-MM-DD')) FROM term",
        "SELECT lastmodifieddate$utc FROM customer",
        'SELECT "lastmodifieddate$utc" FROM customer',
        'SELECT "nope" FROM customer',
        'SELECT id FROM customer WHERE "nope" = 1',
        "SELECT SYS_EXTRACT_UTC(lastmodifieddate) FROM term",
        "SELECT transaction FROM customer",
        "SELECT account_time(lastmodifieddate) FROM customer",
        "SELECT json_quote(id) FROM customer",
        "SELECT TO_CHAR(id, 'Q') FROM customer",
    ],
)
def test_what_suiteql_cannot_compute_is_refused(http, query):
    assert refusal(ask(http, query)) == (400, "INVALID_PARAMETER", "q")


def test_values_that_need_escaping_arrive_whole(http, sandbox_store):
    name = 'A "quoted" \\ name, with \n and \u00e9\u2028'
    sandbox_store.put("netsuite", "term", {"id": "77", "name": name})
    try:
        query = "SELECT name, 'it''s' AS other FROM term WHERE id = 77"
        assert rows(http, query) == [{"name": name, "other": "it's"}]
    finally:
        sandbox_store.execute("DELETE FROM netsuite_term WHERE id = 77")
