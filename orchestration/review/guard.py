"""What every request passes, in front of all pages: Host, Origin, session, and headers of answers.

Closed unless opened: a page that says nothing of access is for people with a session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration.review.access import Door

OPEN_PATHS = ("/login", "/static/")
SAFE = {"GET", "HEAD"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A night's report is one file with its styles and scripts inside; in a sandbox it reaches nothing
# of ours, and its links to exceptions work.
REPORTS = "/reports/"
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-scripts allow-downloads allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation"
)
HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",  # with no-referrer, browsers hide the Origin of our own forms
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HEAD = (
    "<!doctype html><html lang=en><title>Tieout review</title>"
    '<link rel=icon href="/static/icon.svg">'
)
# A strict cookie is kept back from a page that another one leads to, such as a report's link. The
# page loads itself again: then it comes from here, with the cookie if there is one.
AGAIN = f'{HEAD}<meta http-equiv=refresh content=0><p><a href="">Go on to the page</a></p>'


@dataclass(frozen=True)
class Guard:
    """Lets requests through to `app` that name one of our `origins` and come with a session."""

    app: ASGIApp
    door: Door
    origins: frozenset[str]
    cookie: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["content-security-policy"] = policy
            await send(message)

        refusal = self._refusal(Request(scope))
        is_report = refusal is None and scope["path"].startswith(REPORTS)
        policy = REPORT_POLICY if is_report else POLICY
        await (refusal or self.app)(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered in place of the page; leaves the session for the page otherwise."""
        if request.headers.get("host", "") not in {urlsplit(each).netloc for each in self.origins}:
            return refused(421, "This is not the address of Tieout review.")
        if request.method not in SAFE and request.headers.get("origin") not in self.origins:
            return refused(403, "The form came from another site.")
        if request.url.path.startswith(OPEN_PATHS):
            return None
        session = self.door.session(request.cookies.get(self.cookie))
        if session is not None:
            request.state.session = session
            return None
        if request.method in SAFE and request.headers.get("sec-fetch-site") == "cross-site":
            return HTMLResponse(AGAIN)
        return refused(401, "Open the link that `tieout review` printed; each opens once.")


def refused(status: int, words: str) -> Response:
    """A plain page for who is not let in."""
    return HTMLResponse(f"{HEAD}<main><h1>Not shown</h1><p>{escape(words)}</p></main>", status)
