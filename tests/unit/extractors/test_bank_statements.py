"""Statement files from a folder to the raw zone."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.bank.statements.client import BankSource
from extractors.bank.statements.config import BankConfig
from extractors.bank.statements.csv_format import COLUMNS
from extractors.bank.statements.objects import EXPONENTS
from extractors.errors import ContractBroken, LateExtraction, NotFound
from extractors.extract import extract_system
from extractors.manifest import QUARANTINE_FILE
from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from tests.effort import examples

DAY = date(2026, 6, 1)
HEADER = {
    "record": "statement",
    "account": "GB29",
    "statement": "7",
    "currency": "GBP",
    "from_date": "2026-06-01",
    "to_date": "2026-06-01",
    "opening_balance": "100.00",
    "closing_balance": "150.50",
}
CREDIT = {
    "record": "line",
    "account": "GB29",
    "statement": "7",
    "currency": "GBP",
    "line": "1",
    "booking_date": "2026-06-01",
    "amount": "60.50",
    "reference": "TR1",
    "counterparty": "STRIPE, Inc.",
    "text": "payout",
}
FEE = CREDIT | {"line": "2", "amount": "-10", "reference": "", "counterparty": "", "text": "fee"}


def written(rows, columns=COLUMNS):
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).write_csv()


class Night:
    def __init__(self, home: Path):
        self.files, self.raw = home / "files", RawZone(home / "raw")
        self.files.mkdir()
        (home / "clock").write_text("2026-06-02T02:00:00+00:00\n")
        self.config = BankConfig(self.files, home / "clock")

    def read(self, day=DAY, **files):
        for name, text in files.items():
            (self.files / f"{name}.csv").write_text(text, "utf-8")
        manifests = asyncio.run(extract_system(BankSource(self.config), self.raw, day))
        return {manifest.object: manifest for manifest in manifests}

    def held(self, name):
        file = self.raw.folder("bank", name, DAY) / QUARANTINE_FILE
        return file.read_text("utf-8") if file.exists() else ""

    def table(self, name, columns):
        con = duckdb.connect()
        load_current(con, self.raw.root, DAY)
        rows = con.sql(f"SELECT {columns} FROM raw.bank__{name} ORDER BY ALL").fetchall()
        con.close()
        return rows


@pytest.fixture
def night(tmp_path):
    return Night(tmp_path)


def test_statements_and_lines_land_as_they_were_written(night):
    manifests = night.read(june=written([HEADER, CREDIT, FEE]))
    statement, lines = manifests["statement"], manifests["statement_line"]
    assert (statement.landed, lines.landed, lines.quarantined) == (1, 2, 0)
    assert (statement.source_count, lines.source_count) == (1, 2)
    assert lines.source_sum_minor == {"GBP": 5050}
    assert lines.watermark_at == datetime(2026, 6, 2, 2, tzinfo=UTC)
    assert night.table("statement", "id, opening_balance, closing_balance") == [
        ("GB29|7", "100.00", "150.50")
    ]
    assert night.table("statement_line", "id, amount, value_date, counterparty, row") == [
        ("GB29|7|1", "60.50", "2026-06-01", "STRIPE, Inc.", 3),
        ("GB29|7|2", "-10", "2026-06-01", None, 4),
    ]


def test_the_same_file_twice_is_one(night):
    text = written([HEADER, CREDIT, FEE])
    manifests = night.read(june=text, june_copy=text)
    assert (manifests["statement"].read, manifests["statement_line"].read) == (1, 2)


def test_of_two_files_for_one_statement_the_last_by_name_stands_whole(night):
    whole = [HEADER, CREDIT, FEE]
    corrected = [HEADER | {"closing_balance": "160.50"}, CREDIT]
    night.read(a=written(whole), b=written(corrected))
    assert night.table("statement", "closing_balance, file") == [("160.50", "b.csv")]
    assert night.table("statement_line", "id") == [("GB29|7|1",)]


def test_what_is_taken_out_of_the_folder_is_gone_the_next_night(night):
    night.read(june=written([HEADER, CREDIT, FEE]))
    (night.files / "june.csv").unlink()
    (night.files / "july.csv").write_text(
        written([HEADER | {"statement": "8", "closing_balance": "100.00"}])
    )
    night.config.clock.write_text("2026-06-03T02:00:00+00:00")
    assert night.read(date(2026, 6, 2))["statement_line"].landed == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "60.5O"}, "the line in row 3: '60.5O (no amount)' is no amount"),
        ({"amount": "60.505"}, "has more decimals than GBP"),
        ({"amount": "60.51"}, "opening 10000 + lines 5051 is not closing 15050"),
        ({"currency": "EUR"}, "the line in row 3 is in EUR"),
        ({"booking_date": "2026-02-30"}, "the line in row 3 has no booking_date"),
        ({"line": "2"}, "a line stands in it twice"),
    ],
)
def test_a_statement_that_does_not_balance_is_held_back_and_says_why(night, change, reason):
    manifests = night.read(june=written([HEADER, CREDIT | change, FEE]))
    assert (manifests["statement"].landed, manifests["statement"].quarantined) == (0, 1)
    assert reason in night.held("statement")
    assert '"proof"' in night.held("statement")
    assert manifests["statement_line"].source_sum_minor == {}
    lines = manifests["statement_line"]
    assert lines.landed + lines.quarantined == lines.source_count


@pytest.mark.parametrize(
    ("column", "value"), [("amount", "1e3"), ("booking_date", "2026-02-30"), ("account", "")]
)
def test_a_broken_line_is_held_back_with_its_file_row_field_and_reason(night, column, value):
    night.read(june=written([HEADER, CREDIT, FEE | {column: value}]))
    held = night.held("statement_line" if column != "account" else "statement")
    assert value in held
    assert "june.csv" in held
    if column != "account":
        assert f'"field": "{column}"' in held
        assert '\\"row\\": 4' in held


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "the file has no column account"),
        (b"\xff\xfe", "the file is not UTF-8"),
        (written([CREDIT]).encode(), "1 lines are of GB29|7, which is not in the file"),
        (written([HEADER | {"record": "total"}]).encode(), "row 2 is neither statement nor line"),
        (written([HEADER, HEADER, CREDIT, FEE]).encode(), "the file has it twice"),
    ],
)
def test_a_file_that_is_no_statement_is_held_back_and_says_why(night, content, reason):
    (night.files / "odd.csv").write_bytes(content)
    manifests = night.read()
    assert manifests["statement"].quarantined == 1
    assert reason in night.held("statement")


MT940 = """\
:20:STARTUMSE
:25:37040044/0532013000
:28C:00042/001
:60F:C260601EUR1000,00
:61:2605310601C534,16NTRFTR9D8CB3E57F//BANKREF1
:86:166?00GUTSCHRIFT?20PAYOUT PO1?32STRIPE PAYMENTS
:61:2606010602D10,5NMSCNONREF
:86:GEBÜHR
:62F:C260602EUR1523,66
-
:20:STARTUMSE
:25:37040044/0532013000
:28C:00043/001
:60F:C260602EUR1523,66
:62F:C260603EUR1523,66
-
"""


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_mt940_lands_like_the_csv(night, encoding):
    (night.files / "june.STA").write_bytes(MT940.encode(encoding))
    manifests = night.read()
    assert (manifests["statement"].landed, manifests["statement_line"].landed) == (2, 2)
    assert manifests["statement_line"].source_sum_minor == {"EUR": 52366}
    dates = "number, from_date, to_date, opening_balance, closing_balance"
    assert night.table("statement", dates) == [
        ("2026-06-02/00042/001", "2026-06-01", "2026-06-02", "1000.00", "1523.66"),
        ("2026-06-03/00043/001", "2026-06-02", "2026-06-03", "1523.66", "1523.66"),
    ]
    of_line = "amount, booking_date, value_date, reference, counterparty, text"
    assert night.table("statement_line", of_line) == [
        ("-10.5", "2026-06-02", "2026-06-01", None, None, "GEBÜHR"),
        ("534.16", "2026-06-01", "2026-05-31", "TR9D8CB3E57F", "STRIPE PAYMENTS", "PAYOUT PO1"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MT940.replace("534,16", "534,17"), "opening 100000 + lines 52367 is not closing 152366"),
        (MT940.replace("2606010602", "2606310602"), "the file is no MT940"),
        (MT940.replace(":62F:", ":86:"), "the file is no MT940"),
        ("Dear customer", "the file has no statement"),
    ],
)
def test_mt940_that_is_broken_is_held_back_and_says_why(night, text, reason):
    (night.files / "june.sta").write_text(text, "utf-8")
    assert night.read()["statement"].quarantined == 1
    assert reason in night.held("statement")


def test_a_credit_that_is_taken_back_is_a_debit_and_the_other_way_round(night):
    taken_back = MT940.replace("0601C534,16", "0601RC534,16").replace("0602D10,5", "0602RD10,5")
    (night.files / "june.sta").write_text(taken_back.replace("1523,66", "476,34"), "utf-8")
    assert night.read()["statement_line"].source_sum_minor == {"EUR": -52366}


def test_what_a_broken_file_says_stays_in_the_file(night):
    (night.files / "june.sta").write_text(MT940.replace("2606010602D", "Ada Lovelace"), "utf-8")
    night.read()
    assert "(" in night.held("statement")
    assert "Lovelace" not in night.held("statement")


def test_a_number_that_the_bank_gave_twice_holds_both_statements_back(night):
    later = HEADER | {"from_date": "2026-06-02", "to_date": "2026-06-02"}
    manifests = night.read(a=written([HEADER, CREDIT, FEE]), b=written([later, CREDIT, FEE]))
    assert manifests["statement"].quarantined == 1
    assert "gave its number to another statement too" in night.held("statement")


def test_a_folder_that_holds_no_statement_is_not_taken_for_the_truth(tmp_path):
    source = BankSource(BankConfig(tmp_path))
    with pytest.raises(ContractBroken, match="is it the bank's, and there"):
        asyncio.run(extract_system(source, RawZone(tmp_path / "raw"), DAY))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    source = BankSource(BankConfig(tmp_path / "nowhere"))
    with pytest.raises(NotFound, match="BANK_STATEMENTS"):
        asyncio.run(extract_system(source, RawZone(tmp_path), DAY))


def test_a_folder_without_a_clock_is_complete_up_to_now(tmp_path):
    (tmp_path / "june.csv").write_text(written([HEADER, CREDIT, FEE]), "utf-8")
    source = BankSource(BankConfig(tmp_path))
    with pytest.raises(LateExtraction):
        asyncio.run(extract_system(source, RawZone(tmp_path / "raw"), DAY))


def test_currencies_are_those_of_the_models():
    seed = Path(__file__).parents[3] / "dbt_project" / "seeds" / "currencies.csv"
    assert dict(pl.read_csv(seed).select("currency", "exponent").iter_rows()) == EXPONENTS


@settings(max_examples=examples(8), deadline=None)
@given(
    amounts=st.lists(st.decimals(-(10**6), 10**6, places=2), max_size=6),
    off=st.sampled_from([0, 0, 1, -5]),
)
def test_a_statement_stands_just_when_its_lines_make_up_its_balances(
    tmp_path_factory, amounts, off
):
    night = Night(tmp_path_factory.mktemp("bank"))
    closing = sum(amounts, Decimal(off).scaleb(-2))
    lines = [CREDIT | {"line": str(n), "amount": str(each)} for n, each in enumerate(amounts)]
    header = HEADER | {"opening_balance": "0", "closing_balance": str(closing)}
    manifests = night.read(june=written([header, *lines]))
    assert manifests["statement"].landed == (off == 0)
    sums = manifests["statement_line"].source_sum_minor
    assert sums == ({"GBP": int(closing * 100)} if off == 0 else {})
