"""Files of head models."""
