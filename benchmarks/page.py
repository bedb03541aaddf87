"""The page of what was measured: each benchmark writes the section of its own."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

PERFORMANCE = Path("docs/performance.md")


def write_section(page: Path, heading: str, text: str) -> None:
    """Put the text under this heading, in place of what stood there; a new one comes last."""
    title, *sections = re.split(r"^(?=## )", page.read_text("utf-8"), flags=re.MULTILINE)
    written = f"## {heading}\n\n{text.strip()}\n"
    others = [section.strip() + "\n" for section in sections]
    places = [at for at, section in enumerate(others) if section.startswith(f"## {heading}\n")]
    if places:
        others[places[0]] = written
    else:
        others.append(written)
    page.write_text("\n".join([title.strip() + "\n", *others]), encoding="utf-8")


def markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is of names, the others of numbers."""
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
