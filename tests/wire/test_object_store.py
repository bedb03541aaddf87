"""The raw zone and what others take from us, in an S3 server on loopback."""

from dataclasses import replace
from datetime import UTC, date, datetime

import boto3
import obstore
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from extractors.errors import ContractBroken, Transient
from extractors.journal import Agreement, Begun
from extractors.object_store import open_store, put_version
from extractors.protocol import Page, SourceTotals
from extractors.raw_mirror import RawMirror
from extractors.raw_zone import RawZone
from extractors.registry import SOURCES
from extractors.schema_drift import Schema
from orchestration.extraction import read_system
from orchestration.settings import load_settings

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
PRODUCT = SOURCES["stripe"]["product"]
FOLDER = "stripe/product/extracted_date=2026-03-01"
BEGUN = Begun(Agreement(None, False, "t", "h"), "full", AT, SourceTotals(), Schema({}), [])
MT940 = """\
:20:REF
:25:DE1/1
:28C:1/1
:60F:C260301EUR100,00
:61:2603010301C5,00NTRFNONREF
:62F:C260301EUR105,00
-
"""


@pytest.fixture(scope="module", autouse=True)
def server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_ACCESS_KEY_ID", "key")
        environ.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        environ.setenv("AWS_REGION", "us-east-1")
        environ.setenv("AWS_ENDPOINT_URL", url)
        environ.setenv("AWS_ALLOW_HTTP", "true")
        yield boto3.client("s3", endpoint_url=url, region_name="us-east-1")
    server.stop()


@pytest.fixture
def url(server, request):
    name = f"b{abs(hash(request.node.nodeid))}"
    server.create_bucket(Bucket=name)
    return f"s3://{name}/company/raw"


def mirror(root, url):
    return RawMirror(root, open_store(url))


def publish_day(root, name):
    landing = RawZone(root).landing("stripe", PRODUCT, DAY)
    landing.restart()
    landing.begin(BEGUN, Page(AT))
    landing.add(Page(AT, [
        {"id": "p", "name": name, "active": True, "created": 1, "metadata": {"sku": "S"}},
        {"id": "q", "name": 7},
    ]))  # fmt: skip
    return landing.publish(SourceTotals())


def files_of(root):
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file()
    }


def names_in(url):
    return {one["path"] for batch in obstore.list(open_store(url)) for one in batch}


def test_a_day_that_one_machine_published_is_the_same_on_another(tmp_path, url):
    manifest = publish_day(tmp_path / "a", "first")
    assert mirror(tmp_path / "a", url).publish("stripe") == 1
    assert mirror(tmp_path / "a", url).publish("stripe") == 0
    assert mirror(tmp_path / "b", url).fetch("netsuite") == 0
    assert mirror(tmp_path / "b", url).fetch("stripe") == 1
    assert mirror(tmp_path / "b", url).fetch("stripe") == 0
    assert RawZone(tmp_path / "b").published("stripe", "product", DAY) == manifest
    here, there = files_of(tmp_path / "a"), files_of(tmp_path / "b")
    assert here == there
    assert {name.rpartition("/")[2] for name in here} == {
        "manifest.json", "part-0.parquet", "quarantine.jsonl",
    }  # fmt: skip


def test_a_day_without_its_manifest_is_not_there_until_it_is_put_again(tmp_path, url):
    publish_day(tmp_path / "a", "first")
    mirror(tmp_path / "a", url).publish("stripe")
    obstore.delete(open_store(url), f"{FOLDER}/manifest.json")
    assert mirror(tmp_path / "b", url).fetch("stripe") == 0
    assert files_of(tmp_path / "b") == {}
    assert mirror(tmp_path / "a", url).publish("stripe") == 1
    assert mirror(tmp_path / "b", url).fetch("stripe") == 1


def test_of_two_who_read_one_day_the_first_stands_on_both(tmp_path, url):
    publish_day(tmp_path / "a", "first")
    publish_day(tmp_path / "b", "second")
    late = mirror(tmp_path / "b", url)
    unseen = late._published("stripe")
    mirror(tmp_path / "a", url).publish("stripe")
    assert unseen == ({}, set())
    late._put_day(FOLDER)
    assert files_of(tmp_path / "b") == files_of(tmp_path / "a")
    rows = pl.read_parquet(tmp_path / "b" / FOLDER / "part-0.parquet")
    assert rows["name"].to_list() == ["first"]
    assert mirror(tmp_path / "c", url).fetch("stripe") == 1
    assert len(names_in(url)) == len(files_of(tmp_path / "c"))


