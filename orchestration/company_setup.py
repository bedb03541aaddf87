"""Asks a company what Tieout has to know, once, and writes it down: `.env` and files to edit."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import yaml  # type: ignore[import-untyped]
from cryptography.fernet import Fernet

from extractors.systems import RECONCILED, SYSTEMS
from orchestration.company_files import MATRIX, POLICY, SHIPPED, SHIPPED_SEEDS, TO_ADAPT, WORDS
from orchestration.connections import variable_of, variables

PRACTICE, OWN = "practice", "own"
# How a system can be entered: words -> the fields that this login needs besides the required ones.
LOGINS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "salesforce": {
        "secret of the connected app": ("client_secret",),
        "user with a certified key": ("username", "private_key_path", "login_url"),
    },
    "netsuite": {
        "certificate (OAuth 2.0)": ("client_id", "certificate_id", "private_key_path"),
        "token (OAuth 1.0a)": ("consumer_key", "consumer_secret", "token_id", "token_secret"),
    },
}
# Addresses that are the same for everybody.
KNOWN = {
    "STRIPE_URL": "https://api.stripe.com",
    "SALESFORCE_LOGIN_URL": "https://login.salesforce.com",
}
EDITED = (POLICY, MATRIX, *TO_ADAPT)


class Asking(Protocol):
    """Who answers: a person, or nobody, who takes every default."""

    def text(self, words: str, default: str) -> str: ...
    def secret(self, words: str, known: str) -> str: ...
    def choice(self, words: str, options: Sequence[str], default: str) -> str: ...
    def yes(self, words: str, *, default: bool) -> bool: ...


def answers(
    ask: Asking, known: Mapping[str, str], *, is_one_of_many: bool = False
) -> dict[str, str]:
    """What `.env` is to hold, by variable; `known` are the answers of last time, or defaults.

    A company of many is asked for nothing of the deployment.
    """
    told = dict(known)
    if not is_one_of_many:
        told |= _places(ask, known)
    owned = any(name in known for system in RECONCILED for name in variables(system))
    systems = ask.choice(
        "Which systems? A night reconciles three together: all practice ones, or all your own",
        (PRACTICE, OWN),
        OWN if owned else PRACTICE,
    )
    for system in RECONCILED:
        names = {*variables(system), *_to_write(system)}
        told = {name: value for name, value in told.items() if name not in names}
        if systems == OWN:
            told |= _system(ask, known, system)
    told |= _bank(ask, known)
    if not known.get("TIEOUT_SEALING_KEYS") and ask.yes(
        "Make a key that seals names, e-mail addresses and tax ids?", default=True
    ):
        told["TIEOUT_SEALING_KEYS"] = Fernet.generate_key().decode()
    return {name: value for name, value in told.items() if value}


def _places(ask: Asking, known: Mapping[str, str]) -> dict[str, str]:
    told = _asked(ask, known, "TIEOUT_HOME", "Folder for what runs produce")
    if ask.yes("Keep the state in PostgreSQL, not in a file?", default="TIEOUT_STATE_URL" in known):
        told["TIEOUT_STATE_URL"] = ask.secret(
            "TIEOUT_STATE_URL (postgresql+psycopg://...)", known.get("TIEOUT_STATE_URL", "")
        )
    return told


def _system(ask: Asking, known: Mapping[str, str], system: str) -> dict[str, str]:
    required = list(variables(system, required=True).values())
    logins = LOGINS.get(system)
    fields = required
    if logins:
        used = next(
            (words for words, names in logins.items() if variable_of(system, names[0]) in known),
            next(iter(logins)),
        )
        chosen = ask.choice(f"How does Tieout enter {system}?", list(logins), used)
        fields = [*required, *(name for name in logins[chosen] if name not in required)]
    told = _kept(known, system, "", fields)
    for name in fields:
        told |= _field(ask, known, system, name)
    if ask.yes(
        f"Has dispatch credentials of its own for {system}? Nights then hold none that write",
        default=any(name in known for name in _to_write(system)),
    ):
        told |= _kept(known, system, "write_", fields)
        for name in fields:
            if name not in {"base_url", "account", "login_url"}:
                told |= _field(ask, known, system, f"write_{name}")
    return told


def _kept(
    known: Mapping[str, str], system: str, prefix: str, fields: Sequence[str]
) -> dict[str, str]:
    """What nobody is asked for, but was set: all but what belongs to another login."""
    of_logins = {name for names in LOGINS.get(system, {}).values() for name in names}
    names = set(variables(system).values()) - (of_logins - {*fields})
    wanted = {variable_of(system, f"{prefix}{name}") for name in names}
    return {variable: known[variable] for variable in known.keys() & wanted}


def _field(ask: Asking, known: Mapping[str, str], system: str, name: str) -> dict[str, str]:
    variable = variable_of(system, name)
    if is_secret(system, name.removeprefix("write_")):
        return {variable: ask.secret(variable, known.get(variable, ""))}
    return _asked(ask, known, variable, variable)


def _asked(ask: Asking, known: Mapping[str, str], variable: str, words: str) -> dict[str, str]:
    return {variable: ask.text(words, known.get(variable) or KNOWN.get(variable, ""))}


def _bank(ask: Asking, known: Mapping[str, str]) -> dict[str, str]:
    (variable,) = variables("bank", required=True)
    if not ask.yes("Hold payouts against bank statements?", default=variable in known):
        return {variable: ""}
    return _asked(ask, known, variable, "Folder of the bank's files")


def is_secret(system: str, name: str) -> bool:
    """What a connector keeps out of its own text form is a secret."""
    return any(
        one.name == name and not one.repr for one in dataclasses.fields(SYSTEMS[system].config)
    )


def _to_write(system: str) -> list[str]:
    return [variable_of(system, f"write_{n}") for n in variables(system).values()]


def write_files(folder: Path) -> list[Path]:
    """Put the files that a company edits into its folder; what is there already stays.

    The README beside them says what each decides, and what every column means.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in EDITED:
        if not (folder / name).exists():
            (folder / name).write_bytes(SHIPPED[name].read_bytes())
            made.append(folder / name)
    (folder / "README.md").write_text("\n".join(_readme()) + "\n", encoding="utf-8")
    return made


def _readme() -> Iterator[str]:
    yield "# The files of this company"
    yield ""
    yield "Tieout takes a file of this folder in place of the shipped one of the same name, whole."
    yield "`tieout doctor` tells mistakes, `tieout whatif --rules` what a change of the rules would"
    yield "have found. This page is written anew by `tieout init`."
    columns = _columns()
    for name, words in WORDS.items():
        yield ""
        yield f"## {name}"
        yield f"{words[0].upper()}{words[1:]}."
        if name not in EDITED:
            yield f"Not here: copy it from `{SHIPPED[name].parent.name}/{name}` to change it."
        yield from (f"- `{column}`: {told}" for column, told in columns.get(name, {}).items())


def _columns() -> dict[str, dict[str, str]]:
    """Every column of a seed with its description, from what dbt knows of it."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(SHIPPED_SEEDS.glob("*.yml")):
        for seed in yaml.safe_load(path.read_text(encoding="utf-8")).get("seeds", []):
            columns = seed.get("columns", [])
            found[f"{seed['name']}.csv"] = {c["name"]: c.get("description", "") for c in columns}
    return found
