"""Spark's SQL for a query that was written for DuckDB.

sqlglot translates the syntax. Here is what it passes over: where both engines accept a text and
mean different things by it, and what Spark has under another name.
"""

import re
from collections.abc import Callable

from sqlglot import exp, parse_one

_Rewrite = Callable[..., exp.Expression]

_TYPES = {
    exp.DType.INT128: "decimal(38, 0)",
    exp.DType.JSON: "string",
    exp.DType.UBIGINT: "bigint",
    exp.DType.TIMESTAMP: "timestamp_ntz",
}


def spark_sql(query: str) -> str:
    """Translate one query.

    Raises:
        sqlglot.errors.SqlglotError: it is no SQL of DuckDB.
        NotImplementedError: nobody has said yet what a part of it is in Spark.

    """
    root = exp.Paren(this=parse_one(query, read="duckdb"))
    # from the leaves up: `transform` does not look into what it has put in
    for node in reversed(list(root.this.walk())):
        if rewrite := _REWRITES.get(type(node)):
            node.replace(rewrite(node))
    return root.this.sql(dialect="spark", comments=False)


def _call(name: str, *arguments: exp.Expression | str) -> exp.Anonymous:
    return exp.Anonymous(
        this=name,
        expressions=[exp.maybe_parse(each, dialect="spark").copy() for each in arguments],
    )


def _type(node: exp.DataType) -> exp.Expression:
    name = _TYPES.get(node.this)
    return exp.DataType.build(name, dialect="spark") if name else node


def _cast(node: exp.Cast) -> exp.Expression:
    """A time of day as text: they are only compared. A list of JSON as a list of texts."""
    if node.to.is_type(exp.DType.TIME):
        return _call("DATE_FORMAT", node.this, "'HH:mm:ss.SSSSSS'")
    if isinstance(node.this, exp.ParseJSON) and node.to.is_type(exp.DType.ARRAY):
        return _call("FROM_JSON", node.this.this, "'array<string>'")
    return node


def _json_text(node: exp.JSONExtractScalar) -> exp.Expression:
    """A member of a list of texts is its text already."""
    is_root = isinstance(node.expression, exp.JSONPath) and len(node.expression.expressions) == 1
    return node.this if is_root else node


def _json_object(node: exp.JSONObject) -> exp.Expression:
    members = [part for pair in node.expressions for part in (pair.this, pair.expression)]
    return _call("TO_JSON", _call("NAMED_STRUCT", *members), "MAP('ignoreNullFields', 'false')")


def _date_diff(node: exp.DateDiff) -> exp.Expression:
    """DuckDB counts the midnights or full seconds that lie between, Spark what passed in whole."""
    unit = node.text("unit").lower()
    if unit == "day":
        return _call("DATEDIFF", *(exp.cast(end, "date") for end in _ends(node)))
    if unit == "second":
        later, earlier = (
            _call("UNIX_SECONDS", exp.cast(end, "timestamptz")) for end in _ends(node)
        )
        return exp.paren(later - earlier)
    raise NotImplementedError(f"date_diff by {unit}: say in {__name__} what it is in Spark")


def _ends(node: exp.DateDiff) -> tuple[exp.Expression, exp.Expression]:
    return node.this, node.expression


def _member(node: exp.Bracket) -> exp.Expression:
    """The first is 1 in DuckDB (sqlglot has put literals right); beyond the last there is null."""
    place = node.expressions[0]
    if isinstance(place, exp.Slice):
        raise NotImplementedError(f"a slice of a list: say in {__name__} what it is in Spark")
    return _call("GET", node.this, place if place.is_int else exp.paren(place.copy()) - 1)


def _first_by(name: str) -> _Rewrite:
    """DuckDB passes over rows without a value, Spark does not."""

    def rewrite(node: exp.ArgMin | exp.ArgMax) -> exp.Expression:
        place = exp.Case().when(node.this.is_(exp.null()).not_(), node.expression)
        return _call(name, node.this, place)

    return rewrite


def _format(node: exp.TimeToStr) -> exp.Expression:
    """Letters that stand for themselves are quoted in Spark."""
    quoted = re.sub(
        r"(%.)|([A-Za-z]+)", lambda part: part[1] or f"'{part[2]}'", node.args["format"].name
    )
    node.set("format", exp.Literal.string(quoted))
    return node


def _quantile(node: exp.PercentileDisc) -> exp.Expression:
    values = exp.Order(expressions=[exp.Ordered(this=node.this, nulls_first=True)])
    return exp.WithinGroup(this=_call("PERCENTILE_DISC", node.expression), expression=values)


def _anonymous(node: exp.Anonymous) -> exp.Expression:
    rewrite = _FUNCTIONS.get(node.name.lower())
    return rewrite(*node.expressions) if rewrite else node


_ADDED = parse_one(
    "F((total, member) -> total + COALESCE(member, 0L))", dialect="spark"
).expressions[0]

_FUNCTIONS: dict[str, _Rewrite] = {
    "list_reduce": lambda members, step, start: _call("AGGREGATE", members, start, step),
    "list_sum": lambda members: _call("AGGREGATE", members, "0L", _ADDED.copy()),
    "list_min": lambda members: _call("ARRAY_MIN", members),
    "row": lambda *members: _call("STRUCT", *members),
}

_REWRITES: dict[type[exp.Expression], _Rewrite] = {
    exp.Anonymous: _anonymous,
    exp.ArgMax: _first_by("MAX_BY"),
    exp.ArgMin: _first_by("MIN_BY"),
    exp.Bracket: _member,
    exp.Cast: _cast,
    exp.DataType: _type,
    exp.DateDiff: _date_diff,
    exp.DayOfWeekIso: lambda node: exp.paren(_call("WEEKDAY", node.this) + 1),
    exp.JSONExtractScalar: _json_text,
    exp.JSONObject: _json_object,
    exp.PercentileDisc: _quantile,
    # a double there, through which the amounts that it is multiplied by would pass
    exp.Sign: lambda node: exp.cast(node.copy(), "int"),
    exp.TimeToStr: _format,
}
