"""Heads as pictures."""
