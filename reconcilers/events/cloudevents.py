"""A business event as a CloudEvent 1.0: the envelope that middleware understands.

Nothing here reads or sends. Events carry ids and amounts, no personal data.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from reconcilers.canonical import canonical_json

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


def envelope(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event in structured content mode; attributes without a value are left out."""
    attributes = {
        "specversion": SPEC_VERSION,
        "id": event["event_id"],
        "source": f"/tieout/{event['system']}/{event['object']}",
        "type": f"tieout.{event['event_type']}.v1",
        "subject": f"{event['subject_kind']}/{event['subject_id'] or event['source_id']}",
        "time": instant(event["occurred_at"]),
        "datacontenttype": "application/json",
        "dataschema": DATA_SCHEMA,
        "correlationid": event["correlation_id"],
        "detecteddate": event["detected_date"].isoformat(),
        "sequence": str(event["sequence"]).zfill(SEQUENCE_DIGITS),
    }
    data = {name: event[name] for name in _DATA} | {
        "detected_at": instant(event["detected_at"]),
        "before": _object(event["before_json"]),
        "after": _object(event["after_json"]),
    }
    return {name: value for name, value in attributes.items() if value is not None} | {"data": data}


def line(event: Mapping[str, Any]) -> str:
    """One line of a JSON lines file: the same event gives the same bytes."""
    return canonical_json(envelope(event))


def instant(at: datetime) -> str:
    """RFC 3339, UTC; a naive instant of the warehouse is UTC."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


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


def _object(text: str | None) -> Any:
    return None if text is None else json.loads(text)
