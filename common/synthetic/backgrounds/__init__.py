"""What stands behind synthetic people."""
