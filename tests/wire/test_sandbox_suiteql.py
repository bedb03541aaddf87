"""SuiteQL of the sandbox: values, windows, functions, and what it refuses."""

import pytest


@pytest.fixture
def http(sandbox):
    with sandbox.netsuite() as http:
        yield http


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
