"""SOQL as a pipeline asks it: one object, its children, conditions, aggregates, order; as SQL.

What Salesforce would refuse is refused with its own error codes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from extractors.sandbox.salesforce_schema import (
    COMPOUNDS,
    find_table,
    holds_ids,
    long_id,
    relationship,
)
from extractors.sandbox.schema import Kind, Table

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:\\.|[^'\\])*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_RESERVED = ("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "AND", "OR", "NOT", "IN")
_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_AGGREGATES = {"COUNT": "COUNT", "SUM": "decimal_sum", "MIN": "MIN", "MAX": "MAX"}
_LITERALS: dict[Kind, tuple[str, ...]] = {
    "id": ("string",),
    "text": ("string",),
    "decimal": ("number",),
    "integer": ("number",),
    "boolean": ("boolean",),
    "date": ("date",),
    "datetime": ("datetime",),
}
LARGEST_OFFSET = 2000


class SoqlError(Exception):
    """A query that Salesforce refuses, with its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Token:
    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words


@dataclass(frozen=True)
class Selected:
    """One output column: a field, or an aggregate with its name in the answer."""

    sql: str
    name: str
    kind: Kind | Literal["compound"]


@dataclass(frozen=True)
class Children:
    """A sub-query: the children of each row, which name their parent in `column`."""

    name: str
    column: str
    query: "Query"


@dataclass
class Query:
    """A parsed query; `where` and the rest are SQL over the object's table."""

    table: Table
    selected: list[Selected] = field(default_factory=list)
    children: list[Children] = field(default_factory=list)
    is_count: bool = False
    is_aggregate: bool = False
    where: str = "1"
    parameters: list[Any] = field(default_factory=list)
    group_by: list[str] = field(default_factory=list)
    order_by: list[str] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    @property
    def tail(self) -> str:
        """Order, limit and offset as SQL."""
        order = (
            ", ".join(self.order_by) if self.is_aggregate else ", ".join([*self.order_by, '"Id"'])
        )
        ordered = f" ORDER BY {order}" if order else ""
        return f"{ordered} LIMIT {-1 if self.limit is None else self.limit} OFFSET {self.offset}"


def parse(text: str) -> Query:
    """The query, or SoqlError."""
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[Token]:
    tokens, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: {text[position:].strip()[:20]}")
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match.group(kind)))
        position = match.end()
    return [*tokens, Token("end", "<EOF>")]


