"""How two records are compared: per aspect a list of levels, of which the first true one counts.

The levels are SQL over the columns of identity_node, suffixed _l and _r, as Splink wants them. A
level that says `unknown` speaks neither for nor against. The last aspect holds what is more, or
less, than the sum of its parts: weights are fitted to all aspects at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Aspect:
    """An aspect of two records, its levels (word, condition), and when it cannot be judged."""

    name: str
    unknown: str
    levels: tuple[tuple[str, str], ...]
    otherwise: str = "different"

    @property
    def words(self) -> tuple[str, ...]:
        return (*(word for word, _ in self.levels), self.otherwise)


_SAME_NAME = "core_key_l = core_key_r"
_ALIKE = "jaro_winkler_similarity(core_key_l, core_key_r)"
_SAME_DOMAIN = "domain_l = domain_r"
_COUNTRY_APART = "country_l <> country_r"

ASPECTS = (
    Aspect(
        "name",
        "core_key_l is null or core_key_r is null",
        (
            ("same, rare", f"{_SAME_NAME} and core_uses_l <= 6"),
            ("same", f"{_SAME_NAME} and core_uses_l <= 20"),
            ("same, common", _SAME_NAME),
            ("unit word apart", "stem_l = stem_r"),
            (
                "slip",
                (
                    f"{_ALIKE} >= 0.93 and levenshtein(core_key_l, core_key_r) <= 2 "
                    "and least(len(core_key_l), len(core_key_r)) >= 6"
                ),
            ),
            (
                "words more, rare",
                (
                    "(list_has_all(words_l, words_r) or list_has_all(words_r, words_l)) "
                    "and least(rarest_uses_l, rarest_uses_r) <= 12"
                ),
            ),
            ("words more", "list_has_all(words_l, words_r) or list_has_all(words_r, words_l)"),
            (
                "rare word",
                (
                    "(rare_word_l = rare_word_r or rare_word_l = second_word_r "
                    "or second_word_l = rare_word_r) and least(rarest_uses_l, rarest_uses_r) <= 12"
                ),
            ),
            ("very alike", f"{_ALIKE} >= 0.90"),
            ("shared word", "list_has_any(words_l, words_r)"),
            ("alike", f"{_ALIKE} >= 0.75"),
        ),
    ),
    Aspect(
        "site",
        "domain_l is null and domain_r is null",
        (
            ("same", _SAME_DOMAIN),
            ("same name, other ending", "label_l = label_r and len(label_l) >= 4"),
            (
                "named by the other's site",
                (
                    "label_l = core_key_r or label_r = core_key_l "
                    "or replace(label_l, '-', '') = core_key_r "
                    "or replace(label_r, '-', '') = core_key_l"
                ),
            ),
            ("on one side", "domain_l is null or domain_r is null"),
        ),
    ),
    Aspect(
        "tax id",
        "tax_id_l is null or tax_id_r is null or country_l <> country_r",
        (
            ("same", "tax_id_l = tax_id_r"),
            ("slip", "len(tax_id_l) >= 8 and levenshtein(tax_id_l, tax_id_r) <= 1"),
        ),
    ),
    Aspect(
        "place",
        "postcode_l is null and city_l is null or postcode_r is null and city_r is null",
        (
            ("same street", "street_l = street_r and (postcode_l = postcode_r or city_l = city_r)"),
            ("same postcode", "postcode_l = postcode_r"),
            ("same city", "city_l = city_r"),
        ),
    ),
    Aspect(
        "country",
        "country_l is null or country_r is null",
        (("same", "country_l = country_r"),),
    ),
    Aspect(
        "phone",
        "phone_l is null or phone_r is null",
        (("same", "phone_l = phone_r"),),
    ),
    Aspect(
        "roles",
        "role_l = role_r",
        (
            ("crm and erp", "role_l in ('crm', 'erp') and role_r in ('crm', 'erp')"),
            ("crm and billing", "role_l in ('crm', 'billing') and role_r in ('crm', 'billing')"),
        ),
        "erp and billing",
    ),
    Aspect(
        "together",
        "1 = 0",
        (
            (
                "sisters by name on one site",
                f"{_SAME_DOMAIN} and stem_l = stem_r and core_key_l <> core_key_r",
            ),
            ("one site, two countries", f"{_SAME_DOMAIN} and {_COUNTRY_APART}"),
            ("one name, two countries", f"{_SAME_NAME} and {_COUNTRY_APART}"),
            (
                "one name and nothing else known",
                (
                    f"{_SAME_NAME} and coalesce(domain_l, domain_r) is null "
                    "and (postcode_l is null or postcode_r is null)"
                ),
            ),
            (
                "one name, all else differs",
                f"{_SAME_NAME} and domain_l <> domain_r and postcode_l <> postcode_r",
            ),
            ("one name on one site", f"{_SAME_DOMAIN} and {_SAME_NAME}"),
            (
                "one site, another name",
                f"{_SAME_DOMAIN} and {_ALIKE} < 0.75 and not list_has_any(words_l, words_r)",
            ),
        ),
        "nothing special",
    ),
)

USED_COLUMNS = (
    "node", "role", "core_key", "stem", "words", "core_uses", "rare_word", "second_word",
    "rarest_uses", "domain", "label", "tax_id", "country", "postcode", "city", "street", "phone",
)  # fmt: skip


def gamma(aspect: Aspect, word: str) -> int:
    """Splink's number of a level: the first is the highest, `otherwise` is 0, unknown is -1."""
    return len(aspect.levels) - aspect.words.index(word)


def splink_settings(weights: dict[str, dict[str, float]], prior: float) -> dict[str, Any]:
    """Splink's model of these comparisons; `weights` in bits, `prior` as a probability."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "node",
        "probability_two_random_records_match": prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "blocking_rules_to_generate_predictions": [],
        "comparisons": [
            {
                "output_column_name": aspect.name.replace(" ", "_"),
                "comparison_levels": list(_levels(aspect, weights.get(aspect.name, {}))),
            }
            for aspect in ASPECTS
        ],
    }


def _levels(aspect: Aspect, weights: dict[str, float]) -> Iterator[dict[str, Any]]:
    yield {
        "sql_condition": aspect.unknown,
        "label_for_charts": "unknown",
        "is_null_level": True,
    }
    for word, condition in (*aspect.levels, (aspect.otherwise, "ELSE")):
        # Only the ratio of the two counts: a level's weight is log2(m / u).
        bits = weights.get(word, 0.0)
        m = 0.5 if bits >= 0 else 0.5 * 2**bits
        yield {
            "sql_condition": condition,
            "label_for_charts": word,
            "m_probability": m,
            "u_probability": m / 2**bits,
        }
