"""Log lines and spans: what they carry, what they never carry, and that a collector gets them."""

import json
import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest
import stamina
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from extractors import telemetry
from extractors.calls import Call
from extractors.facts import bound, facts
from extractors.telemetry import traced
from orchestration.logs import JsonLines, Words, start_logging
from orchestration.progress import loggers
from orchestration.settings import SettingsError, load_settings
from orchestration.tracing import is_traced
from tests.scripted import Script, answer, play

CANARY = "canary.person@example.com"


@pytest.fixture
def spans(monkeypatch):
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    return exporter.get_finished_spans


def line_of(formatter, log):
    """What a formatter makes of what `log` says to a logger."""
    logger, kept = logging.getLogger("extractors.http"), []
    handler = logging.Handler()
    handler.emit = lambda record: kept.append(formatter.format(record))
    logger.addHandler(handler)
    logger.setLevel("INFO")
    try:
        log(logger)
    finally:
        logger.removeHandler(handler)
    return kept[0]


def test_a_json_line_carries_what_is_worked_on_and_what_the_line_adds():
    with bound(run_id="r1", night="2026-06-30"), bound(correction_id="c1"):
        line = line_of(
            JsonLines(), lambda log: log.info("%s sent", "one", extra={"request_id": "req_1"})
        )
    read = json.loads(line)
    assert read.pop("time").endswith("+00:00")
    assert read == {
        "level": "info", "logger": "extractors.http", "message": "one sent",
        "run_id": "r1", "night": "2026-06-30", "correction_id": "c1", "request_id": "req_1",
    }  # fmt: skip
    assert facts() == {}


@pytest.mark.parametrize("formatter", [JsonLines(), Words()])
def test_a_traceback_shows_no_local_values(formatter):
    def fail(log):
        secret = CANARY
        try:
            len(secret) / 0
        except ZeroDivisionError:
            log.exception("it broke")

    line = line_of(formatter, fail)
    assert "ZeroDivisionError" in line
    assert CANARY not in line


def test_words_for_people_name_what_is_worked_on():
    with bound(night="2026-06-30"):
        line = line_of(Words(), lambda log: log.warning("slow"))
    assert line == "warning: slow (night 2026-06-30)"


def test_what_dagster_says_in_a_run_is_told_once(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    start_logging({"TIEOUT_LOG": "json"})
    logging.getLogger("dagster.builtin").warning("before")
    with bound(run_id="r1"):
        logging.getLogger("dagster.builtin").warning("in it")
        logging.getLogger("extractors.http").warning("ours")
    lines = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["before", "ours"]


def test_an_unknown_form_of_log_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="TIEOUT_LOG is 'yaml'; write one of text, json"):
        load_settings({"TIEOUT_HOME": str(tmp_path), "TIEOUT_LOG": "yaml"})


def test_a_request_is_a_span_with_its_ids_and_without_its_query(spans):
    call = Call("GET", "/query/acc_1", params=[("q", CANARY)], correlation_id="thread-1")
    with (
        stamina.set_testing(True, attempts=2),
        traced("read account", system="billing", object="account"),
    ):
        play(Script(answer(503), answer()), [call])
    first, second, around = spans()
    assert first.attributes["error.type"] == "Transient"
    assert first.status.status_code.name == "ERROR"
    assert dict(second.attributes) == {
        "http.request.method": "GET", "url.template": "/query/{id}", "tieout.system": "billing",
        "tieout.correlation_id": "thread-1", "http.response.status_code": 200,
        "http.request.resend_count": 1, "tieout.request_id": "req_1",
    }  # fmt: skip
    assert second.parent.span_id == around.context.span_id
    assert CANARY not in "".join(each.to_json() for each in spans())


def test_a_run_and_its_steps_are_spans_and_facts(spans, capsys):
    seen = {}

    @dg.op
    def first(context):
        seen.update(facts())
        context.log.warning("hm")

    @dg.op(ins={"after": dg.In(dg.Nothing)})
    def second():
        raise ValueError(CANARY)

    @dg.job(logger_defs=loggers("json"), config={"loggers": {"progress": {}, "console": {}}})
    def night():
        second(after=first())

    result = night.execute_in_process(
        tags={"dagster/partition": "2026-06-30"}, raise_on_error=False
    )
    one, two, run = spans()
    assert (one.name, two.name, run.name) == ("first", "second", "night")
    assert one.parent.span_id == two.parent.span_id == run.context.span_id
    assert seen == {"run_id": result.run_id, "night": "2026-06-30", "step": "first"}
    assert (one.status.is_ok, two.status.is_ok, run.status.is_ok) == (True, False, False)
    assert CANARY not in run.to_json() + two.to_json()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (told,) = [line for line in lines if line["message"] == "hm"]
    assert (told["run_id"], told["step"]) == (result.run_id, "first")
    assert facts() == {}


@pytest.mark.parametrize(
    ("environ", "traces"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_the_variables_of_opentelemetry_decide_whether_there_are_traces(environ, traces):
    assert is_traced(environ) is traces


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_collector_gets_the_spans_of_a_process_that_ends():
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        server.got = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = (
            "from orchestration.tracing import start_tracing\n"
            "from extractors.telemetry import traced\n"
            f"start_tracing({{'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:{server.server_port}'}})\n"
            "with traced('dispatch', correction_id='c1'): pass\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        server.shutdown()
    ((path, request),) = server.got
    (resource,) = request.resource_spans
    (span,) = resource.scope_spans[0].spans
    assert (path, span.name, ran.stderr) == ("/v1/traces", "dispatch", "")
    assert {one.key: one.value.string_value for one in span.attributes} == {
        "tieout.correction_id": "c1"
    }
