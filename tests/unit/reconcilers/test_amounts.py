"""Amounts as people read them: never in minor units where the currency is known."""

import re
from pathlib import Path

import pytest

from reconcilers.matrix import load_matrix
from reconcilers.report.amounts import MONEY_ATTRIBUTES, value_of
from reconcilers.rules.catalogue import all_rules

SEEDS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds"
EXPONENTS = {"USD": 2, "JPY": 0, "KWD": 3}


@pytest.mark.parametrize(
    ("attribute", "value", "currency", "read"),
    [
        ("total", "743812", "USD", "7,438.12 USD"),
        ("total", "743812", "JPY", "743,812 JPY"),
        ("tax:GB", "-1", "KWD", "-0.001 KWD"),
        ("unit_mrr:PLAT", "8318.00000000", "USD", "83.18 USD"),
        ("unit_mrr:PLAT", "8318.5", "USD", "83.185 USD"),
        ("total", "743812", "XTS", "743,812 minor units XTS"),
        ("unit_mrr", "8318.5", "XTS", "8318.5"),
        ("total", "missing", "USD", "missing"),
        ("total", "743812", None, "743812"),
        ("total", None, "USD", ""),
        ("quantity:PLAT", "203", "USD", "203"),
        ("number", "7004", "USD", "7004"),
    ],
)
def test_a_value_is_read_in_its_currency(attribute, value, currency, read):
    assert value_of("INV-AMT-01", attribute, value, currency, EXPONENTS) == read


@pytest.mark.parametrize(
    ("code", "value", "read"),
    [
        ("PYT-BANK-01", "546365", "5,463.65 USD"),
        ("JE-BAL-01", "-9", "-0.09 USD"),
        ("PYT-DEP-01", "2026-04-05", "2026-04-05"),
        ("PYT-DEP-01", "deposit 1545 (automatic)", "deposit 1545 (automatic)"),
        ("REV-SCH-01", "2", "2"),
    ],
)
def test_where_no_attribute_is_named_the_class_says_whether_it_is_money(code, value, read):
    assert value_of(code, "", value, "USD", EXPONENTS) == read


def test_the_rules_say_which_attributes_are_money():
    """Those of which a rule tells minor units and nothing else."""
    told = {
        rule.attribute: f"{rule.expected!r} {rule.observed!r}"
        for rule in all_rules(load_matrix(SEEDS / "system_of_record.csv"))
    }
    bare = {
        name
        for name, how in told.items()
        if name and "concat_str" not in how and re.search(r"_minor\)+\.cast\(dtype=String", how)
    }
    assert bare <= MONEY_ATTRIBUTES
    # a list price is compared as the amounts of its tiers, in a text
    assert {name for name in MONEY_ATTRIBUTES if "_minor" not in told[name]} == {"list_price"}
