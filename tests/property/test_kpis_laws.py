"""Laws of key figures: ratios are shares, members add up, order and repetition do not matter."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcilers.kpis.definitions import load_definitions
from reconcilers.kpis.figures import TOTAL, percentile
from reconcilers.kpis.measure import measure
from reconcilers.state.kpis import load_kpis, record_kpis
from tests.correction_samples import fresh_state, night
from tests.effort import examples
from tests.kpi_samples import frames, sources

DEFINITIONS = load_definitions()
RATIOS = {code for code, each in DEFINITIONS.items() if each.unit == "share"}
# generating a night costs more than measuring it
few = settings(
    max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
minor = st.integers(-(10**12), 10**12)
entities = st.sampled_from(["US", "JP", "unknown"])
dispositions = st.sampled_from(["matched", "exception", "unproven", "in_flight", "excluded:draft"])
currencies = st.sampled_from(["USD", "JPY"])
some = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    opened = fresh_state(tmp_path_factory.mktemp("kpis"))
    yield opened
    opened.close()


@st.composite
def nights(draw):
    """A night's frames as detection and dbt give them: what is covered is part of the whole."""

    def rows(*parts):
        return draw(st.lists(st.tuples(*parts), max_size=4))

    return sources(
        frames=frames(
            dispositions=rows(
                st.sampled_from(["cmp_a", "cmp_b"]), st.sampled_from(["crm", "erp"]), dispositions,
                st.none() | currencies, st.integers(1, 1000), minor,
            ),
            matches=rows(
                st.just("cash"), st.sampled_from(["amount", "sum"]),
                st.sampled_from(["automatic", "suggested"]), st.integers(2, 9),
            ),
            lineage=[
                (of, "USD", a, b, c, a + b + c + d)
                for of, a, b, c, d in rows(entities, some, some, some, some)
            ],
            coverage=[(of, "JPY", a, a + b) for of, a, b in rows(entities, some, some)],
            receivables=rows(entities, currencies, some, some),
            disputes=[(of, a, a + b) for of, a, b in rows(entities, some, some)],
        )
    )  # fmt: skip


@few
@given(nights())
def test_a_share_lies_between_nothing_and_all(night_):
    for figure in measure(night_):
        if figure.code in RATIOS and figure.value is not None:
            assert 0 <= figure.value <= 1, figure


@few
@given(nights())
def test_the_members_of_a_dimension_add_up_to_the_total(night_):
    figures = measure(night_)
    totals = {figure.code: figure for figure in figures if figure.dimension == TOTAL}
    for code, definition in DEFINITIONS.items():
        for dimension in definition.dimensions:
            members = [f for f in figures if (f.code, f.dimension) == (code, dimension)]
            if members:
                assert sum(f.numerator for f in members) == totals[code].numerator
                if totals[code].denominator is not None:
                    assert sum(f.denominator for f in members) == totals[code].denominator


@few
@given(nights(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(night_, random):
    mixed = {
        name: frame[random.sample(range(frame.height), frame.height)]
        for name, frame in night_.frames.items()
    }
    assert measure(replace(night_, frames=mixed)) == measure(night_)


@given(st.lists(st.integers(0, 10**9), min_size=1), st.sampled_from([50, 90, 99, 100]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values, percent):
    (figure,) = percentile("x", values, {}, int, percent)
    assert figure.numerator in values
    assert 100 * sum(value <= figure.numerator for value in values) >= percent * len(values)
    assert 100 * sum(value < figure.numerator for value in values) < percent * len(values)


@few
@given(nights(), nights())
def test_a_night_measured_again_leaves_one_set(state, one, other):
    for figures in (measure(one), measure(other), measure(other)):
        record_kpis(state, night(0), figures)
    assert load_kpis(state, night(0), 30) == {night(0): measure(other)}
