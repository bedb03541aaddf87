"""Who is the same customer: the cascade, its vetoes, and ids that stay."""

import math
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from reconcilers.engine import WarehouseBuiltForAnotherDay
from reconcilers.identity import REGISTRY_SCHEMA, resolve
from reconcilers.identity.clusters import Clusters, Edge, Method, Node
from reconcilers.identity.model import load_model
from tests.comparison_tables import DAY
from tests.identity_records import (
    NO_HISTORY,
    account,
    billed,
    customers,
    identities,
    ledgered,
    remembered,
)

TAX = {"tax_id": "DE811", "country_code": "DE"}
NAMED = {"website": "acme.com", "country_code": "US", "legal_name": "acme"}
HEADER = "action,left_system,left_id,right_system,right_id,reason,decided_by,decided_on,expires_on"


class Guess:
    """A scorer that knows how probable some pairs of source ids are; the others are not."""

    def __init__(self, **known):
        self.known = known

    def score(self, work, pairs, out):
        work.run(f"create or replace table {out} (a integer, b integer, bits double, p double)")
        for a, b, left, right in work.rows(
            f"select a, b, l.source_id, r.source_id from {pairs} join identity_node l on a = l.node join identity_node r on b = r.node"
        ):
            p = self.known.get(f"{left}_{right}", 0.001)
            bits = math.log2(p / (1 - p))
            work.run(f"insert into {out} values ({a}, {b}, {bits}, {p})")


class Night:
    """The crosswalk of these records."""

    def __init__(
        self,
        *rows,
        registry=NO_HISTORY,
        overrides=(),
        path=None,
        more=None,
        scorer=None,
        model=None,
    ):
        self.con = identities(rows, more=more)
        if path is not None:
            path.write_text("\n".join([HEADER, *overrides]), encoding="utf-8")
        result = resolve(
            self.con,
            path or "no/such/file.csv",
            registry,
            DAY,
            scorer=scorer or Guess(),
            model=model,
        )
        self.summary, self.history = result.summary, result.history
        self.new = remembered(registry, result)

    @property
    def together(self):
        return {group for group in customers(self.con) if len(group) > 1}

    def of(self, source_id):
        (row,) = (
            self.con.sql("from identity.crosswalk where source_id = ?", params=[source_id])
            .pl()
            .to_dicts()
        )
        return row

    def questions(self):
        return self.con.sql(
            "select reason, left_id, right_id from identity.review_queue order by place"
        ).fetchall()

    def id_of(self, source_id):
        return self.of(source_id)["canonical_customer_id"]


def history(**ids):
    """The registry: source id -> canonical id; the system by the form of the source id."""
    systems = {"A": "salesforce", "B": "stripe", "E": "netsuite"}
    rows = [
        (systems[key[0]], key, name, date(2026, 1, 1), date(2026, 2, 1))
        for key, name in ids.items()
    ]
    return pl.DataFrame(rows, schema=REGISTRY_SCHEMA, orient="row")


def test_a_record_that_nothing_links_stands_alone():
    night = Night(billed("B1"), account("A1"))
    assert night.together == set()
    row = night.of("B1")
    assert (row["method"], row["confidence"], row["is_primary"], row["role"]) == (
        "self",
        1.0,
        True,
        "billing",
    )


def test_every_record_has_one_row():
    night = Night(account("A1"), billed("B1", xref_crm_id="A1"), ledgered("E1"), billed("B2"))
    rows = night.con.sql(
        "select count(*), count(distinct (system, source_id)) from identity.crosswalk"
    )
    assert rows.fetchall() == [(4, 4)]
    assert (night.summary.records, night.summary.customers) == (4, 3)


@pytest.mark.parametrize(
    "rows",
    [
        [account("A1"), billed("B1", xref_crm_id="A1")],
        [account("A1", xref_billing_id="B1"), billed("B1")],
        [account("A1", xref_erp_id="B1"), ledgered("B1")],
        [billed("A1", xref_erp_id="B1"), ledgered("B1")],
        [billed("A1"), ledgered("B1", xref_billing_id="A1")],
    ],
)
def test_a_reference_in_either_direction_joins(rows):
    night = Night(*rows)
    assert night.together == {frozenset({"A1", "B1"})}
    assert (night.of("A1")["method"], night.of("B1")["method"]) == ("xref", "xref")


