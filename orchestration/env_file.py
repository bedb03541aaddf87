"""The `.env` of a company: the parts of `.env.example` that it uses, with their comments."""

import os
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from orchestration.company_files import ROOT

EXAMPLE = ROOT / ".env.example"
_VARIABLE = re.compile(r"([A-Z][A-Z_]+)=")
# These need no quotes, whoever reads the file: dotenv, systemd, a container engine, a shell.
_PLAIN = re.compile(r"[\w@%+=:,./-]*")


class EnvFileError(Exception):
    """The file cannot be written as asked."""


def documented(values: Mapping[str, str]) -> str:
    """The text of the file: what is set, below the comments that explain it.

    What the template does not know (a database's name for Dagster, say) stands at the end.

    Raises:
        EnvFileError: a value would be read back as another.

    """
    parts = list(_parts(EXAMPLE.read_text(encoding="utf-8")))
    others = values.keys() - {name for _, names in parts for name in names}
    parts.append(([f"# Not in {EXAMPLE.name}, and kept"], sorted(others)))
    lines = ["# Written by `tieout init`; every variable that there is stands in .env.example."]
    for comments, names in parts:
        given = [name for name in names if values.get(name)]
        if given:
            lines += ["", *comments, *(f"{name}={_quoted(name, values[name])}" for name in given)]
    return "\n".join(lines) + "\n"


def write_private(path: Path, text: str) -> None:
    """Put the file in place as a whole, readable by its owner alone."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)


def template_variables() -> list[str]:
    return _VARIABLE.findall(EXAMPLE.read_text(encoding="utf-8"))


def _parts(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Comments, and the variables below them."""
    comments: list[str] = []
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            if names:
                yield comments, names
                comments, names = [], []
            comments.append(line)
        elif found := _VARIABLE.match(line):
            names.append(found[1])
        else:
            yield comments, names
            comments, names = [], []
    yield comments, names


def _quoted(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    quoted = f"'{value}'"
    # dotenv puts variables in for ${...}, and takes backslashes away, inside of quotes as well.
    if dotenv_values(stream=StringIO(f"{name}={quoted}")).get(name) != value:
        raise EnvFileError(
            f"{name} holds a quote, an end of line, ${{...}} or backslashes, which no .env carries"
        )
    return quoted
