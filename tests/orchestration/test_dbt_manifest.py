"""The project is parsed where its files are not those of the last parse."""

import shutil

import pytest

from orchestration.dbt import dbt_project, ensure_manifest
from orchestration.settings import load_settings


@pytest.fixture
def home(parsed_home, tmp_path):
    return shutil.copytree(parsed_home, tmp_path / "home")


def touched(home):
    """Whether a parse wrote the manifest, which is newer here than any file of the project."""
    manifest = home / "dbt" / "target" / "manifest.json"
    manifest.touch()
    before = manifest.stat().st_mtime_ns
    ensure_manifest(dbt_project(load_settings({"TIEOUT_HOME": str(home)})))
    return manifest.stat().st_mtime_ns != before


def test_what_was_parsed_is_not_parsed_again(home):
    assert not touched(home)


@pytest.mark.slow
def test_a_manifest_of_another_version_is_made_again_however_new_it_is(home):
    (home / "dbt" / "target" / "parsed_files.sha256").write_text("of another version")
    assert touched(home)
    assert not touched(home)
