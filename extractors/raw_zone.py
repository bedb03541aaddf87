"""The raw zone: what the sources said, immutable, one folder per system, object and day.

A folder appears by one rename, complete with its manifest, or not at all. Days that are
published are never read from a source again; they are replayed from here.
"""

import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from extractors.landing import Landing, key_spec
from extractors.manifest import MANIFEST_FILE, Manifest
from extractors.protocol import ObjectSpec

STAGING = ".staging"


@dataclass(frozen=True)
class RawZone:
    """The folders under one root. One process writes to a root at a time."""

    root: Path

    def folder(self, system: str, name: str, day: date) -> Path:
        return self.root / system / name / f"extracted_date={day.isoformat()}"

    def published(self, system: str, name: str, day: date) -> Manifest | None:
        """The manifest of that day, or None when the day is not published."""
        file = self.folder(system, name, day) / MANIFEST_FILE
        return Manifest.from_json(file.read_text("utf-8")) if file.exists() else None

    def manifests(self, day: date) -> list[Manifest]:
        """Those of everything that was published for a day, by system and object."""
        files = sorted(self.root.glob(f"*/*/extracted_date={day.isoformat()}/{MANIFEST_FILE}"))
        return [Manifest.from_json(file.read_text("utf-8")) for file in files]

    def days(self, system: str, name: str) -> list[date]:
        """Published days of an object, oldest first."""
        files = (self.root / system / name).glob(f"extracted_date=*/{MANIFEST_FILE}")
        return sorted(date.fromisoformat(file.parent.name.partition("=")[2]) for file in files)

    def newest_watermark(self) -> datetime | None:
        """When (UTC) the last of what was published was read; None where nothing is."""
        files = self.root.glob(f"*/*/extracted_date=*/{MANIFEST_FILE}")
        days = {file.parent.name.partition("=")[2] for file in files}
        manifests = self.manifests(date.fromisoformat(max(days))) if days else []
        return max((manifest.watermark_at for manifest in manifests), default=None)

    def last_complete(self, system: str, name: str) -> date | None:
        """The newest day on which every key of the source was seen."""
        for day in reversed(self.days(system, name)):
            manifest = self.published(system, name, day)
            assert manifest is not None
            if manifest.is_complete:
                return day
        return None

    def landing(self, system: str, spec: ObjectSpec, day: date) -> Landing:
        """A landing of that day, which resumes or restarts; those of other days are cleared."""
        return self._landing(system, spec, day, "rows")

    def key_landing(self, system: str, spec: ObjectSpec, day: date) -> Landing:
        """A landing of nothing but keys."""
        return self._landing(system, key_spec(spec), day, "keys")

    def _landing(self, system: str, spec: ObjectSpec, day: date, part: str) -> Landing:
        staging = self.root / STAGING
        name = f"{system}.{spec.name}.{part}.{day.isoformat()}"
        for leftover in staging.glob(f"{system}.{spec.name}.{part}.*"):
            if leftover.name != name:
                shutil.rmtree(leftover, ignore_errors=True)
        return Landing(system, spec, day, staging / name, self.folder(system, spec.name, day))
