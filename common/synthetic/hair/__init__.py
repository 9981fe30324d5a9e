"""Hair of synthetic people."""
