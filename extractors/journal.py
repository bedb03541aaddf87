"""What an unfinished extraction knows of itself, so that a killed one goes on where it was.

Written after each chunk of rows, never before: what it does not know of is read again.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from extractors.protocol import Bookmark, Mode, SourceTotals
from extractors.schema_drift import Schema

JOURNAL_FILE = "journal.json"


@dataclass(frozen=True)
class Agreement:
    """What is being read, and how. A journal of anything else is not gone on from."""

    cursor_from: datetime | None
    keys_only: bool
    api_version: str
    schema_hash: str


@dataclass(frozen=True)
class Begun:
    """What was known when the first page had come. Instants are aware UTC."""

    agreement: Agreement
    mode: Mode
    watermark_at: datetime
    totals: SourceTotals
    vendor_schema: Schema
    schema_drift: Sequence[str]


@dataclass(frozen=True)
class Journal:
    """How far an extraction came: its chunks, and the bookmarks that are left to be read."""

    begun: Begun
    served_at: datetime
    chunks: int
    ordinal: int
    read: int
    left: Sequence[Bookmark]

    def write(self, folder: Path) -> None:
        draft = folder / f"{JOURNAL_FILE}.draft"
        draft.write_text(json.dumps(dataclasses.asdict(self), default=datetime.isoformat), "utf-8")
        draft.replace(folder / JOURNAL_FILE)

    @classmethod
    def read_from(cls, folder: Path) -> Self | None:
        """The journal of a folder; None where there is none that can be read."""
        try:
            values = json.loads((folder / JOURNAL_FILE).read_text("utf-8"))
            begun = values.pop("begun")
            agreement = begun.pop("agreement")
            return cls(
                begun=Begun(
                    agreement=Agreement(
                        cursor_from=_instant(agreement.pop("cursor_from")), **agreement
                    ),
                    watermark_at=datetime.fromisoformat(begun.pop("watermark_at")),
                    totals=SourceTotals(**begun.pop("totals")),
                    vendor_schema=Schema(**begun.pop("vendor_schema")),
                    **begun,
                ),
                served_at=datetime.fromisoformat(values.pop("served_at")),
                **values,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _instant(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
