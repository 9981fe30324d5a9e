"""Heads fitted to photos."""
