"""Collections of records: the ids of those that a condition holds for.

`q` knows single body fields: `companyName START_WITH "A" AND dateCreated AFTER "1/31/2026"`.
Dates are bare and in the account's own format.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from extractors.sandbox import netsuite_records as records
from extractors.sandbox.netsuite_account import account
from extractors.sandbox.netsuite_errors import NetSuiteError, wrong_parameter
from extractors.sandbox.schema import TABLES, Kind
from extractors.sandbox.store import Store
from extractors.sandbox.suiteql_functions import account_time

_TOKEN = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|([(),\[\]])|([^\s(),\[\]"]+))""")
_DATE_PARTS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "M": "%m", "D": "%d"}
_PRESENCE = {"EMPTY"}
_OPERATORS: dict[Kind, set[str]] = {
    "text": {"IS", "CONTAIN", "START_WITH", "END_WITH"},
    "boolean": {"IS"},
    "date": {"ON", "AFTER", "BEFORE", "ON_OR_AFTER", "ON_OR_BEFORE"},
    "decimal": {"EQUAL", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL", "BETWEEN"}
    | {"ANY_OF", "WITHIN"},
}
_OPERATORS |= {
    "integer": _OPERATORS["decimal"],
    "id": _OPERATORS["decimal"],
    "datetime": _OPERATORS["date"],
}
_SIGNS = {
    "EQUAL": "=", "GREATER": ">", "GREATER_OR_EQUAL": ">=", "LESS": "<", "LESS_OR_EQUAL": "<=",
    "ON": "=", "AFTER": ">", "BEFORE": "<", "ON_OR_AFTER": ">=", "ON_OR_BEFORE": "<=",
}  # fmt: skip
_LIKE = {"CONTAIN": "%{}%", "START_WITH": "{}%", "END_WITH": "%{}"}


def ids(store: Store, kind: str, q: str | None) -> list[str]:
    """Internal ids in their order, of the records of a type that `q` holds for."""
    table = records.table_of(kind)
    condition, parameters = _Filter(store, table, q).sql() if q else ("1", [])
    typed = ""
    if kind in records.TRANSACTIONS:
        typed = " AND type = ?"
        parameters = [*parameters, records.TRANSACTIONS[kind]]
    sql = f"SELECT id FROM netsuite_{table} WHERE ({condition}){typed} ORDER BY id"
    return [str(row[0]) for row in store.query(sql, parameters)]


class _Filter:
    """Reads a condition from left to right and writes it as SQL."""

    def __init__(self, store: Store, table: str, q: str) -> None:
        self._columns = TABLES["netsuite", table].columns
        self._names = {records.rest_name(column).lower(): column for column in self._columns}
        set_up = account(store)
        self._date_format = set_up.date_format
        self._local: Callable[[str | None], str | None] = account_time(set_up.time_zone)
        self._parameters: list[Any] = []
        self._tokens = self._split(q)
        self._at = 0

    def sql(self) -> tuple[str, list[Any]]:
        condition = self._any()
        if self._at < len(self._tokens):
            raise self._refusal(f"unexpected {self._tokens[self._at][0]}")
        return condition, self._parameters

    def _split(self, q: str) -> list[tuple[str, bool]]:
        """(token, whether it was quoted)."""
        tokens, at = [], 0
        text = q.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._refusal(f"unexpected {text[at]}")
            quoted, sign, word = match.groups()
            is_quoted = quoted is not None
            tokens.append((quoted if is_quoted else sign or word, is_quoted))
            at = match.end()
        return tokens

    def _any(self) -> str:
        parts = [self._all()]
        while self._takes("OR"):
            parts.append(self._all())
        return " OR ".join(parts)

    def _all(self) -> str:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return " AND ".join(parts)

    def _one(self) -> str:
        if self._takes("("):
            inner = self._any()
            self._expect(")")
            return f"({inner})"
        name = self._next()
        column = self._names.get(name.lower())
        if column is None:
            raise self._refusal(f"there is no field {name}")
        operator = self._next().upper()
        is_not = operator.endswith("_NOT")
        operator = operator.removesuffix("_NOT")
        kind = self._columns[column]
        if operator not in _OPERATORS[kind] | _PRESENCE:
            raise self._refusal(f"{operator} does not apply to {name}")
        condition = self._condition(column, kind, operator)
        return f"NOT ({condition})" if is_not else condition

    def _condition(self, column: str, kind: Kind, operator: str) -> str:
        if operator == "EMPTY":
            return f'"{column}" IS NULL'
        if operator in {"ANY_OF", "BETWEEN", "WITHIN"}:
            values = self._list()
            self._parameters.extend(values)
            if operator == "ANY_OF":
                return f'"{column}" IN ({", ".join("?" * len(values))})'
            if len(values) != 2:  # noqa: PLR2004
                raise self._refusal(f"{operator} takes two values")
            return f'"{column}" BETWEEN ? AND ?'
        value = self._next()
        if kind in {"date", "datetime"}:
            return self._on_day(column, kind, operator, value)
        if kind == "boolean":
            value = {"true": "T", "false": "F"}.get(value.lower(), value)
        self._parameters.append(_LIKE.get(operator, "{}").format(value))
        if operator in _LIKE:
            return f'"{column}" LIKE ?'
        return f'"{column}" {_SIGNS.get(operator, "=")} ?'

    def _on_day(self, column: str, kind: Kind, operator: str, value: str) -> str:
        """Days are compared, by the account's clock."""
        form = re.sub("YYYY|MM|DD|M|D", lambda part: _DATE_PARTS[part.group()], self._date_format)
        try:
            wanted = datetime.strptime(value, form).date()  # noqa: DTZ007
        except ValueError:
            raise self._refusal(f"not a date of this account: {value}") from None
        self._parameters.append(wanted.isoformat())
        if kind == "date":
            return f'"{column}" {_SIGNS[operator]} ?'
        shift = self._offset(wanted.isoformat())
        self._parameters.insert(-1, f"{shift:+d} seconds")
        return f'date("{column}", ?) {_SIGNS[operator]} ?'

    def _offset(self, day: str) -> int:
        noon = f"{day} 12:00:00"
        local = self._local(noon) or noon
        lead: timedelta = datetime.fromisoformat(local) - datetime.fromisoformat(noon)
        return int(lead.total_seconds())

    def _list(self) -> Sequence[str]:
        self._expect("[")
        values = [self._next()]
        while self._takes(","):
            values.append(self._next())
        self._expect("]")
        return values

    def _takes(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (word, False):
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise self._refusal(f"{word} is missing")

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._refusal("unexpected end")
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _refusal(self, why: str) -> NetSuiteError:
        return wrong_parameter("q", f"Invalid query parameter q: {why}")