def test_an_answer_that_was_lost_is_no_other_publisher(tmp_path, url):
    publish_day(tmp_path / "a", "first")
    mine = mirror(tmp_path / "a", url)
    mine._put_day(FOLDER)
    before = (tmp_path / "a" / FOLDER).stat().st_ino
    mine._put_day(FOLDER)
    assert (tmp_path / "a" / FOLDER).stat().st_ino == before


def test_rows_that_were_changed_in_the_store_do_not_land(tmp_path, url):
    publish_day(tmp_path / "a", "first")
    mirror(tmp_path / "a", url).publish("stripe")
    (rows,) = (name for name in names_in(url) if name.endswith("part-0.parquet"))
    obstore.put(open_store(url), rows, b"other")
    with pytest.raises(ContractBroken, match=f"{FOLDER}/part-0.parquet is not the file"):
        mirror(tmp_path / "b", url).fetch("stripe")
    assert files_of(tmp_path / "b") == {}


def test_what_was_landed_again_comes_too(tmp_path, url):
    publish_day(tmp_path / "a", "first")
    again = tmp_path / "a/stripe/product/reingested/extracted_date=2026-03-01/0000.parquet"
    again.parent.mkdir(parents=True)
    again.write_bytes(b"rows")
    mirror(tmp_path / "a", url).publish("stripe")
    mirror(tmp_path / "b", url).fetch("stripe")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_a_store_that_refuses_is_told_as_a_system_that_fails(tmp_path):
    publish_day(tmp_path, "first")
    with pytest.raises(Transient, match=r"object store: publishing stripe: .*does-not-exist"):
        mirror(tmp_path, "s3://does-not-exist/raw").publish("stripe")


@pytest.mark.parametrize("url", ["ftp://there/raw", "just words"])
def test_a_url_of_no_store_is_told_with_what_to_write(url):
    with pytest.raises(ContractBroken, match=r"write s3://bucket/prefix"):
        open_store(url)


def test_a_report_is_taken_whole_or_as_it_was(tmp_path, url):
    (tmp_path / "exceptions").mkdir()
    (tmp_path / "report.html").write_text("one")
    (tmp_path / "exceptions" / "all.csv").write_text("rows")
    store = open_store(url)
    first = put_version(store, "reports/2026-03-01", tmp_path)
    assert put_version(store, "reports/2026-03-01", tmp_path) == first
    (tmp_path / "report.html").write_text("two")
    second = put_version(store, "reports/2026-03-01", tmp_path)
    told = obstore.get(store, "reports/2026-03-01/latest.json").bytes().to_bytes().decode()
    assert f'"version": "{second}"' in told
    assert names_in(url) == {
        "reports/2026-03-01/latest.json",
        *(
            f"reports/2026-03-01/{version}/{name}"
            for version in (first, second)
            for name in ("report.html", "exceptions/all.csv")
        ),
    }


def test_a_day_is_read_once_for_all_machines(tmp_path, url):
    bank = tmp_path / "bank"
    bank.mkdir()
    (bank / "march.sta").write_text(MT940)
    clock = tmp_path / "clock"
    clock.write_text("2026-03-02T02:00:00+00:00")
    folder = {"statements": str(bank), "clock": str(clock)}
    one, other = (
        replace(
            load_settings({"TIEOUT_HOME": str(tmp_path / name), "TIEOUT_RAW_URL": url}),
            connections_override={"bank": folder, "stripe": {}},
        )
        for name in "ab"
    )
    read = read_system(one, "bank", DAY)
    assert {manifest.object for manifest in read.manifests} == {"statement", "statement_line"}
    (bank / "march.sta").write_text(MT940.replace("105,00", "106,00"))
    assert read_system(other, "bank", DAY).manifests == read.manifests
    assert files_of(one.raw_dir) == files_of(other.raw_dir) != {}