def test_salesforce_ids_of_15_and_18_characters_are_one():
    long = "001A000001LkJhGIAV"
    night = Night(
        account(long), billed("B1", xref_crm_id=long[:15]), ledgered("E1", xref_crm_id=long)
    )
    assert night.together == {frozenset({long, "B1", "E1"})}


def test_salesforce_ids_differ_by_case():
    night = Night(account("001A000001LkJhG"), billed("B1", xref_crm_id="001A000001LKJHG"))
    assert night.together == set()
    assert night.summary.measures.dangling_xrefs == 1


def test_a_reference_to_nothing_is_ignored_and_counted():
    night = Night(billed("B1", xref_crm_id="gone", xref_erp_id="gone"), account("A1"))
    assert (night.together, night.summary.measures.dangling_xrefs) == (set(), 2)


def test_two_billing_customers_may_name_one_account():
    night = Night(account("A1"), billed("B1", xref_crm_id="A1"), billed("B2", xref_crm_id="A1"))
    assert night.together == {frozenset({"A1", "B1", "B2"})}
    assert night.summary.measures.contradicted_xrefs == 0


def test_of_contradictory_references_the_one_that_agrees_on_the_tax_id_stands():
    night = Night(
        account("A1"),
        account("A2", **TAX, xref_billing_id="B1"),
        billed("B1", xref_crm_id="A1", **TAX),
    )
    assert night.together == {frozenset({"A2", "B1"})}
    assert night.summary.measures.contradicted_xrefs == 1


def test_references_to_two_accounts_with_the_tax_id_of_the_customer_say_they_are_one():
    night = Night(
        account("A1", **TAX),
        account("A2", **TAX, xref_billing_id="B1"),
        billed("B1", xref_crm_id="A1", **TAX),
    )
    assert night.together == {frozenset({"A1", "A2", "B1"})}


def test_references_that_would_fuse_two_accounts_through_others_are_dropped():
    night = Night(
        account("A1"),
        account("A2"),
        billed("B1", xref_crm_id="A1", xref_erp_id="E1"),
        ledgered("E1", xref_crm_id="A2"),
    )
    assert night.summary.measures.contradicted_xrefs == 1
    assert not any({"A1", "A2"} <= group for group in night.together)


def test_two_erp_customers_of_one_account_are_joined_by_their_references():
    night = Night(account("A1"), ledgered("E1", xref_crm_id="A1"), ledgered("E2", xref_crm_id="A1"))
    assert night.together == {frozenset({"A1", "E1", "E2"})}


def test_an_equal_tax_id_of_one_country_joins():
    night = Night(account("A1", **TAX), billed("B1", **TAX), ledgered("E1", **TAX))
    assert night.together == {frozenset({"A1", "B1", "E1"})}
    assert {night.of(key)["method"] for key in ("A1", "B1", "E1")} == {"tax_id"}


def test_an_equal_tax_id_of_two_countries_does_not_join():
    night = Night(
        billed("B1", tax_id="1", country_code="DE"), billed("B2", tax_id="1", country_code="FR")
    )
    assert night.together == set()


@pytest.mark.parametrize(("other", "joined"), [({}, True), ({"country_code": "FR"}, False)])
def test_a_record_without_country_joins_when_the_others_agree_on_one(other, joined):
    night = Night(
        billed("B1", tax_id="1"),
        account("A1", tax_id="1", country_code="DE"),
        billed("B2", tax_id="1", **other),
    )
    assert any("B1" in group for group in night.together) is joined


def test_domain_country_and_name_together_join():
    night = Night(account("A1", **NAMED), billed("B1", **NAMED))
    assert night.of("B1")["method"] == "domain_country"
    assert night.together == {frozenset({"A1", "B1"})}


