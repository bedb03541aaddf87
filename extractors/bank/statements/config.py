"""What has to be known of the bank: where its files lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BankConfig:
    """`statements` is a folder, read with all folders in it.

    `clock` is a file with the time (ISO, UTC) up to which the folder was filled; without it the
    folder counts as complete up to the moment of reading.
    """

    statements: Path
    clock: Path | None = None
