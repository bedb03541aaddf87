"""Stripe's searches: a small language over some fields of some objects, and never quite up to date.

What was written less than `stripe.search_lag_seconds` (meta, of the sandbox's clock) ago is not
found yet. A query is clauses joined by AND, by spaces, or by OR, which do not mix:
`status:"open" AND total>1000`, `-metadata["crm_id"]:null`, `name~"north"`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractors.sandbox import documents
from extractors.sandbox.stripe_caller import Caller
from extractors.sandbox.stripe_errors import StripeError
from extractors.sandbox.stripe_filters import Condition
from extractors.sandbox.stripe_forms import checked, require
from extractors.sandbox.stripe_lists import limit_of
from extractors.sandbox.stripe_operations import now
from extractors.sandbox.stripe_shapes import Document

LAG = "stripe.search_lag_seconds"
LONGEST_QUERY = 5_000
MOST_CLAUSES = 10
SHORTEST_SUBSTRING = 3

SPECS: dict[str, Any] = {"query": "text", "limit": "integer", "page": "text", "expand": ["text"]}

# The fields of each object that can be searched: text (exact or in part), token (exact) or number.
SEARCHED: Mapping[str, Mapping[str, str]] = {
    "customer": {"created": "number", "email": "text", "name": "text", "phone": "text"},
    "invoice": {
        "created": "number",
        "currency": "token",
        "customer": "token",
        "number": "text",
        "receipt_number": "text",
        "status": "text",
        "subscription": "token",
        "total": "number",
    },
    "charge": {
        "amount": "number",
        "created": "number",
        "currency": "token",
        "customer": "token",
        "disputed": "token",
        "refunded": "token",
        "status": "token",
    },
    "payment_intent": {
        "amount": "number",
        "created": "number",
        "currency": "token",
        "customer": "token",
        "status": "token",
    },
    "subscription": {"canceled_at": "number", "created": "number", "status": "text"},
    "price": {
        "active": "token",
        "currency": "token",
        "lookup_key": "text",
        "product": "text",
        "type": "token",
    },
    "product": {
        "active": "token",
        "description": "text",
        "name": "text",
        "shippable": "token",
        "url": "text",
    },
}
_PATHS = {("invoice", "subscription"): "$.parent.subscription_details.subscription"}
_BOOLEANS = {"active", "disputed", "refunded", "shippable"}

_CLAUSE = re.compile(
    r"""(?P<not>-?)(?P<field>\w+)(?:\[(?P<q1>["'])(?P<key>.*?)(?P=q1)\])?\s*"""
    r"""(?P<operator>:|~|>=|<=|>|<)\s*"""
    r"""(?:(?P<q2>["'])(?P<quoted>(?:\\.|(?!(?P=q2)).)*)(?P=q2)|(?P<bare>[^\s"']+))"""
)
_JOIN = re.compile(r"\s+(?:(AND|OR)\s+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """One comparison; `value` is None where the field is compared with null."""

    field: str
    key: str | None
    operator: str
    value: str | None
    is_negated: bool


def search_page(caller: Caller, kind: str, parameters: Mapping[str, Any], url: str) -> Document:
    """One page of what a query finds, newest first."""
    asked = checked(parameters, SPECS)
    require(asked, "query")
    limit = limit_of(asked)
    tree = caller.expansion(asked.get("expand"), kind, is_list=True)
    store = caller.store
    found, values = _where(kind, asked["query"])
    settled = now(store) - int(store.meta(LAG, 0))
    where = f"account = ? AND object = ? AND deleted = 0 AND written <= ? AND ({found})"
    values = [store.account, kind, settled, *values]
    if asked.get("page"):
        where += " AND (created, seq) < (?, ?)"
        values += _position(asked["page"])
    sql = (
        f"SELECT document, created, seq FROM stripe WHERE {where} "
        "ORDER BY created DESC, seq DESC LIMIT ?"
    )
    rows = store.query(sql, [*values, limit + 1])
    has_more = len(rows) > limit
    rows = rows[:limit]
    return {
        "object": "search_result",
        "url": url,
        "has_more": has_more,
        "data": [caller.sent(kind, documents.load(text), tree) for text, _, _ in rows],
        "next_page": _token(*rows[-1][1:]) if has_more else None,
    }


def clauses(query: str) -> tuple[list[Clause], str]:
    """The clauses of a query, and the word that joins them."""
    if len(query) > LONGEST_QUERY:
        raise _unreadable()
    text, at, joins, found = query.strip(), 0, set(), []
    while True:
        match = _CLAUSE.match(text, at)
        if match is None:
            raise _unreadable()
        found.append(_clause(match))
        at = match.end()
        if at == len(text):
            break
        join = _JOIN.match(text, at)
        if join is None:
            raise _unreadable()
        joins.add((join.group(1) or "AND").upper())
        at = join.end()
    if len(joins) > 1:
        message = "You can't combine `AND` and `OR` in the same search query."
        raise StripeError(message, None, "query")
    if len(found) > MOST_CLAUSES:
        message = f"Search queries can have at most {MOST_CLAUSES} clauses."
        raise StripeError(message, None, "query")
    return found, joins.pop() if joins else "AND"


def _clause(match: re.Match[str]) -> Clause:
    quoted, bare = match.group("quoted"), match.group("bare")
    is_null = quoted is None and bare.lower() == "null"
    value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return Clause(
        field=match.group("field"),
        key=match.group("key"),
        operator=match.group("operator"),
        value=None if is_null else value,
        is_negated=bool(match.group("not")),
    )


def _where(kind: str, query: str) -> Condition:
    found, join = clauses(query)
    parts = [_condition(kind, clause) for clause in found]
    sql = f" {join} ".join(sql for sql, _ in parts)
    return sql, [value for _, values in parts for value in values]


def _condition(kind: str, clause: Clause) -> Condition:
    column, values, type_ = _column(kind, clause)
    if clause.value is None:
        sql = f"{column} IS NULL"
    elif clause.operator == ":":
        sql = f"{column} = ? {'' if type_ == 'number' else 'COLLATE NOCASE'}"
        values = [*values, _operand(clause, type_)]
    elif clause.operator == "~":
        if type_ != "text" or len(clause.value) < SHORTEST_SUBSTRING:
            message = (
                f"The `~` operator needs a text field and at least {SHORTEST_SUBSTRING} characters."
            )
            raise StripeError(message, None, "query")
        sql, values = f"instr(lower({column}), lower(?)) > 0", [*values, clause.value]
    elif type_ == "number":
        sql, values = f"{column} {clause.operator} ?", [*values, _operand(clause, type_)]
    else:
        message = f"The `{clause.operator}` operator is only for numeric fields."
        raise StripeError(message, None, "query")
    # What has no value is not equal to anything: a negated clause finds it too.
    return (f"({sql}) IS NOT TRUE" if clause.is_negated else f"({sql})"), values


def _column(kind: str, clause: Clause) -> tuple[str, list[Any], str]:
    if clause.field == "metadata" and clause.key is not None:
        # The vendor's own metadata keys hold no quotes, which is why they need no escape here.
        path = '$.metadata."' + clause.key.replace('"', "") + '"'
        return "json_extract(document, ?)", [path], "text"
    type_ = SEARCHED[kind].get(clause.field)
    if type_ is None or clause.key is not None:
        plural = f"{kind.replace('_', '-')}s"
        message = (
            f"Field `{clause.field}` is an unsupported search field for resource `{kind}s`. See "
            f"https://stripe.com/docs/search#query-fields-for-{plural} for a list of supported "
            "fields."
        )
        raise StripeError(message, None, "query")
    path = _PATHS.get((kind, clause.field), f"$.{clause.field}")
    return f"json_extract(document, '{path}')", [], type_


def _operand(clause: Clause, type_: str) -> str | int:
    value = str(clause.value)
    if clause.field in _BOOLEANS:
        return int(value.lower() == "true")
    if type_ != "number":
        return value
    if not re.fullmatch(r"-?\d+", value):
        message = f"Field `{clause.field}` needs a number: {value}"
        raise StripeError(message, None, "query")
    return int(value)


def _unreadable() -> StripeError:
    message = (
        "We were unable to parse your search query. Try using the format "
        '`metadata["key"]:"value"` to query for metadata or key:"value" to query for other fields.'
    )
    return StripeError(message, None, "query")


def _token(created: int, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{created}.{seq}".encode()).decode().rstrip("=")


def _position(token: str) -> list[int]:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        created, _, seq = text.partition(".")
        return [int(created), int(seq)]
    except (binascii.Error, ValueError):
        raise StripeError("Invalid page token.", None, "page") from None
