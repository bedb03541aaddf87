"""One night as an auditor gets it: an archive that is read, and checked, without Tieout."""
