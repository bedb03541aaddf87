"""The groups of the `tieout` command, one module each."""
