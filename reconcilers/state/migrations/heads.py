"""The newest revision of each branch of migrations; a test holds them against the files.

A store that stands on these is up to date, which is told without Alembic: it takes as long to
import as all else that a short command needs.
"""

HEADS = frozenset({"0002", "c002", "e003", "k001", "r001"})