@pytest.mark.parametrize("apart", ["website", "country_code", "legal_name"])
@pytest.mark.parametrize("value", ["other", None])
def test_a_domain_alone_never_joins(apart, value):
    assert Night(account("A1", **NAMED), billed("B1", **(NAMED | {apart: value}))).together == set()


@pytest.mark.parametrize(("names", "joined"), [(4, True), (5, False)])
def test_a_tax_id_of_many_names_says_nothing(names, joined):
    rows = [billed(f"B{n}", **TAX, legal_name=f"name{n}") for n in range(names)]
    night = Night(*rows)
    assert bool(night.together) is joined
    assert night.summary.measures.generic_tax_ids == (0 if joined else 1)


@pytest.mark.parametrize(("names", "joined"), [(12, True), (13, False)])
def test_a_domain_of_many_names_says_nothing(names, joined):
    rows = [billed(f"B{n}", **(NAMED | {"legal_name": f"name{n}"})) for n in range(names)]
    night = Night(*rows, account("A1", **(NAMED | {"legal_name": "name0"})))
    assert bool(night.together) is joined
    assert night.summary.measures.generic_domains == (0 if joined else 1)


def test_weak_evidence_never_joins_two_accounts():
    night = Night(account("A1", **TAX), account("A2", **TAX))
    assert night.together == set()


def test_whoever_fits_two_accounts_equally_is_left_alone():
    night = Night(account("A1", **TAX), account("A2", **TAX), billed("B1", **TAX))
    assert night.together == set()


def test_whoever_fits_two_accounts_by_tax_id_may_fit_one_by_name():
    night = Night(
        account("A1", **NAMED, tax_id="1"),
        account("A2", **(NAMED | {"legal_name": "acme holding"}), tax_id="1"),
        billed("B1", **NAMED, tax_id="1"),
    )
    assert night.together == {frozenset({"A1", "B1"})}


def test_an_account_that_was_merged_away_does_not_make_a_match_ambiguous():
    night = Night(account("A1", **TAX), account("A2", is_active=False, **TAX), billed("B1", **TAX))
    assert night.together == {frozenset({"A1", "B1"})}


def test_weak_evidence_never_joins_two_erp_customers_of_one_legal_entity():
    night = Night(ledgered("E1", **TAX), ledgered("E2", **TAX))
    assert night.together == set()


@pytest.mark.parametrize(("entity", "joined"), [("DE", True), ("US", False), (None, False)])
def test_erp_customers_of_two_legal_entities_may_be_one_company(entity, joined):
    night = Night(
        ledgered("E1", **TAX, legal_entity="US"),
        ledgered("E2", **TAX, legal_entity=entity),
    )
    assert bool(night.together) is joined


def test_two_tax_ids_of_one_country_are_two_companies_whatever_they_are_called():
    night = Night(account("A1", **NAMED, tax_id="1"), billed("B1", **NAMED, tax_id="2"))
    assert night.together == set()


def test_a_veto_holds_for_the_whole_customer():
    night = Night(
        account("A1", xref_billing_id="B1"),
        billed("B1", **TAX),
        account("A2", xref_billing_id="B2"),
        billed("B2", **TAX),
    )
    assert night.together == {frozenset({"A1", "B1"}), frozenset({"A2", "B2"})}


def test_the_method_of_a_record_is_its_own_best_evidence():
    night = Night(account("A1", **TAX), billed("B1", xref_crm_id="A1"), ledgered("E1", **TAX))
    assert {key: night.of(key)["method"] for key in ("A1", "B1", "E1")} == {
        "A1": "xref",
        "B1": "xref",
        "E1": "tax_id",
    }


def test_one_record_of_each_role_speaks_for_the_customer():
    rows = [
        account("A1"),
        billed("B1", xref_crm_id="A1", created_at="2026-03-01"),
        billed("B2", xref_crm_id="A1", created_at="2026-02-01"),
        billed("B3", xref_crm_id="A1", created_at="2026-01-01", is_active=False),
    ]
    night = Night(*rows)
    assert [key for key in ("A1", "B1", "B2", "B3") if night.of(key)["is_primary"]] == ["A1", "B2"]