class _Parser:
    """Recursive descent; reads the FROM first, since the fields are checked against it.

    `parent` is the object whose children a sub-query reads.
    """

    def __init__(self, tokens: Sequence[Token], parent: Table | None = None) -> None:
        self._tokens = tokens
        self._at = 0
        self.name, self.parent_column = "", ""
        self._table = self._find_table(parent)

    def query(self) -> Query:
        query = Query(self._table)
        self._expect("SELECT")
        self._select(query)
        self._expect("FROM")
        self._next()
        if self._accept("WHERE"):
            query.where = self._disjunction(query.parameters)
        if self._accept("GROUP"):
            self._expect("BY")
            query.group_by = [self._field()[0] for _ in self._listed()]
        if self._accept("ORDER"):
            self._expect("BY")
            query.order_by = [self._ordering() for _ in self._listed()]
        self._bounds(query)
        if self._peek().kind != "end":
            raise self._unexpected()
        _check_grouping(query)
        return query

    def _find_table(self, parent: Table | None) -> Table:
        start = self._own_from()
        if start is None or self._tokens[start + 1].kind != "word":
            raise SoqlError("MALFORMED_QUERY", "expecting a FROM clause with one object")
        self.name = self._tokens[start + 1].text
        if parent is not None:
            return self._related(parent)
        table = find_table(self.name)
        if table is None:
            raise SoqlError("INVALID_TYPE", f"sObject type '{self.name}' is not supported.")
        return table

    def _own_from(self) -> int | None:
        """Where the FROM is that belongs to no sub-query."""
        depth = 0
        for position, token in enumerate(self._tokens):
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
            if depth == 0 and token.is_word("FROM"):
                return position
        return None

    def _related(self, parent: Table) -> Table:
        found = relationship(parent, self.name)
        if found is None:
            raise SoqlError(
                "INVALID_TYPE",
                f"Didn't understand relationship '{self.name}' in FROM part of query call.",
            )
        table, self.parent_column = found
        return table

    def _select(self, query: Query) -> None:
        if self._peek().is_word("COUNT") and [t.text for t in self._ahead(1, 3)] == ["(", ")"]:
            self._at += 3
            query.is_count = True
            return
        for _ in self._listed():
            if self._accept("("):
                query.children.append(self._children())
            else:
                query.selected.append(self._selected(len(query.selected)))
        query.is_aggregate = any("(" in selected.sql for selected in query.selected)
        names = [selected.name for selected in query.selected]
        for name in names:
            if names.count(name) > 1:
                raise SoqlError("INVALID_FIELD", f"duplicate field selected: {name}")

    def _selected(self, position: int) -> Selected:
        if self._peek().text.upper() in _AGGREGATES and self._ahead(1, 2)[0].text == "(":
            function = self._next().text.upper()
            self._expect("(")
            column, kind = self._field()
            self._expect(")")
            alias = self._next().text if self._is_alias() else f"expr{position}"
            result: Kind = "integer" if function == "COUNT" else kind
            return Selected(f"{_AGGREGATES[function]}({column})", alias, result)
        for compound in COMPOUNDS.get(self._table.name, ()):
            if self._peek().is_word(compound.name.upper()):
                self._next()
                return Selected(compound.name, compound.name, "compound")
        column, kind = self._field()
        return Selected(column, column.strip('"'), kind)

    def _children(self) -> Children:
        start, depth = self._at, 1
        while depth:
            token = self._next()
            if token.kind == "end":
                raise self._unexpected()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        inside = [*self._tokens[start : self._at - 1], Token("end", "<EOF>")]
        parser = _Parser(inside, self._table)
        query = parser.query()
        if query.is_count or query.is_aggregate or query.children:
            raise SoqlError("MALFORMED_QUERY", "a sub-query selects fields of its children")
        return Children(parser.name, parser.parent_column, query)

    def _is_alias(self) -> bool:
        return self._peek().kind == "word" and not self._peek().is_word("FROM")

    def _listed(self) -> Any:
        """Yield once per element of a comma-separated list."""
        yield
        while self._accept(","):
            yield

    def _field(self) -> tuple[str, Kind]:
        token = self._next()
        if token.kind != "word" or token.is_word(*_RESERVED):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token.text}'")
        for column, kind in self._table.columns.items():
            if column.lower() == token.text.lower():
                return f'"{column}"', kind
        raise SoqlError(
            "INVALID_FIELD",
            f"No such column '{token.text}' on entity '{self._table.name}'. If you are attempting "
            "to use a custom field, be sure to append the '__c' after the custom field name.",
        )

    def _disjunction(self, parameters: list[Any]) -> str:
        parts = [self._conjunction(parameters)]
        while self._accept("OR"):
            parts.append(self._conjunction(parameters))
        return f"({' OR '.join(parts)})"

    def _conjunction(self, parameters: list[Any]) -> str:
        parts = [self._negation(parameters)]
        while self._accept("AND"):
            parts.append(self._negation(parameters))
        return f"({' AND '.join(parts)})"

    def _negation(self, parameters: list[Any]) -> str:
        if self._accept("NOT"):
            return f"NOT COALESCE({self._negation(parameters)}, 0)"
        if self._accept("("):
            inside = self._disjunction(parameters)
            self._expect(")")
            return inside
        return self._comparison(parameters)

    def _comparison(self, parameters: list[Any]) -> str:
        column, kind = self._field()
        negated = self._accept("NOT")
        if self._accept("IN"):
            values = self._values(column, kind)
            parameters.extend(values)
            inside = f"{column} IN ({', '.join('?' * len(values))})"
            return f"NOT COALESCE({inside}, 0)" if negated else inside
        if negated:
            raise self._unexpected()
        if self._accept("LIKE"):
            parameters.append(self._value(column, kind))
            return rf"{column} LIKE ? ESCAPE '\'"
        operator = self._next().text
        if operator not in _COMPARISONS:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{operator}'")
        parameters.append(self._value(column, kind))
        # In SOQL a null is equal to null and different from everything else.
        sql = {"=": "IS", "!=": "IS NOT", "<>": "IS NOT"}.get(operator, operator)
        return f"{column} {sql} ?"

    def _values(self, column: str, kind: Kind) -> list[Any]:
        self._expect("(")
        values = [self._value(column, kind) for _ in self._listed()]
        self._expect(")")
        return values

    def _value(self, column: str, kind: Kind) -> Any:
        token = self._next()
        if token.is_word("NULL"):
            return None
        literal = "boolean" if token.is_word("TRUE", "FALSE") else token.kind
        if literal not in {"string", "number", "date", "datetime", "boolean"}:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token.text}'")
        if literal not in _LITERALS[kind]:
            quotes = "enclosed" if _LITERALS[kind] == ("string",) else "not be enclosed"
            raise SoqlError(
                "INVALID_FIELD",
                f"value of filter criterion for field '{column[1:-1]}' must be of type "
                f"{_LITERALS[kind][0]} and should {quotes} in quotes",
            )
        value = _literal(literal, token.text)
        return long_id(value) if holds_ids(self._table, column[1:-1]) else value

    def _ordering(self) -> str:
        column, _ = self._field()
        direction = "DESC" if self._accept("DESC") else "ASC"
        self._accept("ASC")
        nulls = "FIRST"
        if self._accept("NULLS"):
            nulls = "LAST" if self._accept("LAST") else "FIRST"
            self._accept("FIRST")
        return f"{column} {direction} NULLS {nulls}"

    def _bounds(self, query: Query) -> None:
        if self._accept("LIMIT"):
            query.limit = self._count()
        if self._accept("OFFSET"):
            query.offset = self._count()
            if query.offset > LARGEST_OFFSET:
                raise SoqlError(
                    "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {LARGEST_OFFSET}"
                )

    def _count(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdecimal():
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token.text}'")
        return int(token.text)

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _ahead(self, start: int, stop: int) -> Sequence[Token]:
        return self._tokens[self._at + start : self._at + stop]

    def _next(self) -> Token:
        token = self._peek()
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _accept(self, word: str) -> bool:
        token = self._peek()
        if token.kind in {"word", "sign"} and token.text.upper() == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _unexpected(self) -> SoqlError:
        return SoqlError("MALFORMED_QUERY", f"unexpected token: '{self._peek().text}'")


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return _ESCAPE.sub(_unescaped, text[1:-1])
    if kind == "boolean":
        return int(text.upper() == "TRUE")
    if kind == "datetime":
        at = datetime.fromisoformat(text).astimezone(UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
    return text


def _unescaped(match: re.Match[str]) -> str:
    letter = match.group(1)
    # LIKE's own escapes are for the database to read.
    return f"\\{letter}" if letter in "%_" else _ESCAPED.get(letter, letter)


def _check_grouping(query: Query) -> None:
    if not query.is_aggregate:
        if query.group_by:
            raise SoqlError("MALFORMED_QUERY", "A grouped query must aggregate something")
        return
    for selected in query.selected:
        if "(" not in selected.sql and selected.sql not in query.group_by:
            raise SoqlError(
                "MALFORMED_QUERY", f"Field must be grouped or aggregated: {selected.name}"
            )
