"""The manifest of one published extraction: what was asked, what came, and proof of it."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from extractors.protocol import Mode
from extractors.schema_drift import Schema

MANIFEST_FILE = "manifest.json"
ROWS_FILE = "part-0.parquet"
QUARANTINE_FILE = "quarantine.jsonl"
KEYS_FILE = "keys.parquet"
REINGESTED_FOLDER = "reingested"


def sha256_of(file: Path) -> str:
    """What a manifest tells of the bytes of a file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@dataclass(frozen=True)
class Manifest:
    """One object of one system as extracted for one day. Instants are aware UTC.

    `source_count` and `source_sum_minor` (minor units per ISO currency) are the source's own
    totals over the whole object after its last page, those named `_before` the same ones before
    its first page; None where it cannot give them. Where the two differ, the source moved while
    it was read. Always read = landed + quarantined + deleted + duplicates.

    `keys_scanned` counts the keys of a complete key scan beside an incremental read (None: there
    was none). `vendor_schema` holds the vendor's fields as far as they are known, and
    `schema_drift` what is new, missing or of another type since they were last seen.
    """

    system: str
    object: str
    snapshot_date: date
    mode: Mode
    cursor_from: datetime | None
    cursor_to: datetime
    watermark_at: datetime
    source_count_before: int | None
    source_count: int | None
    source_sum_minor_before: dict[str, int] | None
    source_sum_minor: dict[str, int] | None
    read: int
    landed: int
    quarantined: int
    deleted: int
    duplicates: int
    schema_hash: str
    file_sha256: str
    extracted_at: datetime
    api_version: str
    keys_scanned: int | None = None
    vendor_schema: Schema | None = None
    schema_drift: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every key of the source was seen: what was not is gone."""
        return self.mode == "full" or self.keys_scanned is not None

    def to_json(self) -> str:
        values = {
            name: _text(value) if isinstance(value, date) else value
            for name, value in dataclasses.asdict(self).items()
        }
        return json.dumps(values, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        for name in ("cursor_from", "cursor_to", "watermark_at", "extracted_at"):
            values[name] = values[name] and datetime.fromisoformat(values[name])
        for name in ("source_count", "source_sum_minor"):
            # Manifests written when totals were asked only once, after the last page.
            values.setdefault(f"{name}_before", values[name])
        schema = values.pop("vendor_schema", None)
        values["vendor_schema"] = schema and Schema(**schema)
        values["snapshot_date"] = date.fromisoformat(values["snapshot_date"])
        return cls(**values)


def _text(value: date) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat()
