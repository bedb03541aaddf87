"""The file of passes: what ships with Tieout can be read, and mistakes are told by pass and field."""

import pytest

from reconcilers.match import By, Cardinality, PassesError, load_pairings, parse_pairings

PAIRING = '[[pairing]]\nname = "cash"\nleft = "payments"\nright = "invoices"\n'


def source(*lines):
    return PAIRING + '[[pairing.pass]]\nname = "one"\n' + "\n".join(lines)


def problems(text):
    with pytest.raises(PassesError) as caught:
        parse_pairings(text, "my.toml")
    return list(caught.value.problems)


def test_what_ships_with_tieout_can_be_read():
    names = [pairing.name for pairing in load_pairings()]
    assert names == [
        "cash_application",
        "payouts_to_deposits",
        "payouts_to_bank",
        "journals_to_documents",
        "lost_invoice_keys",
    ]


def test_subset_sums_are_never_automatic_as_shipped():
    sums = [p for each in load_pairings() for p in each.passes if p.by in {By.SUM, By.SUBSET}]
    assert sums
    assert not any(each.is_automatic for each in sums)


def test_a_file_of_ones_own_is_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(source('by = "number"', 'mode = "suggested"', 'cardinality = "n:1"'))
    (pairing,) = load_pairings(path)
    (only,) = pairing.passes
    assert (pairing.left, pairing.right) == ("payments", "invoices")
    assert (only.by, only.cardinality, only.is_automatic) == (
        By.NUMBER,
        Cardinality.MANY_TO_ONE,
        False,
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (['by = "number"'], "field mode is missing"),
        (['by = "luck"', 'mode = "automatic"'], "field by is 'luck'; it can be reference, number,"),
        (['by = "number"', 'mode = "automatic"', "fuzz = 1"], "field fuzz is unknown"),
        (
            ['by = "number"', 'mode = "automatic"', "tolerance_minor = 0.5"],
            "field tolerance_minor must be a whole number from 0",
        ),
        (
            ['by = "number"', 'mode = "automatic"', "max_members = 0"],
            "field max_members must be a whole number from 1",
        ),
        (
            ['by = "amount"', 'mode = "automatic"', "days_after = 3"],
            "field days_before and days_after are needed",
        ),
        (
            ['by = "amount"', 'mode = "automatic"', "days_before = 1", "days_after = 3",
             'cardinality = "1:n"'],
            "field cardinality must be 1:1",
        ),
        (
            ['by = "amount"', 'mode = "automatic"', "days_before = 1", "days_after = 3",
             "tolerance_minor = 1"],
            "field tolerance_minor must be 0",
        ),
        (
            ['by = "sum"', 'mode = "automatic"', 'cardinality = "n:m"'],
            "field within must be party or group",
        ),
        (
            ['by = "sum"', 'mode = "automatic"', 'within = "party"', 'amounts = "any"'],
            "field amounts can be any only",
        ),
        (
            ['by = "number"', 'mode = "automatic"', 'amounts = "any"', "tolerance_minor = 1"],
            "field tolerance_minor means nothing",
        ),
        (
            ['by = "subset"', 'mode = "automatic"', 'within = "party"', 'cardinality = "n:m"',
             "max_candidates = 9", "max_members = 4"],
            "field cardinality must be 1:n or n:1",
        ),
        (
            ['by = "subset"', 'mode = "automatic"', 'within = "party"', 'cardinality = "1:n"',
             "max_candidates = 17", "max_members = 4"],
            "field max_candidates must be at most 16",
        ),
        (
            ['by = "subset"', 'mode = "automatic"', 'within = "party"', 'cardinality = "1:n"',
             "max_candidates = 9", "max_members = 7"],
            "field max_members must be at most 6",
        ),
        (
            ['by = "subset"', 'mode = "automatic"', 'within = "party"', 'cardinality = "1:n"',
             "max_candidates = 9", "max_members = 4", "tolerance_minor = 1"],
            "field tolerance_minor must be 0",
        ),
    ],
)  # fmt: skip
def test_a_mistake_names_file_pass_and_field(lines, problem):
    (told,) = problems(source(*lines))
    assert told.startswith("my.toml: pairing cash, pass one: " + problem)


def test_all_mistakes_are_told_together():
    twice = '\n[[pairing.pass]]\nname = "one"\nby = "x"\nmode = "y"'
    told = problems(source('by = "number"') + twice)
    assert len(told) == 4
    assert "my.toml: pairing cash: the name one stands there 2 times" in told


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "my.toml: pairing: no [[pairing]] table"),
        (PAIRING, "my.toml: pairing cash: has no [[pairing.pass]]"),
        (
            source('by = "number"', 'mode = "automatic"').replace("payments", "payments; drop"),
            "my.toml: pairing cash: field left must be a name, not 'payments; drop'",
        ),
        (
            "policy = 1\n" + source('by = "number"', 'mode = "automatic"'),
            "my.toml: policy: unknown; the file consists of [[pairing]] tables",
        ),
        (
            source('by = "number"', 'mode = "automatic"').replace("left", "port"),
            "my.toml: pairing cash: field port is unknown",
        ),
    ],
)
def test_a_mistake_outside_of_the_passes_is_told_too(text, problem):
    assert problem in problems(text)


def test_what_is_no_toml_says_so():
    assert "at end of document" in problems("[[pairing")[0]
