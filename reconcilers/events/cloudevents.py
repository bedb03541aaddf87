"""A business event as a CloudEvent 1.0: the envelope that middleware understands.

It is built in SQL, for a log of millions, as canonical JSON: sorted keys, no spaces; the same event
gives the same bytes. Nothing here reads or sends. Events carry ids and amounts, no personal data.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

SPEC_VERSION = "1.0"
# The form of `data`; a breaking change of it is a new number here and in the type.
DATA_SCHEMA = "urn:tieout:schema:business-event:1"
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json; charset=UTF-8"
# Wide enough for any log; sequences then sort as texts, as the extension of that name asks.
SEQUENCE_DIGITS = 12
_DATA = (
    "event_type",
    "system",
    "object",
    "source_id",
    "subject_kind",
    "subject_id",
    "canonical_customer_id",
    "correlation_id",
    "legal_entity",
    "currency",
    "amount_minor",
)
_REQUIRED = ("id", "source", "specversion", "type")
_NAME = re.compile(r"[a-z0-9]+")
_ABSOLUTE_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_URI_REFERENCE = re.compile(r"[^\s\"<>\\^`{|}]+")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;.*)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def envelope() -> str:
    """SQL: a row of the event log in structured content mode, attributes without a value left out.

    `before_json` and `after_json` stand in it as the log holds them.
    """
    attributes = {
        "specversion": f"'{SPEC_VERSION}'",
        "id": "event_id",
        "source": "'/tieout/' || system || '/' || object",
        "type": "'tieout.' || event_type || '.v1'",
        "subject": "subject_kind || '/' || coalesce(nullif(subject_id, ''), source_id)",
        "time": _instant("occurred_at"),
        "datacontenttype": "'application/json'",
        "dataschema": f"'{DATA_SCHEMA}'",
        "correlationid": "correlation_id",
        "detecteddate": "detected_date::VARCHAR",
        "sequence": f"lpad(sequence::VARCHAR, {SEQUENCE_DIGITS}, '0')",
    }
    data = {name: _json(name) for name in _DATA} | {
        "detected_at": _json(_instant("detected_at")),
        "before": "before_json",
        "after": "after_json",
    }
    whole = _object({name: f"coalesce({value}, 'null')" for name, value in data.items()})
    return _object({name: _json(value) for name, value in attributes.items()} | {"data": whole})


def _object(members: Mapping[str, str]) -> str:
    """SQL: a JSON object of what is JSON already; members that are null are left out."""
    told = ", ".join(f"""'"{name}":' || {members[name]}""" for name in sorted(members))
    return f"('{{' || concat_ws(',', {told}) || '}}')"


def _json(value: str) -> str:
    return f"to_json({value})::VARCHAR"


def _instant(at: str) -> str:
    """RFC 3339; the log holds UTC."""
    whole, part = (f"strftime({at}, '{form}')" for form in ("%Y-%m-%dT%H:%M:%S", ".%f"))
    return f"{whole} || replace({part}, '.000000', '') || 'Z'"


def problems(candidate: Mapping[str, Any]) -> Iterator[str]:
    """What the attribute rules of CloudEvents 1.0 forbid, in words; nothing when all is well."""
    for name in _REQUIRED:
        if not isinstance(candidate.get(name), str) or not candidate[name]:
            yield f"{name} is required and a non-empty text"
    if candidate.get("specversion") != SPEC_VERSION:
        yield f"specversion is {candidate.get('specversion')!r}, not {SPEC_VERSION!r}"
    for name, value in candidate.items():
        if not _NAME.fullmatch(name):
            yield f"{name!r} is not a name of lower-case letters and digits"
        if name != "data" and (value is None or not isinstance(value, str | int | bool)):
            yield f"{name} is {value!r}; absent attributes are left out, others are plain values"
    forms = {
        "source": _URI_REFERENCE,
        "dataschema": _ABSOLUTE_URI,
        "datacontenttype": _MEDIA_TYPE,
        "time": _INSTANT,
        "subject": re.compile(r".+", re.DOTALL),
    }
    for name, form in forms.items():
        if name in candidate and not form.fullmatch(str(candidate[name])):
            yield f"{name} is {candidate[name]!r}, which is not of its form"
