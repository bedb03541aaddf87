"""Where each key of a TOML document stands, which the standard reader does not tell."""

import re

HEADER = re.compile(r"^\s*\[(?P<path>[^\[\]]+)\]\s*(#.*)?$")
ENTRY = re.compile(r"^\s*(?P<key>[A-Za-z0-9_\-.\"']+)\s*=")
INLINE = re.compile(r"[{,]\s*(?P<key>[A-Za-z0-9_\-]+)\s*=")


def lines_of(source: str) -> dict[tuple[str, ...], int]:
    """Line number (from 1) by key path, for tables, keys and the keys of inline tables."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(source.splitlines(), start=1):
        if header := HEADER.match(line):
            table = _path(header["path"])
            for depth in range(1, len(table) + 1):
                lines.setdefault(table[:depth], number)
        elif entry := ENTRY.match(line):
            path = table + _path(entry["key"])
            lines.setdefault(path, number)
            for inner in INLINE.finditer(line):
                lines.setdefault((*path, inner["key"]), number)
    return lines


def _path(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in text.split("."))
