"""How a call to a source system can fail, and what the caller should do about it.

SourceError
├── Transient        try again: timeouts, 5xx, dropped connections, a locked row
│   ├── RateLimited  the same, but the server may have said how long to wait
│   └── CircuitOpen  nothing was sent: the system failed too often just now
├── UnknownOutcome   do not send again before looking: a write went out and no answer came back
├── Rejected         do not try again: this record or request is wrong (4xx)
│   └── NotFound     there is no such record
├── Conflict         do not try again: the record moved on, or the key was used for something else
├── Unauthorized     do not try again: no request will work (401, 403)
├── ContractBroken   do not try again: the reply is not what was agreed on
├── BookmarkExpired  begin anew: the source no longer knows the place to read on from
└── LateExtraction   do not try again: the source can only be read as it is now, not as it was then
"""

from typing import Self

EXCERPT_LENGTH = 500


class SourceError(Exception):
    """A call to `system` failed; the attributes are safe to log and to store.

    `code` is the vendor's own error code, `request_id` the vendor's id of the call,
    `body_excerpt` the beginning of the vendor's answer, `retry_after` the seconds that it asked
    to wait, `location` what it pointed to instead. `worth_waiting` is false when seconds cannot
    help: a daily quota is used up, or the server asked not to be tried again. `whole` is the
    failure of the request in which this call went out with others.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        correlation_id: str | None = None,
        body_excerpt: str = "",
    ) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.correlation_id = correlation_id
        self.body_excerpt = body_excerpt[:EXCERPT_LENGTH]
        self.worth_waiting = True
        self.retry_after: float | None = None
        self.location: str | None = None
        self.whole: SourceError | None = None

    def for_part(self, correlation_id: str | None) -> Self:
        """The same failure, told of one of the calls in the request; of no other's answer."""
        part = type(self)(self.system, self.message)
        vars(part).update(
            vars(self), correlation_id=correlation_id, body_excerpt="", location=None, whole=self
        )
        return part


class Transient(SourceError):  # noqa: N818
    """The same request may succeed a little later; it had no effect so far."""


class RateLimited(Transient):
    """The server takes no more for now; with `endpoint_only`, no more of this kind of call."""

    endpoint_only = False


class CircuitOpen(Transient):
    """The system failed too often just now to be asked again so soon; nothing was sent."""


class UnknownOutcome(SourceError):  # noqa: N818
    """A write was sent and its answer never came: it may or may not have taken effect."""


class Rejected(SourceError):  # noqa: N818
    """The system understood the request and refuses it; sending it again changes nothing."""


class NotFound(Rejected):
    """There is no such record."""


class Conflict(SourceError):  # noqa: N818
    """The record is not in the state that the request assumed, or its key was used before."""


class Unauthorized(SourceError):  # noqa: N818
    """The credentials are refused, or they do not allow this."""


class ContractBroken(SourceError):  # noqa: N818
    """The reply cannot be read as agreed; reading on would lose or invent data."""


class BookmarkExpired(SourceError):  # noqa: N818
    """The source no longer knows the bookmark; the object has to be read anew."""


class LateExtraction(SourceError):  # noqa: N818
    """The day asked for can no longer (or not yet) be read from the source."""
