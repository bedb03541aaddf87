"""The review on the wire: who is let in, what is refused, and that each word ends in the audit."""

import re
import socket
import subprocess
import sys
from datetime import timedelta
from html import unescape

import httpx
import pytest

from orchestration.review import forms
from orchestration.review.access import SESSION_HOURS, Door
from orchestration.review.actions import ACTIONS
from orchestration.review.forms import ticket
from orchestration.review.serve import origins_of
from orchestration.settings import SettingsError, load_settings
from reconcilers.state.audit import verify_audit
from reconcilers.state.models import CorrectionRecord, ExceptionRecord
from reconcilers.state.views import list_audit, list_corrections, list_exceptions
from reconcilers.triage import Seen, Standing, standings
from tests.correction_samples import at, night
from tests.wire.reviewing import csrf_of, post, sample_review

PAGES = ("/", "/corrections", "/dead", "/tieouts", "/audit", "/keys")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the module; each test has an invoice of its own."""
    with sample_review(tmp_path_factory.mktemp("review")) as running:
        yield running


@pytest.fixture
def ann(server):
    with server.client("ann") as client:
        yield client


@pytest.fixture
def ben(server):
    with server.client("ben") as client:
        yield client


def ticked(server, invoice):
    (view,) = [each for each in list_exceptions(server.state) if each.owner_id == invoice]
    said = standings(server.state, [view.exception_key]).get(view.exception_key, Standing())
    return ticket(view.exception_key, Seen(view.impact_reporting_minor, said.asked_at))


def planned(server, invoice, state="proposed"):
    (view,) = [each for each in list_corrections(server.state) if invoice in each.evidence]
    assert view.state == state
    return f"{view.correction_id}|{view.planned_at.isoformat()}"


def newest(server, count=1):
    return [
        (line.actor, line.action, line.subject) for line in list_audit(server.state, last=count)
    ]


def test_nobody_is_let_in_without_a_session(server):
    with server.client() as stranger:
        for page in (*PAGES, "/exceptions/x", "/corrections/x", "/reports/2026-06-30/report.html"):
            assert stranger.get(page).status_code == 401, page
        for action in (*ACTIONS, "/logout"):
            assert stranger.post(action, data={"chosen": "x"}).status_code == 401, action
        assert stranger.get("/login?token=guess").status_code == 401


def test_a_link_opens_once(server):
    link = server.link("ann")
    with server.client() as first, server.client() as second:
        entered = first.get(link)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "You are <b>ann</b>" in first.get("/").text
        assert second.get(link).status_code == 401


def test_a_session_ends(server):
    door = Door()
    (token,) = door.tokens_for(["ann"]).values()
    name = door.enter(token, at(0))
    almost = at(0) + timedelta(hours=SESSION_HOURS) - timedelta(seconds=1)
    assert door.session(name, almost).actor == "ann"
    assert door.session(name, almost + timedelta(seconds=1)) is None
    with server.client("ann") as client:
        assert post(client, "/logout").status_code == 200
        assert client.get("/").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_name_for_this_machine_is_not_answered(server, ann, host):
    """A page of another site may let its own name lead here (DNS rebinding)."""
    assert ann.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", None])
def test_a_form_of_another_site_changes_nothing(server, ann, origin):
    headers = {} if origin is None else {"origin": origin}
    form = {"csrf": csrf_of(ann), "chosen": ticked(server, "in_0"), "to": "mallory"}
    before = newest(server)
    with httpx.Client(base_url=server.url, cookies=ann.cookies, headers=headers) as client:
        assert client.post("/exceptions/assign", data=form).status_code == 403
    assert newest(server) == before


@pytest.mark.parametrize("action", [*ACTIONS, "/logout"])
def test_no_action_is_taken_without_the_token_of_the_session(server, ann, ben, action):
    before = newest(server)
    for token in ("", "guess", csrf_of(ben)):
        answer = ann.post(action, data={"csrf": token, "chosen": ticked(server, "in_0"), "to": "x"})
        assert answer.status_code == 403
    assert newest(server) == before
    assert ann.get("/keys").status_code == 200


def test_every_answer_says_what_browsers_may_do_with_it(server, ann):
    with server.client() as stranger:
        answers = [*map(ann.get, (*PAGES, "/static/review.css", "/nowhere")), stranger.get("/")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        assert re.search(r"<script>|<style| style=| on[a-z]+=", answer.text) is None


def test_a_link_from_elsewhere_leads_on_to_the_page(server):
    """Browsers keep a strict cookie back from a page that another site leads to."""
    with server.client() as stranger:
        followed = stranger.get("/exceptions/x", headers={"sec-fetch-site": "cross-site"})
        assert followed.status_code == 200
        assert "refresh" in followed.text
        again = stranger.get("/exceptions/x", headers={"sec-fetch-site": "same-origin"})
        assert again.status_code == 401


def test_a_report_is_shown_in_a_sandbox(server, ann):
    folder = server.settings.report_dir(night(0))
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<p>a night</p>")
    shown = ann.get(f"/reports/{night(0)}/report.html")
    assert "a night" in shown.text
    assert "sandbox allow-scripts" in shown.headers["content-security-policy"]
    assert "allow-same-origin" not in shown.headers["content-security-policy"]
    assert ann.get("/reports/%2e%2e/state.db").status_code == 404


def test_each_word_on_exceptions_ends_in_the_audit_with_who_said_it(server, ann, ben):
    one, two = ticked(server, "in_1"), ticked(server, "in_2")
    keys = sorted(each.partition("|")[0] for each in (one, two))
    told = post(ann, "/exceptions/assign", chosen=[one, two], to="cid", back="/?code=INV-MISS-01")
    assert "2 exceptions assigned to cid" in told.text
    assert newest(server, 2) == [("ann", "assign", key) for key in keys]
    assert (
        "1 exception commented on"
        in post(ben, "/exceptions/comment", chosen=one, comment="asked").text
    )
    assert newest(server) == [("ben", "comment", one.partition("|")[0])]
    page = ann.get(f"/exceptions/{keys[0]}").text
    assert "cid" in page
    assert "asked" in ann.get(f"/exceptions/{one.partition('|')[0]}").text
    assert verify_audit(server.state).holds


def test_a_waiver_takes_two_people(server, ann, ben):
    one = ticked(server, "in_3")
    asked = post(ann, "/exceptions/waive", chosen=one, until=str(night(20)), reason="in the post")
    assert "somebody else grants it" in asked.text
    assert f"ann asks for a waiver until {night(20)}: in the post" in ben.get("/?asked=1").text
    one = ticked(server, "in_3")
    alone = post(ann, "/exceptions/grant", chosen=one)
    assert alone.status_code == 409
    assert "cannot grant it" in alone.text
    assert "1 exception waived" in post(ben, "/exceptions/grant", chosen=one).text
    key = one.partition("|")[0]
    assert {view.exception_key for view in list_exceptions(server.state, states=("WAIVED",))} == {
        key
    }
    (line,) = list_audit(server.state, last=1)
    assert (line.actor, line.action, line.body["approver"]) == ("ann", "waive", "ben")


def test_corrections_are_decided_on_with_the_rules_of_the_command_line(server, ann, ben):
    one, two = planned(server, "in_4"), planned(server, "in_5")
    with server.client("tieout") as maker:
        own = post(maker, "/corrections/approve", chosen=one)
        assert (own.status_code, "cannot approve it" in own.text) == (409, True)
    assert (
        "2 corrections approved"
        in post(ann, "/corrections/approve", chosen=[one, two], comment="ok").text
    )
    assert {(line[0], line[1]) for line in newest(server, 4)} >= {("ann", "approve")}
    silent = post(ben, "/corrections/reject", chosen=one)
    assert (silent.status_code, "needs a comment" in silent.text) == (409, True)
    assert (
        "1 correction rejected" in post(ben, "/corrections/reject", chosen=one, comment="no").text
    )
    states = {view.correction_id: view.state for view in list_corrections(server.state)}
    assert (states[one.partition("|")[0]], states[two.partition("|")[0]]) == (
        "rejected",
        "approved",
    )
    assert verify_audit(server.state).holds


def test_a_plan_that_was_made_anew_is_looked_at_again(server, ann):
    stale = planned(server, "in_6").partition("|")[0] + "|2026-01-01T00:00:00+00:00"
    answer = post(ann, "/corrections/approve", chosen=stale)
    assert (answer.status_code, "planned anew" in answer.text) == (409, True)


def test_money_that_changed_is_looked_at_again(server, ann):
    key = ticked(server, "in_6").partition("|")[0]
    answer = post(ann, "/exceptions/waive", chosen=f"{key}|1", until=str(night(9)), reason="x")
    assert (answer.status_code, "another one since" in answer.text) == (409, True)


def test_a_waiver_is_granted_as_it_was_seen(server, ann, ben):
    words = {"chosen": ticked(server, "in_6"), "until": str(night(5)), "reason": "timing"}
    post(ann, "/exceptions/waive", **words)
    seen = ticked(server, "in_6")
    page = ben.get(f"/exceptions/{seen.partition('|')[0]}").text
    assert seen in unescape(page)
    assert seen in unescape(ben.get("/?asked=1").text)
    post(ann, "/exceptions/waive", **words | {"chosen": seen, "until": str(night(80))})
    assert newest(server) == [("ann", "ask_waiver", seen.partition("|")[0])]
    answer = post(ben, "/exceptions/grant", chosen=seen)
    assert (answer.status_code, "is another one; look again" in answer.text) == (409, True)
    assert newest(server) == [("ann", "ask_waiver", seen.partition("|")[0])]


def test_all_that_match_are_taken_while_they_are_as_they_were_shown(server, ann, monkeypatch):
    monkeypatch.setattr(forms, "PAGE_SIZE", 1)
    query = "code=INV-MISS-01&state=OPEN"

    def shown():
        return re.search(r'name="whole" value="(\w+)"', ann.get(f"/?{query}").text)[1]

    def assign_all(whole):
        form = {"all": "1", "filter": query, "whole": whole, "to": "dora"}
        return post(ann, "/exceptions/assign", **form)

    def dearer(by):
        with server.state.begin() as session:
            session.query(ExceptionRecord).filter_by(owner_id="in_0").update(
                {"impact_reporting_minor": ExceptionRecord.impact_reporting_minor + by}
            )

    whole = shown()
    dearer(1)
    changed = assign_all(whole)
    assert (changed.status_code, "look again" in changed.text) == (422, True)
    dearer(-1)
    assert "exceptions assigned to dora" in assign_all(shown()).text
    count = len(list_exceptions(server.state, code="INV-MISS-01", states=("OPEN",)))
    assert f"{count}</b> exceptions," in ann.get("/?assignee=dora").text


def test_money_has_the_decimals_of_the_companys_own_file(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "currencies.csv").write_text(
        "currency,name,exponent,minor_per_unit\nBRL,Real,3,1000\nGBP,Pound,0,1\n"
    )
    shipped = load_settings({}).policy_path.read_text()
    (own / "policy.toml").write_text(shipped.replace('currency = "USD"', 'currency = "BRL"'))
    with (
        sample_review(tmp_path, TIEOUT_CONFIG=str(own)) as review,
        review.client("ann") as client,
    ):
        page = client.get("/?code=SUB-STAT-01&min_amount=15.24").text
        assert "15.240 BRL</b> at risk" in page
        assert "12,000 GBP" in page
        assert "No exception matches" in client.get("/?min_amount=15.25").text


def test_the_dead_are_shown_with_what_a_replay_sends_and_are_queued_again(server, ann):
    dead = planned(server, "in_7").partition("|")[0]
    with server.state.begin() as session:
        session.get_one(CorrectionRecord, dead).state = "dead"
    assert dead in ann.get("/dead").text
    assert (
        "1 correction queued again" in post(ann, "/dead/replay", chosen=dead, comment="mended").text
    )
    assert {("ann", "replay", dead)} <= set(newest(server, 2))


@pytest.mark.parametrize(
    ("path", "fields", "told"),
    [
        ("/exceptions/assign", {"to": "x"}, "tick at least one line"),
        ("/exceptions/assign", {"chosen": "in_0|1e9", "to": "x"}, "is no amount"),
        ("/exceptions/waive", {"chosen": "x|1", "until": "soon", "reason": "x"}, "until: &#39;soon"),
        ("/exceptions/comment", {"chosen": "x|1", "comment": "x" * 3000}, "at most 2000 characters"),
        ("/corrections/approve", {"chosen": "x|yesterday"}, "Invalid isoformat"),
    ],
)  # fmt: skip
def test_a_form_with_mistakes_is_refused_by_the_name_of_its_field(server, ann, path, fields, told):
    before = newest(server)
    answer = post(ann, path, **fields)
    assert (answer.status_code, told in answer.text) == (422, True)
    assert newest(server) == before


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("min_age=old", "min_age: &#39;old"),
        ("min_amount=NaN", "min_amount: &#39;NaN"),
        ("state=GONE", "state: &#39;GONE"),
        ("order=luck", "order: &#39;luck"),
        ("page=-1", "page: &#39;-1"),
    ],
)
def test_a_filter_with_mistakes_is_told(server, ann, query, told):
    answer = ann.get(f"/?{query}")
    assert (answer.status_code, told in answer.text) == (422, True)


def test_what_is_not_there_is_told(server, ann):
    for path in (
        "/exceptions/nothing",
        "/corrections/nothing",
        "/tieouts/2020-01-01",
        "/tieouts/x",
    ):
        assert ann.get(path).status_code == 404, path
    gone = post(ann, "/exceptions/assign", chosen="nothing|1", to="x")
    assert (gone.status_code, "no open exception" in gone.text) == (409, True)


def test_what_people_write_is_text_and_nobody_is_sent_elsewhere(server, ann):
    one = ticked(server, "in_0")
    post(ann, "/exceptions/comment", chosen=one, comment="<script>alert(1)</script>")
    assert "<script>alert" not in ann.get(f"/exceptions/{one.partition('|')[0]}").text
    for back in ("//evil.example", "https://evil.example", "/\\evil.example"):
        sent = ann.post(
            "/exceptions/comment",
            data={"csrf": csrf_of(ann), "chosen": one, "comment": "x", "back": back},
        )
        assert sent.headers["location"] == "/"


def test_the_page_says_why_both_sides_cannot_be_shown(server, ann):
    key = ticked(server, "in_0").partition("|")[0]
    assert "no warehouse yet" in ann.get(f"/exceptions/{key}").text
    assert "no warehouse yet" in ann.get(f"/exceptions/{key}/thread").text


def test_the_link_is_an_address_that_the_review_answers(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = (
        "import sys; from orchestration.review.serve import serve; "
        "from orchestration.settings import load_settings; "
        "serve(load_settings({'TIEOUT_HOME': sys.argv[1]}), host='127.0.0.1', "
        "port=int(sys.argv[2]), url='https://tieout.example/', people=['ann'])"
    )
    command = [sys.executable, "-c", program, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        printed = process.stdout.readline()
        process.kill()  # a server that only starts may miss a milder word
    assert printed.startswith("ann: https://tieout.example/login?token=")


def test_the_default_port_is_left_out_as_browsers_leave_it_out():
    assert origins_of("127.0.0.1", 80, None)[0] == "http://127.0.0.1"


def test_only_this_machine_is_listened_to_unless_it_is_told_as_what_others_reach_it():
    assert origins_of("127.0.0.1", 8765, None)[0] == "http://127.0.0.1:8765"
    assert origins_of("0.0.0.0", 8765, "https://tieout.example") == ["https://tieout.example"]
    for host, url in (
        ("0.0.0.0", None),
        ("review.example", None),
        ("127.0.0.1", "http://x.example"),
    ):
        with pytest.raises(SettingsError, match="--url"):
            origins_of(host, 8765, url)
