"""The policy that ships is whole, and a wrong one is refused with every mistake and its line."""

from importlib.resources import files

import pytest

from reconcilers.corrections.policy import (
    CAUSES,
    CEILINGS,
    CODES,
    FREEDOM,
    Mode,
    PolicyError,
    load_policy,
    parse_policy,
)

SHIPPED = (files("reconcilers.corrections") / "policy.toml").read_text(encoding="utf-8")


def test_every_class_has_a_rule():
    policy = load_policy()
    assert {code for code, _ in policy.rules} == set(CODES)


def test_what_ships_is_automatic_only_where_a_copy_is_mended():
    rules = load_policy().rules
    assert {key for key, rule in rules.items() if rule.mode is Mode.AUTO} == {
        ("CUS-MISS-01", "link_lost"),
        ("CUS-LINK-01", "merged"),
        ("SUB-STAT-01", "crm_copy_stale"),
        ("CTL-XREF-01", "by_number"),
        ("MRR-XSYS-01", None),
        ("PAY-APPL-01", None),
        ("CRN-APPL-01", None),
        ("CUS-ATTR-01", None),
        ("CUS-MISS-02", None),
        ("PYT-DEP-01", "key_lost"),
    }
    assert load_policy().rule("INV-MISS-01", None).mode is Mode.APPROVE


def test_a_cause_without_a_rule_of_its_own_has_the_rule_of_its_class():
    policy = load_policy()
    assert policy.rule("INV-DATE-01", "other_month").mode is Mode.REPORT
    assert policy.rule("CUS-MISS-01", "link_lost").assignee == "revenue-operations"


@pytest.mark.parametrize("code", [c for c in CODES if (c, None) not in CEILINGS])
@pytest.mark.parametrize("mode", [m for m in Mode if m is not Mode.REPORT])
def test_no_file_can_make_a_class_without_a_writer_write(code, mode):
    caps = "caps = {rows_per_run = 1, amount_per_correction_minor = 1, amount_per_run_minor = 1}"
    head = f"[{code}]\n"
    source = SHIPPED.replace(f'{head}mode = "report"', f'{head}{caps}\nmode = "{mode}"')
    assert source != SHIPPED
    with pytest.raises(PolicyError, match=f'{code}.mode: .* the most is "report"'):
        parse_policy(source, "policy.toml")


def test_the_modes_are_ordered_from_the_least_free():
    assert sorted(Mode, key=FREEDOM.get) == ["report", "approve_two", "approve", "auto"]


def test_every_cause_with_a_ceiling_is_a_known_cause():
    assert all(cause is None or cause in CAUSES[code] for code, cause in CEILINGS)


def test_all_mistakes_are_told_together_with_their_lines():
    source = (
        SHIPPED.replace('severity_floor = "S1"', 'severity_floor = "S9"', 1)
        .replace("rows_per_run = 25", "rows_pr_run = 25")
        .replace("sla_hours = 120", 'sla_hours = "five days"')
        .replace("[CUS-MISS-01.cause.link_lost]", "[CUS-MISS-01.cause.link_lots]")
        .replace("[JE-BAL-01]", "[JE-BAL-02]")
    )
    lines = source.splitlines()
    with pytest.raises(PolicyError) as caught:
        parse_policy(source, "policy.toml")
    problems = "\n".join(caught.value.problems)
    for expected, text in (
        ("CTL-CNT-01.severity_floor: 'S9' is not one of", '"S9"'),
        ("cause.link_lots: unknown cause; CUS-MISS-01 knows link_lost", "link_lots"),
        ("INV-MISS-02.sla_hours: must be a whole number, not 'five days'", "five days"),
        ("JE-BAL-02: unknown table [JE-BAL-02]", "[JE-BAL-02]"),
    ):
        number = next(n for n, line in enumerate(lines, 1) if text in line)
        assert f"policy.toml line {number}, " in problems
        assert expected in problems
    assert "no table [JE-BAL-01]" in problems


def test_an_unknown_cap_is_refused_and_the_known_one_missed():
    source = SHIPPED.replace("rows_per_run = 25", "rows_pr_run = 25", 1)
    with pytest.raises(PolicyError) as caught:
        parse_policy(source, "policy.toml")
    assert [p.partition(": ")[2].split(";")[0] for p in caught.value.problems] == [
        "unknown key",
        "is missing",
    ]


def test_a_mode_that_writes_needs_caps():
    source = "\n".join(line for line in SHIPPED.splitlines() if "rows_per_run = 100" not in line)
    with pytest.raises(PolicyError, match=r'INV-MISS-01: mode "approve" writes, so it needs caps'):
        parse_policy(source, "policy.toml")


def test_broken_toml_is_told_with_its_line():
    with pytest.raises(PolicyError, match=r"policy.toml: .*line 2"):
        parse_policy("[policy]\nreporting_currency = \n", "policy.toml")


def test_severity_only_ever_rises():
    rule = load_policy().rule("INV-MISS-01", None)
    assert [rule.severity(found) for found in ("S1", "S3", "S4")] == ["S1", "S3", "S3"]
