"""What the peers' programs share: the task they read, the answer they give, the way to loopback.

Standard library only at the top: every environment imports this, whatever it has installed.
"""

import hashlib
import json
import sys
import time
import traceback
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


class Rows:
    """Rows of one object, remembered by their keys and amounts alone.

    The digest does not depend on the order in which rows were read, and a row that was read twice
    counts once: of two versions the last one.
    """

    def __init__(self, keys, amounts=()):
        self.keys = [key.split(".") for key in keys]
        self.amounts = [amount.split(".") for amount in amounts]
        self.seen = {}
        self.read = 0

    def add(self, record):
        key = "|".join(_plain(_at(record, path)) for path in self.keys)
        self.seen[key] = "|".join(number(_at(record, path)) for path in self.amounts)
        self.read += 1

    def summary(self):
        lines = "".join(f"{key}={value}\n" for key, value in sorted(self.seen.items()))
        digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
        return {"rows": len(self.seen), "read": self.read, "digest": digest}


def _at(record, path):
    """The value at a path through objects of any client; None where it ends early."""
    for name in path:
        if record is None or name not in record:
            return None
        record = record[name]
    return record


def _plain(value):
    return "" if value is None else str(value)


def number(value):
    """The same text for 12, "12.0" and Decimal("12.00")."""
    return "" if value in (None, "") else format(Decimal(str(value)).normalize(), "f")


def task():
    """What the caller wants, as JSON on the standard input."""
    return json.load(sys.stdin)


def answer(value):
    """Print the answer as the last line of the standard output."""
    print(json.dumps(value, default=str))  # noqa: T201


def peak_gigabytes():
    """What this process needed since it was started: getrusage hands on what its parent needed."""
    status = Path("/proc/self/status").read_text("utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kilobytes) / 1024**2


def answer_scenes(scenes, chosen=None):
    """Play the scenes (functions), or those chosen by name: what each returned or how it failed."""
    answers = {}
    for scene in scenes:
        if chosen and scene.__name__ not in chosen:
            continue
        begun = time.perf_counter()
        try:
            answers[scene.__name__] = {"value": scene()}
        except Exception:  # noqa: BLE001
            answers[scene.__name__] = {"failed": traceback.format_exc()}
        answers[scene.__name__]["seconds"] = time.perf_counter() - begun
    answer(answers)


def divert(addresses):
    """Let `requests` reach other addresses than those that a client has in its code.

    `{"api.vendor.example": "http://127.0.0.1:8000"}`. Only the connection differs: the client
    builds, signs and logs the vendor's address, and the server sees the vendor's name. Whatever
    else a client asks for is refused, so that no test ever leaves this machine.
    """
    import requests

    class Diversion(requests.adapters.HTTPAdapter):
        def send(self, request, **options):
            asked = request.url
            parts = urlsplit(asked)
            if parts.netloc not in addresses:
                raise AssertionError(f"the client wants to leave this machine: {asked}")
            there = urlsplit(addresses[parts.netloc])
            request.headers["Host"] = parts.netloc
            request.url = urlunsplit((there.scheme, there.netloc, *parts[2:]))
            response = super().send(request, **{**options, "verify": False, "proxies": {}})
            request.url = response.url = asked
            return response

    plain_init = requests.Session.__init__

    def diverted_init(session):
        plain_init(session)
        session.trust_env = False
        session.mount("https://", Diversion())
        session.mount("http://", Diversion())

    requests.Session.__init__ = diverted_init