def test_a_new_customer_takes_its_id_from_the_erp_then_the_crm_then_billing():
    alone = Night(ledgered("E1")).id_of("E1")
    with_account = Night(
        account("A1", xref_erp_id="E1"), ledgered("E1"), billed("B1", xref_crm_id="A1")
    )
    assert with_account.id_of("B1") == alone
    assert Night(account("A1"), billed("B1", xref_crm_id="A1")).id_of("B1") == Night(
        account("A1")
    ).id_of("A1")


def test_a_known_customer_keeps_its_id_when_a_stronger_record_joins():
    night = Night(
        ledgered("E1", xref_billing_id="B1"), billed("B1"), registry=history(B1="cus_old")
    )
    assert night.id_of("E1") == night.id_of("B1") == "cus_old"
    assert night.history.assignments.select(
        "system", "source_id", "canonical_customer_id"
    ).rows() == [("netsuite", "E1", "cus_old")]


def test_customers_that_merge_take_the_id_of_the_anchor():
    registry = history(E1="cus_e", B1="cus_b")
    night = Night(ledgered("E1", xref_billing_id="B1"), billed("B1"), registry=registry)
    assert night.id_of("B1") == "cus_e"
    assert (night.summary.merged_customers, night.summary.changed_records) == (1, 1)
    assert night.history.assignments["source_id"].to_list() == ["B1"]
    assert night.history.aliases.rows() == [("cus_b", "cus_e", "merged", 1, DAY)]


def test_customers_that_split_leave_the_id_with_the_anchor():
    registry = history(E1="cus_x", B1="cus_x", B2="cus_x")
    night = Night(
        ledgered("E1", xref_billing_id="B1"), billed("B1"), billed("B2"), registry=registry
    )
    assert night.id_of("E1") == night.id_of("B1") == "cus_x"
    assert night.id_of("B2") == Night(billed("B2")).id_of("B2")
    assert (night.summary.split_customers, night.summary.changed_records) == (1, 1)


def test_an_id_that_is_in_use_is_not_given_again():
    own = Night(billed("B1")).id_of("B1")
    night = Night(ledgered("E1"), billed("B1"), registry=history(E1=own, B1=own))
    assert night.id_of("E1") == own
    assert night.id_of("B1") not in {own, Night(ledgered("E1")).id_of("E1")}
    assert night.id_of("B1").startswith("cus_")


def test_the_first_night_says_when_a_record_was_seen_and_a_replay_repeats_it():
    rows = [account("A1"), billed("B1", xref_crm_id="A1")]
    first = Night(*rows)
    again = Night(*rows, registry=first.new)
    assert set(first.new["first_seen_date"]) == {DAY}
    assert again.history.assignments.is_empty()
    assert (
        again.con.sql("from identity.crosswalk")
        .pl()
        .equals(first.con.sql("from identity.crosswalk").pl())
    )


def test_a_known_record_keeps_the_day_on_which_it_was_first_seen():
    night = Night(billed("B1"), registry=history(B1="cus_old"))
    assert night.of("B1")["first_seen_date"] == date(2026, 1, 1)


def test_a_registry_may_carry_more_than_is_asked_for():
    registry = history(B1="cus_old").with_columns(last_seen_date=pl.lit(DAY))
    assert Night(billed("B1"), registry=registry).id_of("B1") == "cus_old"


def test_a_steward_joins_what_no_rule_joins(tmp_path):
    night = Night(
        account("A1", tax_id="1", country_code="DE"),
        account("A2", tax_id="2", country_code="DE"),
        path=tmp_path / "overrides.csv",
        overrides=["link,salesforce,A1,salesforce,A2,merged in May,kim,2026-05-02,"],
    )
    assert night.together == {frozenset({"A1", "A2"})}
    assert (night.of("A1")["method"], night.of("A2")["confidence"]) == ("override", 1.0)


