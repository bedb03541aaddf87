"""What sqlglot alone would hand to Spark with another meaning, or in words that Spark does not know."""

import pytest

from orchestration.spark.dialect import spark_sql


def spark(expression: str) -> str:
    return spark_sql(f"select {expression}").removeprefix("SELECT ")


@pytest.mark.parametrize(
    ("duckdb", "expected"),
    [
        pytest.param("isodow(d)", "(WEEKDAY(d) + 1)", id="monday is 1"),
        pytest.param("cast(t as time)", "DATE_FORMAT(t, 'HH:mm:ss.SSSSSS')", id="time of day"),
        pytest.param("sign(days)", "CAST(SIGN(days) AS INT)", id="no double"),
        pytest.param("cast(n as hugeint)", "CAST(n AS DECIMAL(38, 0))", id="hugeint"),
        pytest.param("cast(t as timestamp)", "CAST(t AS TIMESTAMP_NTZ)", id="no time zone"),
        pytest.param("members[1]", "GET(members, 0)", id="first member"),
        pytest.param("members[place]", "GET(members, (place) - 1)", id="member, or null"),
        pytest.param("row(a, b)", "STRUCT(a, b)", id="row"),
        pytest.param("list_min(members)", "ARRAY_MIN(members)", id="least member"),
        pytest.param(
            "strftime(t, '%Y-%m-%dT%H:%M:%SZ')",
            r"DATE_FORMAT(t, 'yyyy-MM-dd\'T\'HH:mm:ss\'Z\'')",
            id="letters that stand for themselves",
        ),
        pytest.param(
            "arg_min(name, number)",
            "MIN_BY(name, CASE WHEN NOT name IS NULL THEN number END)",
            id="rows without a value are passed over",
        ),
        pytest.param(
            "quantile_disc(seconds, 0.5)",
            "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY seconds)",
            id="quantile",
        ),
        pytest.param(
            "json_object('a', a)",
            "TO_JSON(NAMED_STRUCT('a', a), MAP('ignoreNullFields', 'false'))",
            id="JSON keeps nulls",
        ),
        pytest.param(
            "cast(json(ids) as json[])", "FROM_JSON(ids, 'array<string>')", id="JSON list as texts"
        ),
        pytest.param("member ->> '$'", "member", id="such a text is its value"),
        pytest.param(
            "member ->> '$.id'", "GET_JSON_OBJECT(member, '$.id')", id="part of such a text"
        ),
    ],
)
def test_an_expression_means_the_same_on_spark(duckdb, expected):
    assert spark(duckdb) == expected


def test_seconds_and_days_are_counted_as_duckdb_counts_them():
    assert spark("date_diff('second', a, b)") == (
        "(UNIX_SECONDS(CAST(b AS TIMESTAMP)) - UNIX_SECONDS(CAST(a AS TIMESTAMP)))"
    )
    assert spark("date_diff('day', a, b)") == "DATEDIFF(CAST(b AS DATE), CAST(a AS DATE))"


def test_what_stands_in_another_expression_is_translated_too():
    assert spark("arg_max(isodow(d), members[1])") == (
        "MAX_BY((WEEKDAY(d) + 1), CASE WHEN NOT (WEEKDAY(d) + 1) IS NULL THEN GET(members, 0) END)"
    )


@pytest.mark.parametrize("unknown", ["date_diff('month', a, b)", "members[1:2]"])
def test_what_nobody_has_translated_is_refused(unknown):
    with pytest.raises(NotImplementedError, match=r"orchestration\.spark\.dialect"):
        spark(unknown)
