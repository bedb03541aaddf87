"""What copies of a company have of their own, and what they share."""

import dataclasses
import datetime as dt
import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.manifest import MANIFEST_FILE, Manifest
from extractors.protocol import Field
from extractors.raw_zone import RawZone
from extractors.registry import READ
from extractors.sandbox.ids import salesforce_checks, salesforce_id, stripe_id
from orchestration.extraction import read_system
from orchestration.sending import business_clock
from orchestration.settings import SettingsError, load_settings
from orchestration.worlds.roles import SHARED, Role, UndeclaredError, copied_objects, roles_of
from orchestration.worlds.stencil import MOST_COPIES, cut
from orchestration.worlds.truth import truth_of_copies

COPIES = st.integers(1, MOST_COPIES - 1)


def manifest(name, read_at):
    return Manifest(
        system="stripe",
        object=name,
        snapshot_date=dt.date(2026, 6, 30),
        mode="full",
        cursor_from=None,
        cursor_to=read_at,
        watermark_at=read_at,
        source_count_before=None,
        source_count=None,
        source_sum_minor_before=None,
        source_sum_minor=None,
        read=0,
        landed=0,
        quarantined=0,
        deleted=0,
        duplicates=0,
        schema_hash="",
        file_sha256="",
        extracted_at=read_at,
        api_version="",
    )


def printed(values, role, copy=1):
    return cut(pl.Series("column", values), role).printed(copy).to_pylist()


@pytest.mark.parametrize(("system", "spec"), copied_objects(), ids=lambda each: str(each)[:40])
def test_it_is_known_of_every_text_column_what_becomes_of_it_in_a_copy(system, spec):
    key = [spec.fields[[f.column for f in spec.fields].index(name)] for name in spec.key]
    roles = roles_of(system, spec)
    assert any(roles[field.column] is not Role.SAME for field in key)


def test_a_new_column_of_which_nothing_is_known_is_refused_by_its_name():
    spec = READ["stripe"]["charge"]
    more = dataclasses.replace(spec, fields=(*spec.fields, Field(("order_id",))))
    with pytest.raises(UndeclaredError, match=r"stripe\.charge: order_id"):
        roles_of("stripe", more)


def test_only_objects_that_exist_are_shared():
    for system, names in SHARED.items():
        assert names <= READ[system].keys()


@given(st.lists(st.integers(1, 10**6), min_size=1, unique=True), COPIES)
def test_ids_of_the_crm_keep_their_check_and_never_meet_those_of_another_copy(numbers, copy):
    first = [salesforce_id("Account", number) for number in numbers]
    others = printed(first, Role.IDS, copy)
    assert all(salesforce_checks(one[:15]) == one[15:] and len(one) == 18 for one in others)
    assert len({*first, *others}) == 2 * len(first)


@given(
    st.lists(st.integers(1, 10**9 - 1), min_size=1, unique=True),
    st.lists(COPIES, min_size=2, max_size=2, unique=True),
)
def test_no_two_internal_ids_become_one(numbers, copies):
    first = [str(number) for number in numbers]
    found = [*first, *(one for copy in copies for one in printed(first, Role.NUMBER, copy))]
    assert len(set(found)) == len(found)
    assert all(one.isdigit() for one in found)


def test_of_an_internal_id_with_a_line_only_the_id_differs():
    assert printed(["15", "1001-2", "284/201", None], Role.NUMBER) == [
        "90001000000015",
        "90001000001001-2",
        "90001000000284/90001000000201",
        None,
    ]


def test_ids_inside_of_json_differ_and_what_is_shared_does_not():
    invoice, price = stripe_id("invoice", 1), stripe_id("price", 1)
    contract = salesforce_id("Contract", 3)
    line = {"invoice": invoice, "price": price, "metadata": {"crm_contract_id": contract}}
    (found,) = printed([json.dumps(line)], Role.IDS, 12)
    assert json.loads(found) == {
        "invoice": invoice.replace("in_", "in_90012"),
        "price": price,
        "metadata": {"crm_contract_id": contract.replace("Sb000000", "Sb090012")},
    }


def test_each_copy_has_a_series_of_numbers_of_its_own():
    numbers = ["NWC-000123-CN-01", "JE-REV-DE-2026-01", "00000001"]
    assert printed(numbers, Role.DOCUMENT) == [
        "NWC-90001-000123-CN-01",
        "JE-REV-DE-90001-2026-01",
        "90001-00000001",
    ]


