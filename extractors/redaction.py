"""Keeps secrets out of what people read: messages, excerpts of answers, logs.

Two nets: what was sent as a secret is found by its value, in every spelling in which a server
may echo it; what only looks like a secret (a token in an answer) is found by shape or name.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from extractors.errors import EXCERPT_LENGTH

HIDDEN = "[redacted]"

# An excerpt is cut after secrets are hidden, or half of one could be left at the end.
_READ_LENGTH = 16 * 1024
# Shorter values are words: hiding them would hide the message, too.
_SHORTEST = 6

_SECRET_NAME = re.compile(
    r"auth|token|secret|passw|assertion|signature|session|cookie|credential|api.?key|private",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"""
    # an Authorization header, unlike a sentence that begins as one
    \b(?:Bearer|Basic|Session)\s+(?=\S*(?:\d|(?-i:[a-z][A-Z])))[\w.~+/=!%-]+
    # a JSON Web Token
    | \beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?
    # a key with a speaking prefix
    | \b[srpw](?:k|hsec)_(?:live|test)_\w+
    # the id of an organisation, and its session
    | \b00D\w{12,15}![\w.]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMED = re.compile(
    r"""((?:token|secret|password|assertion|signature|api_?key)"?\s*[:=]\s*"?)[^\s"&,;}]+""",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the secrets, and without what looks like one; an endless one is cut."""
    text = text[:_READ_LENGTH]
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return _NAMED.sub(rf"\1{HIDDEN}", _SHAPES.sub(HIDDEN, text))


def excerpt_of(content: bytes, secrets: Iterable[str] = ()) -> str:
    """The beginning of an answer, for people."""
    return redact(content[:_READ_LENGTH].decode("utf-8", "replace"), secrets)[:EXCERPT_LENGTH]


def secrets_in(sent: Any) -> Iterator[str]:
    """The values of everything that has the name of a secret, at any depth."""
    if isinstance(sent, Mapping):
        yield from secrets_in(list(sent.items()))
        return
    for item in sent if isinstance(sent, list | tuple) else ():
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):  # noqa: PLR2004
            name, value = item
            if isinstance(value, str) and _SECRET_NAME.search(name):
                yield from _parts(value)
            else:
                yield from secrets_in(value)
        else:
            yield from secrets_in(item)


def _parts(value: str) -> Iterator[str]:
    """A secret, and what can be told from it: `Basic` is only an encoding."""
    yield value
    _, _, credential = value.partition(" ")
    yield credential
    yield from re.findall(r'="([^"]+)"', credential)
    try:
        decoded = base64.b64decode(credential, validate=True).decode()
    except ValueError:
        return
    yield decoded
    yield from decoded.split(":")


def _spellings(secret: str) -> Iterator[str]:
    """As it is, in a URL or a page; each of them as it is or in JSON, or in JSON in JSON."""
    if len(secret) < _SHORTEST:
        return
    for spelling in (secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)):
        yield spelling
        for ascii_only in (True, False):
            once = json.dumps(spelling, ensure_ascii=ascii_only)[1:-1]
            yield once
            yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