def test_a_steward_keeps_apart_what_references_join(tmp_path):
    night = Night(
        account("A1", **TAX),
        billed("B1", xref_crm_id="A1", **TAX),
        ledgered("E1", xref_billing_id="B1"),
        path=tmp_path / "overrides.csv",
        overrides=["never_link,netsuite,E1,salesforce,A1,a reseller,kim,2026-05-02,"],
    )
    assert night.together == {frozenset({"A1", "B1"})}


def test_a_steward_chooses_the_primary_record_and_who_keeps_the_id(tmp_path):
    night = Night(
        account("A1"),
        billed("B1", xref_crm_id="A1"),
        billed("B2", xref_crm_id="A1"),
        ledgered("E1"),
        billed("B3"),
        registry=history(E1="cus_x", B3="cus_x"),
        path=tmp_path / "overrides.csv",
        overrides=[
            "primary,stripe,B2,,,the one that pays,kim,2026-05-02,",
            "new_id_owner,stripe,B3,,,the older customer,kim,2026-05-02,",
        ],
    )
    assert (night.of("B1")["is_primary"], night.of("B2")["is_primary"]) == (False, True)
    assert night.id_of("B3") == "cus_x" != night.id_of("E1")


def test_decisions_about_records_that_do_not_exist_are_told(tmp_path):
    night = Night(
        billed("B1"),
        path=tmp_path / "overrides.csv",
        overrides=["link,stripe,B1,stripe,B9,typo,kim,2026-05-02,"],
    )
    assert night.together == set()
    assert night.summary.unknown_override_records == ("stripe B9",)


ON_SITE = {"website": "acme.com", "country_code": "US"}


def scored(*rows, **known):
    return Night(*rows, scorer=Guess(**known))


def test_a_scorer_decides_what_no_rule_decides():
    night = scored(account("A1", **ON_SITE), billed("B1", **ON_SITE), A1_B1=0.999)
    assert night.together == {frozenset({"A1", "B1"})}
    assert (night.of("B1")["method"], night.of("B1")["band"]) == ("score", "auto")


def test_a_link_that_is_likely_is_asked_about_and_not_followed():
    night = scored(account("A1", **ON_SITE), billed("B1", **ON_SITE), A1_B1=0.6)
    assert night.together == set()
    assert night.questions() == [("probably one", "A1", "B1")]


def test_a_company_may_follow_likely_links_until_a_person_looks():
    model = replace(load_model(), follow_likely=True)
    rows = [account("A1", **ON_SITE), billed("B1", **ON_SITE)]
    night = Night(*rows, scorer=Guess(A1_B1=0.6), model=model)
    assert night.of("B1")["band"] == "review"
    assert night.questions() == [("joined for now", "A1", "B1")]


def test_a_link_that_is_unlikely_is_not_followed():
    night = scored(account("A1", **ON_SITE), billed("B1", **ON_SITE), A1_B1=0.3)
    assert (night.together, night.of("B1")["band"]) == (set(), "none")


def test_the_clearly_better_account_wins():
    rows = [account("A1", **ON_SITE), account("A2", **ON_SITE), billed("B1", **ON_SITE)]
    night = scored(*rows, A1_B1=0.7, A2_B1=0.99)
    assert night.together == {frozenset({"A2", "B1"})}


def test_between_two_accounts_that_fit_alike_a_person_chooses():
    rows = [account("A1", **ON_SITE), account("A2", **ON_SITE), billed("B1", **ON_SITE)]
    night = scored(*rows, A1_B1=0.98, A2_B1=0.981)
    assert night.together == set()
    assert night.questions() == [("fits several", "A2", "B1")]


def test_an_account_takes_several_billing_customers_but_one_erp_customer():
    rows = [account("A1", **ON_SITE), *(billed(f"B{n}", **ON_SITE) for n in (1, 2))]
    ledgers = [ledgered(f"E{n}", **ON_SITE) for n in (1, 2)]
    night = scored(*rows, *ledgers, A1_B1=0.99, A1_B2=0.99, A1_E1=0.99, A1_E2=0.7)
    assert night.together == {frozenset({"A1", "B1", "B2", "E1"})}


