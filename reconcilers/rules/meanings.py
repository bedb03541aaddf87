"""What each class of drift means to the business: the texts of docs/drift and of the review."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def meanings() -> Mapping[str, Mapping[str, str]]:
    """Per class: what it `means`, how it is `found` and what is `todo`."""
    source = files("reconcilers.rules") / "meanings.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
