"""What the targets have in common that stand behind one door."""

from dataclasses import dataclass
from datetime import datetime

from extractors.http import HttpDoor


@dataclass(frozen=True)
class DoorTarget:
    """The part of a `Target` that its door knows by itself."""

    door: HttpDoor

    @property
    def newest_at(self) -> datetime | None:
        return self.door.newest_at

    async def log_in(self) -> None:
        await self.door.log_in()
