"""Records that were held back, checked again under today's contract.

A published day is never changed: what now keeps its contract is added in files of its own, beside
the days, and is read with the day that it was held back on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from extractors.contracts import Quarantined, check
from extractors.manifest import QUARANTINE_FILE, REINGESTED_FOLDER
from extractors.protocol import ObjectSpec
from extractors.raw_zone import RawZone


@dataclass(frozen=True)
class Retried:
    """What checking the quarantine of one object and day again came to."""

    system: str
    object: str
    snapshot_date: date
    reingested: int
    still_broken: int
    example: str


def retry_quarantine(
    raw: RawZone, sources: Mapping[str, Mapping[str, ObjectSpec]]
) -> Iterator[Retried]:
    """Check every held-back record of these objects again; what keeps its contract now lands.

    Days keep the order of their versions: a record that a later day brought is not replaced.
    """
    for system, objects in sources.items():
        for spec in objects.values():
            for day in raw.days(system, spec.name):
                held = _held_back(raw, system, spec, day)
                if held:
                    yield _retry(raw, system, spec, day, held)


def _held_back(raw: RawZone, system: str, spec: ObjectSpec, day: date) -> list[Quarantined]:
    file = raw.folder(system, spec.name, day) / QUARANTINE_FILE
    if not file.exists():
        return []
    entries = [Quarantined.from_line(text) for text in file.read_text("utf-8").split("\n") if text]
    mended: set[int] = set()
    for part in _folder(raw, system, spec, day).glob("*.parquet"):
        mended.update(pl.read_parquet(part, columns=["_ordinal"])["_ordinal"])
    # Files written before ordinals were kept cannot tell their records apart.
    return [entry for entry in entries if entry.ordinal >= 0 and entry.ordinal not in mended]


def _retry(
    raw: RawZone, system: str, spec: ObjectSpec, day: date, held: list[Quarantined]
) -> Retried:
    payloads = [json.loads(entry.payload, parse_float=Decimal) for entry in held]
    checked = check(spec, payloads)
    if checked.rows.height:
        ordinals = pl.Series("_ordinal", [entry.ordinal for entry in held], dtype=pl.Int64)
        rows = checked.rows.with_columns(ordinals.gather(checked.rows["_ordinal"]))
        _publish(rows.select(list(spec.landing_schema)), _folder(raw, system, spec, day))
    broken = checked.quarantined
    example = broken[0].reason if broken else ""
    return Retried(system, spec.name, day, checked.rows.height, len(broken), example)


def _publish(rows: pl.DataFrame, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.parquet")))
    draft = folder / f"{number:04}.draft"
    rows.write_parquet(draft, compression="zstd")
    draft.rename(folder / f"{number:04}.parquet")


def _folder(raw: RawZone, system: str, spec: ObjectSpec, day: date) -> Path:
    where = raw.root / system / spec.name / REINGESTED_FOLDER
    return where / f"extracted_date={day.isoformat()}"
