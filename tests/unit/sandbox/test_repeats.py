"""Which page a request asks for, and what the page before it was: Bulk results and zipped bodies."""

import gzip
import json

from extractors.sandbox.repeats import Answer, Asked, Repeats

RESULTS = "/services/data/v62.0/jobs/query/750A/results"


def asked(path, query=b"", body=b""):
    return Asked.of(path, query, body)


def answer(body, status=200, **headers):
    named = tuple((name.encode(), value.encode()) for name, value in headers.items())
    return Answer(status, named, body)


def located(locator, body):
    return answer(body, **{"sforce-locator": locator, "content-type": "text/csv"})


def test_a_page_of_bulk_results_can_be_shown_once_more_with_its_locator():
    repeats = Repeats("salesforce")
    first = located("MQ", b'"Id"\n"A"\n')
    repeats.note(asked(RESULTS), first)
    behind = asked(RESULTS, b"maxRecords=1&locator=MQ")
    assert repeats.known(behind)
    assert repeats.whole(behind) == first
    assert repeats.border(behind, located("null", b'"Id"\n"B"\n')) is None
    assert not repeats.known(asked(RESULTS, b"locator=OTHER"))
    assert not repeats.known(asked(RESULTS.replace("750A", "750B"), b"locator=MQ"))


def test_behind_the_last_page_there_is_none():
    repeats = Repeats("salesforce")
    repeats.note(asked(RESULTS), located("null", b'"Id"\n"A"\n'))
    assert not repeats.known(asked(RESULTS, b"locator=null"))
    assert not repeats.known(asked(RESULTS))


def test_a_zipped_page_is_read_and_shown_again_plain():
    def page(*ids):
        body = {"data": [{"id": key} for key in ids], "has_more": True, "object": "list"}
        zipped = {"content-encoding": "gzip", "content-length": "1"}
        return answer(gzip.compress(json.dumps(body).encode()), **zipped)

    repeats = Repeats("stripe")
    repeats.note(asked("/v1/customers", b"limit=2"), page("a", "b"))
    behind = asked("/v1/customers", b"limit=2&starting_after=b")
    shown = repeats.border(behind, page("c", "d"))
    assert [record["id"] for record in json.loads(shown.body)["data"]] == ["b", "c"]
    assert shown.headers == ((b"content-length", str(len(shown.body)).encode()),)


def test_another_filter_is_another_list():
    repeats = Repeats("stripe")
    body = json.dumps({"data": [{"id": "a"}], "has_more": True}).encode()
    repeats.note(asked("/v1/events", b"types[]=x&limit=1"), answer(body))
    assert repeats.known(asked("/v1/events", b"starting_after=a&types[]=x"))
    assert not repeats.known(asked("/v1/events", b"starting_after=a&types[]=y"))
    assert not repeats.known(asked("/v1/events", b"starting_after=a"))


def test_what_is_no_list_is_left_alone():
    repeats = Repeats("netsuite")
    for body in (b"", b"<html>", b"[1]", b'{"items": 3, "hasMore": true}'):
        repeats.note(asked("/services/rest/query/v1/suiteql", body=b"q"), answer(body))
    failed = answer(b'{"items": [], "hasMore": true}', status=400)
    repeats.note(asked("/services/rest/query/v1/suiteql", body=b"q"), failed)
    assert not repeats.known(asked("/services/rest/query/v1/suiteql", b"offset=1000", b"q"))
