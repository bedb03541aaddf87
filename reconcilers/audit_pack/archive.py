"""The archive itself: the same members give the same bytes, and no byte can change unnoticed.

Members are stored as they are. SHA256SUMS holds the hash of each, in the form that `sha256sum -c`
reads, and the last line of CHAIN a hash over all of them in order. What the archive is made of
besides its members (times, attributes, offsets) is fixed: it can be made again and compared.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SUMS, CHAIN = "SHA256SUMS", "CHAIN"
GENESIS = "0" * 64
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that the format knows
READABLE = 0o644 << 16


@dataclass(frozen=True)
class PackVerdict:
    """Whether a pack is as it was made; if not, what is wrong with it. `head` is its last hash."""

    holds: bool
    files: int
    head: str = ""
    sha256: str = ""
    problem: str = ""


def pack(members: Mapping[str, bytes]) -> bytes:
    """The archive of these members, in the order of their names."""
    named = dict(sorted(members.items()))
    return _zipped({**named, SUMS: _sums(named), CHAIN: _chain(named)})


def write_pack(path: Path, members: Mapping[str, bytes]) -> PackVerdict:
    """Write the archive, whole or not at all; what `verify_pack` says of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.new")
    staged.write_bytes(pack(members))
    staged.replace(path)
    return verify_pack(path)


def verify_pack(path: Path) -> PackVerdict:
    """Read every member, compute its hashes anew, and make the archive again to compare each byte.

    Raises OSError when the file cannot be read.
    """
    raw = path.read_bytes()
    try:
        members = _members(raw)
    except Exception as error:  # noqa: BLE001  # whatever a broken archive makes of its reader
        return PackVerdict(holds=False, files=0, problem=f"it is no whole archive: {error}")
    sums, chain = members.pop(SUMS, b""), members.pop(CHAIN, b"")
    files = len(members)
    if problem := _problem(members, sums, chain):
        return PackVerdict(holds=False, files=files, problem=problem)
    if pack(members) != raw:
        problem = "its members are whole, but something between them was changed"
        return PackVerdict(holds=False, files=files, problem=problem)
    return PackVerdict(
        holds=True,
        files=files,
        head=_head(chain),
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _problem(members: Mapping[str, bytes], sums: bytes, chain: bytes) -> str:
    lines = (line.partition("  ") for line in sums.decode().splitlines())
    known = {name: digest for digest, _, name in lines}
    for name in sorted({*known, *members}):
        if name not in members:
            return f"{name} is gone"
        if known.get(name) != hashlib.sha256(members[name]).hexdigest():
            return f"{name} was changed" if name in known else f"{name} was added"
    if sums != _sums(members):
        return f"{SUMS} was changed"
    return "" if chain == _chain(members) else f"{CHAIN} was changed"


def _sums(members: Mapping[str, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in members.items())
    return "".join(lines).encode()


def _chain(members: Mapping[str, bytes]) -> bytes:
    """A line for each member: the hash over the line before, its name and its own hash."""
    previous, lines = GENESIS, []
    for name, body in members.items():
        text = f"{previous}  {name}  {hashlib.sha256(body).hexdigest()}"
        previous = hashlib.sha256(text.encode()).hexdigest()
        lines.append(f"{previous}  {name}\n")
    return "".join(lines).encode()


def _head(chain: bytes) -> str:
    lines = chain.decode().splitlines()
    return lines[-1].partition("  ")[0] if lines else GENESIS


def _zipped(members: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, body in members.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, READABLE
            archive.writestr(entry, body)
    return made.getvalue()


def _members(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
