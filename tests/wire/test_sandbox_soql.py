"""SOQL of the sandbox: what it selects, and what it refuses."""

import json

import pytest

from extractors.sandbox.salesforce_query import Queries
from extractors.sandbox.soql import SoqlError, parse
from extractors.sandbox.store import Store

ROWS = [
    {"Id": "O1", "Name": "Ace", "Amount": "10.10", "IsWon": True, "CloseDate": "2026-01-31", "CurrencyIsoCode": "USD"},
    {"Id": "O2", "Name": "bee's", "Amount": "0.2", "IsWon": False, "CloseDate": "2026-02-01", "CurrencyIsoCode": "USD"},
    {"Id": "O3", "Name": "100%", "Amount": "100", "IsWon": True, "CloseDate": None, "CurrencyIsoCode": "EUR"},
    {"Id": "O4", "Name": None, "Amount": None, "IsWon": False, "CloseDate": "2026-03-01", "CurrencyIsoCode": "JPY"},
]  # fmt: skip


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("soql") / "sandbox.db")
    stamps = {"IsDeleted": False, "SystemModstamp": "2026-01-01T00:00:00.000+0000"}
    store.put_many("salesforce", "Opportunity", [{**row, **stamps} for row in ROWS])
    yield Queries(store)
    store.close()


def run(queries, soql):
    page = queries.start(soql, include_deleted=False, page_size=2000)
    return json.loads(page.text)["records"]


def names(queries, condition):
    rows = run(queries, f"SELECT Id FROM Opportunity WHERE {condition}")
    return [row["Id"] for row in rows]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Name = 'Ace'", ["O1"]),
        ("name = 'ACE'", ["O1"]),
        ("Name != 'Ace'", ["O2", "O3", "O4"]),
        ("Name = null", ["O4"]),
        ("Name != NULL", ["O1", "O2", "O3"]),
        (r"Name = 'bee\'s'", ["O2"]),
        ("Name LIKE 'a%'", ["O1"]),
        (r"Name LIKE '%\%'", ["O3"]),
        ("NOT Name LIKE 'a%'", ["O2", "O3", "O4"]),
        ("Name IN ('Ace', '100%')", ["O1", "O3"]),
        ("Name NOT IN ('Ace')", ["O2", "O3", "O4"]),
        ("Amount > 10", ["O1", "O3"]),
        ("Amount <= 0.2", ["O2"]),
        ("IsWon = TRUE AND Amount >= 100", ["O3"]),
        ("IsWon = true AND (Amount < 11 OR CurrencyIsoCode = 'EUR')", ["O1", "O3"]),
        ("IsWon = false AND Amount < 11 OR CurrencyIsoCode = 'EUR'", ["O2", "O3"]),
        ("CloseDate >= 2026-02-01", ["O2", "O4"]),
        ("SystemModstamp > 2026-01-01T00:00:00Z", []),
        ("SystemModstamp >= 2026-01-01T01:00:00+01:00", ["O1", "O2", "O3", "O4"]),
        ("SystemModstamp < 2026-01-01T00:00:00.001Z", ["O1", "O2", "O3", "O4"]),
    ],
)
def test_conditions_select(queries, condition, found):
    assert names(queries, condition) == found


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        ("ORDER BY Amount", ["O4", "O2", "O1", "O3"]),
        ("ORDER BY Amount DESC NULLS LAST", ["O3", "O1", "O2", "O4"]),
        ("ORDER BY IsWon, Name DESC LIMIT 3", ["O4", "O2", "O1"]),
        ("ORDER BY Id LIMIT 2 OFFSET 1", ["O2", "O3"]),
        ("LIMIT 0", []),
    ],
)
def test_order_limit_and_offset(queries, tail, found):
    assert [row["Id"] for row in run(queries, f"SELECT Id FROM Opportunity {tail}")] == found


def test_sums_are_exact_and_grouped(queries):
    soql = "SELECT CurrencyIsoCode, SUM(Amount) total, COUNT(Id) FROM Opportunity GROUP BY CurrencyIsoCode ORDER BY CurrencyIsoCode"
    rows = [
        (row["CurrencyIsoCode"], row["total"], row["expr2"], row["attributes"]["type"])
        for row in run(queries, soql)
    ]
    assert rows == [
        ("EUR", 100.0, 1, "AggregateResult"),
        ("JPY", None, 1, "AggregateResult"),
        ("USD", 10.3, 2, "AggregateResult"),
    ]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT Id", "MALFORMED_QUERY"),
        ("SELECT FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT * FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id, FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE (Name = 'x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name IS NULL", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity nonsense", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity LIMIT ten", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity; DROP TABLE x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM stripe", "INVALID_TYPE"),
        ("SELECT Nope FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Nope = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity ORDER BY Nope", "INVALID_FIELD"),
        (
            "SELECT Id FROM Opportunity WHERE SystemModstamp > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
        ),
        ("SELECT Id FROM Opportunity WHERE CloseDate > 2026-01-01T00:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE IsWon = 'true'", "INVALID_FIELD"),
        ("SELECT Name, SUM(Amount) FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Name FROM Opportunity GROUP BY Name", "MALFORMED_QUERY"),
    ],
)
def test_what_salesforce_refuses_is_refused(soql, code):
    with pytest.raises(SoqlError) as caught:
        parse(soql)
    assert caught.value.code == code
