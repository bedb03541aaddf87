"""What the servers saw: every write against the state of the outbox and of the record it changes.

Breaches are noted where they happen, with the number of the invariant (see docs/chaos.md).
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from benchmarks.chaos.company import Repair
from extractors.sandbox.store import Store
from reconcilers.corrections.brakes import halted
from reconcilers.corrections.states import CorrectionState
from reconcilers.state.models import Attempt, CorrectionRecord
from reconcilers.state.store import State


@dataclass
class Witness:
    """Counts effects, and remembers what was looked at and what people changed.

    `overrun` counts writes over what somebody changed after our look, where the vendor offers no
    write under a condition: nobody can prevent those.
    """

    store: Store
    state: State
    repairs: list[Repair]
    effects: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    overrun: int = 0
    is_over: bool = False  # what happens now is judged by others
    sent: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by run
    _asked: set[str] = field(default_factory=set)  # looked at since they were last written
    _changed: set[str] = field(default_factory=set)  # by people
    _told: set[str] = field(default_factory=set)  # looked at since people changed them

    def repair_of(self, system: str, path: str, body: bytes) -> Repair | None:
        """The correction that a write is for."""
        record_id = path.rpartition("/")[2].removeprefix("eid:")
        text = body.decode()
        for repair in self.repairs:
            if repair.is_deed and system == repair.system and repair.record_id in path.split("/"):
                return repair
            if path.endswith(f"/{repair.object}s") and repair.record_id in text:
                return repair  # made anew: named in what is said of it
            is_its_record = (repair.system, repair.record_id) == (system, record_id)
            if is_its_record and (repair.is_posting or repair.column in text):
                return repair
        return None

    def sees_look(self, system: str, path: str, body: bytes, *, is_stale: bool) -> None:
        """A look was answered; what is stale tells nothing of changes."""
        text = path + body.decode()
        for repair in self.repairs:
            if repair.system == system and repair.record_id in text:
                self._asked.add(repair.correction_id)
                if repair.correction_id in self._changed and not is_stale:
                    self._told.add(repair.correction_id)

    def sees_refusal(self, repair: Repair) -> None:
        """A write was refused in so many words: it may be sent again as it is."""
        self._asked.add(repair.correction_id)

    def sees_sending(self, repair: Repair | None, run: str, budget: int) -> None:
        """A write leaves a dispatcher that may send so many corrections."""
        if self.is_over:
            return
        if repair is None:
            self.breach("I2", "a write that no correction asks for")
            return
        name = repair.correction_id
        self._require_intent(name)
        self.sent[run].add(name)
        if len(self.sent[run]) > budget:
            self.breach("I10", f"{run} sent {len(self.sent[run])} corrections of {budget}")
        if halted(self.state):
            self.breach("I10", f"{name} was sent although dispatch was halted")
        if self.calls[name] and name not in self._asked and repair.system != "stripe":
            self.breach("I1", f"{name} was sent again without a look")
        if name in self._told:
            self.breach("I3", f"{name} was sent although a look had shown that it changed")
        self.calls[name] += 1
        self._asked.discard(name)

    def sees_writing(self, repair: Repair, was: str | None) -> None:
        """A write took place; `was` is the value before it."""
        if self.is_over:
            return
        name, now = repair.correction_id, repair.value(self.store)
        if was == repair.drifted and now == repair.wanted:
            self.effects[name] += 1
            if self.effects[name] > 1:
                self.breach("I1", f"{name} took effect {self.effects[name]} times")
        elif was not in {repair.drifted, repair.wanted} and now != was:
            self._overwritten(repair)

    def sees_change(self, repair: Repair) -> None:
        """People changed the record."""
        self._changed.add(repair.correction_id)
        self._told.discard(repair.correction_id)

    def was_changed(self, repair: Repair) -> bool:
        return repair.correction_id in self._changed

    def breach(self, invariant: str, what: str) -> None:
        self.breaches.append(f"{invariant}: {what}")

    def _overwritten(self, repair: Repair) -> None:
        if repair.system == "salesforce":
            self.breach("I3", f"{repair.correction_id} wrote over what somebody had changed")
        else:
            self.overrun += 1

    def _require_intent(self, name: str) -> None:
        """The outbox knew of the call before it was made, and somebody had approved it."""
        with self.state.read() as session:
            record = session.get_one(CorrectionRecord, name)
            begun: Any = session.scalar(
                select(Attempt.write_started_at)
                .where(Attempt.correction_id == name)
                .order_by(Attempt.number.desc())
                .limit(1)
            )
        if record.state != CorrectionState.SENDING or begun is None or record.writes < 1:
            self.breach("I2", f"{name} was sent while {record.state}, without a persisted intent")
