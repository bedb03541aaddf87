"""A hook of MkDocs (`mkdocs.yml`): what the documentation's site is given when it is built.

Mermaid diagrams are drawn here, so that readers load no script; pages that the navigation does not
name stand in it too, at its end.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mmdr
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

_FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CLASSES = "drift/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Give each class of drift its place, and pages that nobody placed one behind the rest."""
    uris = [file.src_uri for file in files.documentation_pages()]
    named = set(_leaves(config.nav))
    classes = sorted(uri for uri in uris if uri.startswith(_CLASSES) and uri not in named)
    for section in config.nav or ():
        for title, pages in section.items():
            if title == "Drift":
                pages.append({"By class": [{Path(uri).stem: uri} for uri in classes]})
    if more := [uri for uri in uris if uri not in named and uri not in classes]:
        (config.nav or []).append({"More": more})
    return files


def _leaves(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav or ():
            yield from _leaves(part)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put a picture in the place of each diagram's source."""
    number = 0

    def drawn(fence: re.Match[str]) -> str:
        nonlocal number
        number += 1
        uri = f"assets/diagrams/{page.file.name}-{number}.svg"
        files.append(File.generated(config, uri, content=mmdr.render(fence[1]).svg()))
        url = get_relative_url(uri, page.file.src_uri)
        return f"[![Diagram {number}]({url}){{ .diagram }}]({url})"

    return _FENCE.sub(drawn, markdown)
