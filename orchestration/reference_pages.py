"""The parts of the documentation that are made from the code: `make docs-reference` writes them.

A page holds a made part between `<!-- made: NAME -->` and `<!-- /made -->`; a test asks that each
is what the code says.
"""

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import typer
from typer.cli import get_docs_for_click

from extractors.protocol import ObjectSpec
from extractors.registry import READ
from orchestration.cli import app
from orchestration.company_files import ROOT
from reconcilers.corrections.guard import DEEDS, SHIPPED
from reconcilers.corrections.wire_fields import DOCUMENTS, PLACES, Place
from reconcilers.ownership import Ownership, load_ownership, owned_on

_PART = re.compile(r"(<!-- made: ([a-z -]+) -->\n)(.*?)(<!-- /made -->)", re.DOTALL)
_TARGET = re.compile(r"^([a-z-]+):.*## (.+)$", re.MULTILINE)
_CUSTOM = re.compile(r"__c$|^cust(entity|body|col|record)_|^metadata\.")


def filled(page: str) -> str:
    """A page with its made parts as they have to be."""
    return _PART.sub(lambda part: f"{part[1]}{_made(part[2])}\n{part[4]}", page)


def _made(name: str) -> str:
    what, _, of = name.partition(" ")
    makers: Mapping[str, Callable[[str], str]] = {
        "commands": lambda _: commands(),
        "targets": lambda _: targets(),
        "matrix": lambda _: matrix(),
        "reads": reads,
        "writes": writes,
    }
    return makers[what](of)


def commands() -> str:
    """Every command of `tieout` with its arguments and options, as Typer documents them."""
    text = get_docs_for_click(obj=opened(), ctx=typer.Context(opened()), name="tieout")
    return html.unescape(text.split("\n", 2)[2]).rstrip()


def opened() -> Any:
    """The command line with all its rooms open."""
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        if room := getattr(command, "opened", None):
            room.name, room.help, root.commands[name] = name, command.help, room
    return root


def targets() -> str:
    """What `make` can do."""
    found = _TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    return table(("target", "what it does"), ((f"`make {name}`", text) for name, text in found))


def matrix() -> str:
    """Who owns what, by entity: one row an attribute and holder of a copy."""
    entities: dict[str, list[Ownership]] = defaultdict(list)
    for row in owned_on(load_ownership(SHIPPED), date.max):
        entities[row.entity].append(row)
    return "\n\n".join(f"## {name}\n\n{_owned(rows)}" for name, rows in entities.items())


def _owned(rows: Sequence[Ownership]) -> str:
    titles = ("attribute", "owner", "copy", "class", "compared", "conflict", "why")
    return table(
        titles,
        (
            (
                f"`{row.attribute}`",
                row.owner,
                row.replica,
                _class(row.drift_code),
                row.status.replace("_", " "),
                " ".join(filter(None, (row.conflict_rule, row.approval))),
                row.why + (f" (not read: {row.missing})" if row.missing else ""),
            )
            for row in rows
        ),
    )


def _class(code: str) -> str:
    exists = (ROOT / "docs" / "drift" / f"{code}.md").exists()
    return f"[{code}](drift/{code}.md)" if exists else code


def reads(system: str) -> str:
    """Every object that a system is read for, with its fields, custom ones apart."""
    return table(
        ("object", "changes are found by", "fields", "custom fields"),
        (
            (f"`{spec.vendor_name}`", _cursor(spec), *_fields(spec))
            for spec in READ[system].values()
        ),
    )


def _cursor(spec: ObjectSpec) -> str:
    if spec.parent:
        return f"those of {spec.parent.object}"
    return f"`{spec.cursor}`" if spec.cursor else "read whole each night"


def _fields(spec: ObjectSpec) -> Iterator[str]:
    names = [".".join(item.path) for item in spec.fields]
    custom = [name for name in names if _CUSTOM.search(name)]
    for group in ([name for name in names if name not in custom], custom):
        yield ", ".join(f"`{name}`" for name in group)


def writes(system: str) -> str:
    """Every field, record and call that corrections can write, with who owns what is written."""
    changed = [
        ("change", ", ".join(f"`{one}`" for one in (place.object, *place.also)), place, attribute)
        for (holder, *attribute), place in PLACES.items()
        if holder == system and (holder, place.object) not in DEEDS
    ]
    made = [
        ("make", f"`{document}`", None, attribute)
        for (holder, document), carried in DOCUMENTS.items()
        if holder == system
        for attribute in carried
    ]
    called = [
        ("call", f"`{deed}`", None, attribute)
        for (holder, deed), attribute in DEEDS.items()
        if holder == system
    ]
    return table(
        ("what", "object", "fields", "attribute of the matrix", "owner"),
        (
            (what, thing, _places(place), f"`{'.'.join(of)}`", _owner(of))
            for what, thing, place, of in sorted(
                [*changed, *made, *called], key=lambda row: row[:2]
            )
        ),
    )


def _places(place: Place | None) -> str:
    paths = (place.path, *place.beside) if place else ()
    return ", ".join(f"`{'.'.join(path)}`" for path in paths)


def _owner(of: Sequence[str]) -> str:
    rows = owned_on(load_ownership(SHIPPED), date.max)
    return next(row.owner for row in rows if [row.entity, row.attribute] == [*of])


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def main() -> None:
    """Write the made parts of all pages anew."""
    for path in sorted((ROOT / "docs").rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        if (after := filled(before)) != before:
            path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
