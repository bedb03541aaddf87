"""The raw zone in an object store, which outlives the machine; the local folder is its copy.

A day is put file by file, under a name of its manifest's content, and the manifest last, only
where there is none: with it the whole day is there, for everybody at once, and of two who read one
day the first stands.
"""

import hashlib
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore

from extractors.errors import ContractBroken
from extractors.manifest import MANIFEST_FILE, REINGESTED_FOLDER, ROWS_FILE, Manifest, sha256_of
from extractors.object_store import STORE, answering
from extractors.raw_zone import STAGING

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RawMirror:
    """The published days under `root` here and in `store` there, of one company.

    Whatever fails leaves days whole or absent, on either side; the next call goes on.
    """

    root: Path
    store: ObjectStore

    def fetch(self, system: str) -> int:
        """Bring down what is published and missing here; returns how many days came.

        Raises:
            ContractBroken: the rows of a day are not those that its manifest tells of.

        """
        with answering(f"fetching {system}"):
            days, single = self._published(system)
            missing = {day: files for day, files in days.items() if not self._is_here(day)}
            for day, files in missing.items():
                self._bring(day, files)
            for file in single:
                if not (self.root / file).exists():
                    self._bring_file(file, self.root / file)
        return len(missing)

    def publish(self, system: str) -> int:
        """Put what is published here and missing there; returns how many days went.

        A day that somebody else published meanwhile takes the place of the one here.
        """
        with answering(f"publishing {system}"):
            days, single = self._published(system)
            new = self._here(f"{system}/*/extracted_date=*/{MANIFEST_FILE}") - {
                f"{day}/{MANIFEST_FILE}" for day in days
            }
            for manifest in sorted(new):
                self._put_day(str(PurePosixPath(manifest).parent))
            for name in self._here(f"{system}/*/{REINGESTED_FOLDER}/*/*.parquet") - single:
                obstore.put(self.store, name, self.root / name)
        return len(new)

    def _put_day(self, day: str) -> None:
        folder, name = self.root / day, f"{day}/{MANIFEST_FILE}"
        ours = (folder / MANIFEST_FILE).read_bytes()
        files = {
            f"{_version(day, ours)}/{file.name}": file
            for file in sorted(folder.iterdir())
            if file.name != MANIFEST_FILE
        }
        for path, file in files.items():
            obstore.put(self.store, path, file)
        try:
            obstore.put(self.store, name, ours, mode="create")
        except AlreadyExistsError:
            # An answer that was lost makes our own manifest look like somebody else's.
            if obstore.get(self.store, name).bytes().to_bytes() == ours:
                return
            log.warning("%s was published by somebody else meanwhile; theirs stands", day)
            obstore.delete(self.store, list(files))
            shutil.rmtree(folder)
            self._bring(day, self._published(day)[0][day])

    def _bring(self, day: str, files: Iterable[str]) -> None:
        draft = self.root / STAGING / f"fetch.{day.replace('/', '.')}"
        shutil.rmtree(draft, ignore_errors=True)
        self._bring_file(f"{day}/{MANIFEST_FILE}", draft / MANIFEST_FILE)
        told = (draft / MANIFEST_FILE).read_bytes()
        for file in files:
            if file.startswith(_version(day, told)):
                self._bring_file(file, draft / PurePosixPath(file).name)
        manifest = Manifest.from_json(told.decode())
        found = sha256_of(draft / ROWS_FILE)
        if found != manifest.file_sha256:
            shutil.rmtree(draft)
            raise ContractBroken(
                STORE,
                f"{day}/{ROWS_FILE} is not the file that {MANIFEST_FILE} tells of: its SHA-256 is "
                f"{found}, not {manifest.file_sha256}; bring back the object's former version",
            )
        (self.root / day).parent.mkdir(parents=True, exist_ok=True)
        draft.rename(self.root / day)

    def _bring_file(self, name: str, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f"{file.suffix}.draft")
        with draft.open("wb") as written:
            for part in obstore.get(self.store, name).stream():
                written.write(part)
            written.flush()
            os.fsync(written.fileno())
        draft.rename(file)

    def _published(self, prefix: str) -> tuple[dict[str, list[str]], set[str]]:
        """The files of each day that has its manifest, and those that stand for themselves."""
        names = {one["path"] for batch in obstore.list(self.store, prefix=prefix) for one in batch}
        single = {name for name in names if f"/{REINGESTED_FOLDER}/" in name}
        found: dict[str, list[str]] = defaultdict(list)
        for name in sorted(names - single):
            found["/".join(PurePosixPath(name).parts[:3])].append(name)
        days = {day: files for day, files in found.items() if f"{day}/{MANIFEST_FILE}" in names}
        return days, single

    def _here(self, pattern: str) -> set[str]:
        return {file.relative_to(self.root).as_posix() for file in self.root.glob(pattern)}

    def _is_here(self, day: str) -> bool:
        return (self.root / day / MANIFEST_FILE).exists()


def _version(day: str, manifest: bytes) -> str:
    """Where the files of a day are that this manifest tells of; others of the day are not taken."""
    return f"{day}/{hashlib.sha256(manifest).hexdigest()[:16]}"
