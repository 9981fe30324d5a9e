"""Flags and commands that all editors share."""
