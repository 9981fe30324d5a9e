"""Whether the pictures of a model have the action units, and what the caption says."""

SEED = 1000
"""Of the people in the captions: trainings draw theirs from other seeds, the embedded model's from 1 and 2."""
