"""Folders in an object store (S3 and what speaks like it, GCS, Azure, a folder), by URL."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import ObjectStore, from_url

from extractors.errors import ContractBroken, Transient
from extractors.manifest import sha256_of

STORE = "object store"
LATEST = "latest.json"


def open_store(url: str) -> ObjectStore:
    """The store at `s3://bucket/prefix`, `gs://`, `az://` or `file:///folder`.

    Credentials, region and endpoint are those of the vendor's own variables (`AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL`, ...) or of the machine's role.

    Raises:
        ContractBroken: the URL names no store that is known.

    """
    if url.startswith("file://"):
        Path(urlsplit(url).path).mkdir(parents=True, exist_ok=True)
    try:
        return from_url(url)
    except (BaseError, UnknownConfigurationKeyError, ValueError) as error:
        told = "write s3://bucket/prefix, gs://, az:// or file:///folder"
        raise ContractBroken(
            STORE, f"{url} is no object store ({_first(error)}); {told}"
        ) from error


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Tells a failure of the store as one of a system, which the next run tries again."""
    try:
        yield
    except BaseError as error:
        raise Transient(STORE, f"{what}: {_first(error)}") from error


def probe(url: str) -> str:
    """Put an object and take it away again; returns the URL.

    Raises:
        SourceError: the store cannot be written to.

    """
    store = open_store(url)
    with answering(f"writing to {url}"):
        obstore.put(store, ".writable", b"")
        obstore.delete(store, ".writable")
    return url


def put_version(store: ObjectStore, name: str, folder: Path) -> str:
    """Put all files of a folder under a name of their content, and then say which is the latest.

    Who reads `name/latest.json` first never sees one half of one version and one of another.
    Returns the version; the same content is the same version.
    """
    files = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    hashes = {path: sha256_of(file) for path, file in files.items()}
    told = json.dumps(hashes, sort_keys=True)
    version = hashlib.sha256(told.encode()).hexdigest()[:16]
    with answering(f"putting {name}"):
        for path, file in files.items():
            obstore.put(store, f"{name}/{version}/{path}", file)
        latest = json.dumps({"version": version, "files": hashes}, indent=2, sort_keys=True)
        obstore.put(store, f"{name}/{LATEST}", latest.encode())
    return version


def put_file(store: ObjectStore, name: str, file: Path) -> None:
    """Put one file; who reads it sees it whole, or as it was before."""
    with answering(f"putting {name}"):
        obstore.put(store, name, file)


def _first(error: Exception) -> str:
    """What went wrong; behind it obstore prints all that it knows of the call."""
    return str(error).split("\n", 1)[0]
