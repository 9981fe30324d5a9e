"""Batches: many edits of many photos, as runs that resume after any stop, with scores and a report."""
