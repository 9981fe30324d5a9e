"""Data sets of micro-expressions, from the folders and tables of their owners."""