def test_a_scorer_never_outweighs_two_tax_ids_of_one_country():
    night = scored(
        account("A1", **ON_SITE, tax_id="111"), billed("B1", **ON_SITE, tax_id="999"), A1_B1=0.999
    )
    assert night.together == set()


def test_a_reference_that_nothing_bears_out_loses_to_clear_evidence():
    """A1 is named by mistake: the record has another name and country than A1, and all of A2."""
    wrong = {"legal_name": "Umbrella", "website": "umbrella.de", "country_code": "DE"}
    night = scored(
        account("A1", **wrong),
        account("A2", **NAMED),
        billed("B1", **(NAMED | {"legal_name": "acme inc trading"}), xref_crm_id="A1"),
        A1_B1=0.001,
        A2_B1=0.97,
    )
    assert night.together == {frozenset({"A2", "B1"})}
    assert night.summary.measures.contradicted_xrefs == 1
    assert ("reference contradicted", "A1", "B1") in night.questions()


def test_last_nights_link_stays_while_the_evidence_only_weakens():
    rows = [account("A1", **ON_SITE), billed("B1", **ON_SITE)]
    assert scored(*rows, A1_B1=0.3).together == set()
    before = history(A1="cus_x", B1="cus_x")
    kept = Night(*rows, scorer=Guess(A1_B1=0.3), registry=before)
    assert kept.together == {frozenset({"A1", "B1"})}
    assert Night(*rows, scorer=Guess(A1_B1=0.01), registry=before).together == set()


def test_records_entered_twice_are_one_customer_with_one_primary():
    same = NAMED | {"postal_code": "10115"}
    night = Night(account("A1", **same), account("A2", **same), billed("B1", **same))
    assert night.together == {frozenset({"A1", "A2", "B1"})}
    assert [night.of(key)["is_primary"] for key in ("A1", "A2")] == [True, False]


def test_sister_companies_are_a_group_and_not_one_customer():
    """One site, one name stem, one tax id for the family in its country: still two companies."""
    family = {"website": "acme.com", "country_code": "DE", "tax_id": "DE811"}
    night = Night(
        account("A1", **family, legal_name="Acme GmbH"),
        account("A2", **family, legal_name="Acme Leasing GmbH", parent_id="A1"),
        billed("B2", **family, legal_name="Acme Leasing GmbH"),
    )
    assert night.together == {frozenset({"A2", "B2"})}
    assert night.of("A1")["customer_group_id"] == night.of("B2")["customer_group_id"]
    assert night.id_of("A1") != night.id_of("A2")


def test_parents_in_a_ring_are_told_and_have_a_head_all_the_same():
    night = Night(account("A1", parent_id="A2"), account("A2", parent_id="A1"), account("A3"))
    assert night.summary.measures.rings == 1
    groups = {night.of(key)["customer_group_id"] for key in ("A1", "A2")}
    assert len(groups) == 1
    assert night.of("A3")["customer_group_id"] not in groups


def test_another_day_than_the_warehouse_is_built_for_is_refused():
    con = identities([billed("B1")], day=date(2026, 1, 1))
    with pytest.raises(WarehouseBuiltForAnotherDay):
        resolve(con, "none.csv", NO_HISTORY, DAY)


def test_records_that_one_system_holds_twice_do_not_make_accounts_of_another_one_the_same():
    nodes = [Node(0, "crm"), Node(1, "crm"), Node(2, "erp", "US"), Node(3, "erp", "US")]
    clusters = Clusters(nodes)
    clusters.join([Edge(0, 2, Method.XREF), Edge(1, 3, Method.XREF)])
    twice = Edge(2, 3, Method.NAME_POSTCODE, fuses=True)
    assert clusters.join([twice]) == []
    assert clusters.label(0) != clusters.label(1)
    apart = Clusters(nodes)
    assert apart.join([twice]) == [twice]
