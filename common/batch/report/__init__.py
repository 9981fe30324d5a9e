"""A run on one page: what was wished, what came of it, what failed."""
