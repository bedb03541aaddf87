"""The commands of the documentation, and how each block of them is treated.

A comment in front of a block says so, and a block without one fails:

`<!-- run: SESSION -->`   the block is run, in one shell with all others of its session, as written
`<!-- parse: REASON -->`  it is not run, for the reason given: its commands, options, make targets,
                          modules and files are looked up
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import typer
from typer._click.exceptions import MissingParameter, NoArgsIsHelpError, UsageError

from orchestration.reference_pages import opened

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(
    r"(?:^ *<!-- (?P<how>run|parse): (?P<what>[^>]+?) -->\n)?"
    r"^(?P<indent> *)```(?:sh|bash|shell|console)\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
INLINE = re.compile(r"(?<!`)`((?:\.venv/bin/)?(?:tieout|make) [^`\n]+)`(?!`)")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
# Programs of the system, of which nothing is looked up.
OTHERS = {
    "cat",
    "cd",
    "chmod",
    "chromium",
    "cp",
    "crontab",
    "curl",
    "docker",
    "echo",
    "export",
    "git",
}
OTHERS |= {
    "install",
    "journalctl",
    "useradd",
    "ls",
    "mkdir",
    "open",
    "psql",
    "sha256sum",
    "sudo",
    "systemctl",
    "unzip",
    "xdg-open",
}


STANDS_FOR = {
    "DAY": "2026-06-30",
    "D": "2026-06-30",
    "DAYS": "30",
    "N": "7",
    "NO": "7",
    "NIGHTS": "7",
}


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    how: str | None
    what: str | None
    code: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> list[Block]:
    """In the order of pages and lines; what a tool made of the command line is no block."""
    return [
        Block(
            str(page.relative_to(ROOT)),
            text.count("\n", 0, found.start("code")),
            found["how"],
            found["what"],
            re.sub(rf"^{found['indent']}", "", found["code"], flags=re.MULTILINE),
        )
        for page in PAGES
        if "made: commands" not in (text := page.read_text("utf-8"))
        for found in FENCE.finditer(text)
    ]


def session(name: str) -> list[Block]:
    return [block for block in blocks() if (block.how, block.what) == ("run", name)]


def mentioned() -> list[tuple[str, str]]:
    """Commands of `tieout` and `make` in the running text, with their pages."""
    return [
        (str(page.relative_to(ROOT)), re.sub(r"[\[\]|]|\.\.\.", " ", command))
        for page in PAGES
        for command in INLINE.findall(page.read_text("utf-8"))
    ]


def commands(code: str) -> Iterator[list[str]]:
    """The single commands of a block, without assignments, comments and redirections."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split, words.commenters = True, "#"
        before = ""
        for is_mark, part in groupby(words, lambda word: set(word) <= set("|&;<>()")):
            command = list(part)
            if is_mark:
                before = command[-1]
            elif set(before) & set("<>"):
                continue
            while command and re.match(r"[A-Z_]+=", command[0]):
                command.pop(0)
            if command and not is_mark:
                yield command


def mistake(command: list[str], *, in_part: bool = False) -> str | None:
    """What is wrong with a command as it is written; with `in_part` arguments may be left out."""
    program = command[0].removeprefix(".venv/bin/")
    look = {"tieout": _tieout, "make": _make, "python": _python, "pytest": _pytest}
    if program in look:
        wrong = look[program](command[1:], in_part)
        return wrong and f"{' '.join(command)}: {wrong}"
    return None if program in OTHERS or program.startswith("/") else f"who is {program}?"


_opened = cache(opened)


def _tieout(words: list[str], in_part: bool) -> str | None:
    words = [STANDS_FOR.get(word, word) for word in words]
    command, name, context = _opened(), "tieout", None
    try:
        while words or not hasattr(command, "resolve_command"):
            context = command.make_context(name, list(words), parent=context)
            words = [*getattr(context, "_protected_args", ()), *context.args]
            if not hasattr(command, "resolve_command"):
                return None
            if words:
                name, command, words = command.resolve_command(context, words)
    except MissingParameter as error:
        return None if in_part else error.format_message()
    except (typer.Exit, NoArgsIsHelpError):
        return None
    except UsageError as error:
        return error.format_message()
    return None


def _make(words: list[str], in_part: bool) -> str | None:
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable and f"$({name})" not in MAKEFILE:
            return f"the Makefile reads no {name}"
        if not is_variable and word not in TARGETS:
            return f"there is no target {word}"
    return None


def _python(words: list[str], in_part: bool) -> str | None:
    if words[0] == "-c":
        compile(words[1], "docs", "exec")
        return None
    found = find_spec(words[1]) if words[0] == "-m" else None
    if found is None or found.origin is None:
        return "there is no such module"
    origin = Path(found.origin)
    source = origin if origin.name != "__init__.py" else origin.with_name("__main__.py")
    text = source.read_text("utf-8")
    unknown = [word for word in words[2:] if word.startswith("--") and word not in text]
    return f"{source.name} knows no {unknown}" if unknown else None


def _pytest(words: list[str], in_part: bool) -> str | None:
    known = (ROOT / "tests" / "conftest.py").read_text("utf-8")
    for word in words:
        if word.startswith("--") and f'"{word.partition("=")[0]}"' not in known:
            return f"there is no option {word}"
        if "/" in word and not (ROOT / word.partition("::")[0]).exists():
            return f"there is no {word}"
    return None
