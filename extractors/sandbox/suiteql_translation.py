"""SuiteQL as SQLite reads it; what SuiteQL does not know is refused, not run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from extractors.sandbox.schema import tables_of

# Beside each time in the account's zone the views hold the instant, for SYS_EXTRACT_UTC.
UTC_SUFFIX = "$utc"

OutputKind = Literal["date", "decimal", "other"]

_TOKEN = re.compile(
    r"""(?P<string>'(?:[^']|'')*')|(?P<quoted>"[^"]*")|(?P<word>[A-Za-z_][\w$]*)"""
    r"""|(?P<space>\s+)|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)
_FETCH = re.compile(r"\bFETCH\s+(?:FIRST|NEXT)\s+(\d+)\s+ROWS?\s+ONLY\s*$", re.IGNORECASE)
_EXTRACT = re.compile(r"\bSYS_EXTRACT_UTC\s*\(\s*((?:\w+\s*\.\s*)?)(\w+)\s*\)", re.IGNORECASE)
_BARE_COLUMN = re.compile(
    r"^(?:\[?\w+\]?\s*\.\s*)?\[?([\w$]+)\]?(?:\s+(?:AS\s+)?\[?(\w+)\]?)?$", re.IGNORECASE
)
_ALIASED = re.compile(r"(?:\sAS\s+|[\s)])\[?[A-Za-z_]\w*\]?$", re.IGNORECASE)
_UNITED = re.compile(r"\s*ALL\b", re.IGNORECASE)
_SORTED = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
_NOT_SUITEQL = {"LIMIT", "OFFSET", "PRAGMA", "ATTACH", "GLOB", "REGEXP", "ACCOUNT_TIME"}


def _columns(*kinds: str) -> frozenset[str]:
    return frozenset(
        column
        for table in tables_of("netsuite").values()
        for column, kind in table.columns.items()
        if kind in kinds
    )


_TIMES = _columns("datetime")
_DATES = _columns("date", "datetime")
_DECIMALS = _columns("decimal")


class SuiteqlError(Exception):
    """A query that NetSuite refuses; the message says why."""


@dataclass(frozen=True)
class Query:
    """SQL for SQLite. `unordered` gives the same rows in any order: they are counted faster."""

    sql: str
    unordered: str
    is_total: bool
    """Whether the answer is a number over whole tables rather than their rows."""


def translated(query: str) -> Query:
    text = _FETCH.sub(r"LIMIT_\1", query.strip())
    words: list[str] = []
    depth = 0
    ordered_from: int | None = None
    for kind, token in _tokens(text):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if kind == "word" and depth == 0 and token.upper() == "ORDER":
            ordered_from = len(words)
        words.append(_written(kind, token))
    sql = _EXTRACT.sub(_instant, "".join(words)).strip()
    if "SYS_EXTRACT_UTC" in sql.upper():
        raise SuiteqlError("Invalid or unsupported search: SYS_EXTRACT_UTC takes a time")
    if not re.match(r"(SELECT|WITH)\b", sql, re.IGNORECASE):
        raise SuiteqlError("Invalid or unsupported search: only SELECT is possible")
    is_cut = ordered_from is not None and "LIMIT_" not in text
    unordered = _EXTRACT.sub(_instant, "".join(words[:ordered_from])) if is_cut else sql
    return Query(sql, unordered, _is_total(sql))


def united(query: str) -> list[str]:
    """The queries that UNION ALL puts together, each of which names its columns.

    What sorts or compares all rows, or names them in the first query only, stays whole.
    """
    parts, depth = [""], 0
    for _, token in _tokens(query):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 and token.upper() == "UNION":
            parts.append("")
        else:
            parts[-1] += token
    alone = [parts[0], *(_UNITED.sub("", part) for part in parts[1:])]
    is_plain = all(map(_UNITED.match, parts[1:])) and not _SORTED.search(alone[-1])
    is_named = all(_ALIASED.search(column) for part in alone for column in _select_list(part))
    return alone if is_plain and is_named else [query]


def outputs(sql: str, names: list[str]) -> list[tuple[str, OutputKind]]:
    """(key in the answer, what an account's formats do to it) of each output column."""
    selected = _select_list(sql)
    if len(selected) != len(names):
        return [(name.lower(), _kind(name)) for name in names]
    columns: list[tuple[str, OutputKind]] = []
    for name, text in zip(names, selected, strict=True):
        bare = _BARE_COLUMN.match(text)
        if bare and (bare.group(2) or not name.endswith(UTC_SUFFIX)):
            columns.append((name.lower(), _kind(bare.group(1))))
        elif bare is None and _ALIASED.search(text):
            columns.append((name.lower(), "other"))
        else:
            unnamed = sum(key.startswith("expr") for key, _ in columns) + 1
            columns.append((f"expr{unnamed}", "other"))
    return columns


def sources(sql: str) -> dict[str, str]:
    """Alias -> table of what a query reads from, as far as its text tells."""
    found = re.findall(r"\b(?:FROM|JOIN)\s+\[?(\w+)\]?(?:\s+(?:AS\s+)?(\w+))?", sql, re.IGNORECASE)
    keywords = {"WHERE", "ORDER", "GROUP", "JOIN", "LEFT", "INNER", "ON", "UNION", "LIMIT"}
    return {
        (alias if alias and alias.upper() not in keywords else table).lower(): table.lower()
        for table, alias in found
    }


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind == "sign" and token in {";", "`", "["}:
            raise SuiteqlError(f"Invalid or unsupported search: unexpected {token}")
        if kind in {"word", "quoted"} and token.strip('"').lower().endswith(UTC_SUFFIX):
            raise SuiteqlError(f"Invalid or unsupported search: unexpected {token}")
        yield kind, token


def _written(kind: str, token: str) -> str:
    if kind == "quoted":  # what SQLite does not know in such quotes, it takes for a text
        return f"[{token[1:-1]}]"
    return _word(token) if kind == "word" else " " if kind == "comment" else token


def _word(word: str) -> str:
    if word.startswith("LIMIT_"):
        return f"LIMIT {word.removeprefix('LIMIT_')}"
    if word.upper() in _NOT_SUITEQL:
        raise SuiteqlError(f"Invalid or unsupported search: unexpected {word}")
    return "[transaction]" if word.lower() == "transaction" else word


def _instant(call: re.Match[str]) -> str:
    owner, column = call.groups()
    if column.lower() not in _TIMES:
        raise SuiteqlError("Invalid or unsupported search: SYS_EXTRACT_UTC takes a time")
    return f"{owner}{column.lower()}{UTC_SUFFIX}"


def _is_total(sql: str) -> bool:
    selected = "".join(_select_list(sql))
    return re.search(r"\b(?:COUNT|SUM)\s*\(", selected, re.IGNORECASE) is not None


def _kind(column: str) -> OutputKind:
    name = column.lower()
    return "date" if name in _DATES else "decimal" if name in _DECIMALS else "other"


def _select_list(sql: str) -> list[str]:
    """The texts between the first SELECT and its FROM, parted at commas outside parentheses."""
    depth, parts, begun = 0, [""], False
    for match in _TOKEN.finditer(sql):
        text = match.group()
        depth += {"(": 1, ")": -1}.get(text, 0)
        if not begun:
            begun = text.upper() == "SELECT" and depth == 0
        elif depth == 0 and text.upper() == "FROM":
            break
        elif depth == 0 and text == ",":
            parts.append("")
        else:
            parts[-1] += text
    return [re.sub(r"^DISTINCT\s+", "", part.strip(), flags=re.IGNORECASE) for part in parts]
