"""Who is let in: a token opens the door once, a session cookie keeps it open for half a day."""

import hmac
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

SESSION_HOURS = 12


@dataclass
class Session:
    """A person who came in by a token. `notices` are shown with the next page, once."""

    actor: str
    until: datetime
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    notices: list[str] = field(default_factory=list)

    def holds(self, token: object) -> bool:
        """Whether a form was made for this session."""
        return isinstance(token, str) and hmac.compare_digest(token.encode(), self.csrf.encode())


class Door:
    """Tokens and sessions, in memory: both end with the process."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def tokens_for(self, people: Iterable[str]) -> Mapping[str, str]:
        """A token for each person; each opens the door once."""
        made = {actor: secrets.token_urlsafe(32) for actor in people}
        self._tokens |= {_digest(token): actor for actor, token in made.items()}
        return made

    def enter(self, token: str, now: datetime | None = None) -> str | None:
        """The id of a new session; None for a token that is none, or was used."""
        with self._lock:
            actor = self._tokens.pop(_digest(token), None)
            if actor is None:
                return None
            name = secrets.token_urlsafe(32)
            until = (now or datetime.now(UTC)) + timedelta(hours=SESSION_HOURS)
            self._sessions[_digest(name)] = Session(actor, until)
            return name

    def session(self, name: str | None, now: datetime | None = None) -> Session | None:
        """The session of a cookie, while it lasts."""
        found = self._sessions.get(_digest(name)) if name else None
        return found if found and (now or datetime.now(UTC)) < found.until else None

    def leave(self, name: str | None) -> None:
        """End the session of a cookie."""
        self._sessions.pop(_digest(name or ""), None)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
