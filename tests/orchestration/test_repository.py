"""Guards that keep the map true: documents, targets and rooms say the same."""

import re
from pathlib import Path

from extractors.systems import SYSTEMS
from orchestration.connections import variables

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("extractors", "dbt_project/models", "reconcilers", "orchestration", "docs")
SUFFIXES = {".py", ".sql", ".yml", ".toml", ".md"}


def targets():
    return set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_readme_names_no_target_that_does_not_exist():
    named = set(re.findall(r"make ([a-z][a-z-]*)", (ROOT / "README.md").read_text()))
    assert named - targets() == set()


def test_the_readme_is_short_and_says_that_there_are_more_targets():
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) <= 150
    assert "docs/targets.md" in readme


def test_every_file_that_the_readme_links_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_document_that_a_text_names_is_in_the_repository():
    texts = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in SUFFIXES]
    named = {
        (name, str(path.relative_to(ROOT)))
        for path in texts
        for name in re.findall(r"\b[A-Z][A-Z_]+\.md\b", path.read_text("utf-8"))
    }
    assert {(name, where) for name, where in named if not (ROOT / name).exists()} == set()


def test_every_variable_of_the_template_is_read_and_the_other_way_round():
    template = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    sources = ("settings.py", "environment.py", "companies.py")
    source = "".join((ROOT / "orchestration" / name).read_text() for name in sources)
    read = set(re.findall(r'"(TIEOUT_[A-Z_]+)"', source)) | {"OTEL_EXPORTER_OTLP_ENDPOINT"}
    connections = {name for one in SYSTEMS for name in variables(one)}
    to_write = {name for name in template if "_WRITE_" in name}
    assert template - to_write == read | connections
    assert to_write
    assert {name.replace("_WRITE_", "_") for name in to_write} <= connections
