"""What synthetic people wear."""