def test_a_company_is_called_alike_in_all_systems_of_a_copy_and_otherwise_in_every_copy():
    spelled = [
        "Oak Labs Co., Ltd.",
        "OAK LABS CO., LTD.",
        "Ｏａｋ Labs Co., Ltd.",
        "Oak  Labs, Inc.",
    ]
    told = set()
    for copy in range(1, 200):
        crm, billing, wide, erp = printed(spelled, Role.NAME, copy)
        assert billing == crm.upper()
        assert erp.removesuffix(", Inc.").replace("  ", " ") == crm.removesuffix(" Co., Ltd.")
        assert "".join(chr(ord(c) - 0xFEE0) if ord(c) > 0xFEE0 else c for c in wide) == crm
        (site,) = printed(["https://www.oaklabs.example"], Role.HOST, copy)
        (email,) = printed(["ap@oaklabs.example"], Role.EMAIL, copy)
        label = crm.removesuffix(" Co., Ltd.").replace(" ", "").lower()
        assert (site, email) == (f"https://www.{label}.example", f"ap@{label}.example")
        told.add(label)
    assert len(told) == 199


def test_groups_keep_what_makes_them_groups():
    (name,) = printed(["Oak Labs Group Holdings"], Role.NAME)
    (site,) = printed(["https://group.oaklabs-holdings.example"], Role.HOST)
    assert name.endswith(" Group Holdings")
    assert re.fullmatch(r"https://group\.[a-z]+-holdings\.example", site)


def test_tax_ids_that_differ_in_a_digit_still_do():
    one, other = printed(["DE125578373", "DE125578378"], Role.TAX)
    assert one[:2] == "DE"
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 1


def test_what_hits_an_object_that_a_company_has_once_is_true_once():
    row = {"attribute": "", "variant": "", "planted": True, "caused_by": None}
    crm = {"owner_system": "salesforce", "replica_system": "stripe"}
    truth = [
        {"code": "PRD-GL-01", "owner_system": "netsuite", "owner_id": "212", **row},
        {
            "code": "PRD-PRC-01",
            "owner_id": salesforce_id("PricebookEntry", 1),
            "replica_id": stripe_id("price", 1),
            **crm,
            **row,
        },
        {"code": "INV-LINE-01", "owner_system": "netsuite", "owner_id": "7804-4", **row},
        {"code": "PYT-BANK-01", "owner_system": "bank", "owner_id": "GB29NWBK601|2026|P4", **row},
    ]
    assert truth_of_copies(truth, 2)["owner_id"].to_list() == [
        "212",
        salesforce_id("PricebookEntry", 1),
        "7804-4",
        "GB29NWBK601|2026|P4",
        "90001000007804-4",
        "GB9000129NWBK601|2026|P4",
    ]


def test_without_systems_it_is_as_late_as_when_the_last_of_them_was_read(tmp_path):
    settings = load_settings({"TIEOUT_HOME": str(tmp_path)})
    for name, day, hour in (("charge", 30, 3), ("refund", 30, 4), ("payout", 29, 5)):
        read_at = dt.datetime(2026, 6, day, hour, tzinfo=dt.UTC) + dt.timedelta(days=1)
        folder = RawZone(settings.raw_dir).folder("stripe", name, dt.date(2026, 6, day))
        folder.mkdir(parents=True)
        (folder / MANIFEST_FILE).write_text(manifest(name, read_at).to_json())
    assert business_clock(settings)() == dt.datetime(2026, 7, 1, 4, tzinfo=dt.UTC)


def test_a_day_that_is_published_as_a_whole_is_read_without_a_system(tmp_path):
    settings = load_settings({"TIEOUT_HOME": str(tmp_path)})
    day = dt.date(2026, 6, 30)
    found = manifest("charge", dt.datetime(2026, 7, 1, 3, tzinfo=dt.UTC))
    folder = RawZone(settings.raw_dir).folder("stripe", "charge", day)
    folder.mkdir(parents=True)
    (folder / MANIFEST_FILE).write_text(found.to_json())
    assert read_system(settings, "stripe", day, ["charge"]).manifests == [found]
    with pytest.raises(SettingsError, match="no source systems"):
        read_system(settings, "stripe", day, ["charge", "refund"])
