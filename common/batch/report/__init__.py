"""A run on one page: what was requested, what came of it, what failed."""
