"""The commercial thread behind a record: found in the warehouse; as a tree, a page, JSON."""
