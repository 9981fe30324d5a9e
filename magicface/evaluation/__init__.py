"""What the editor's edits are worth, measured against true pictures of people that it has never seen."""

SEED = 1000
"""Of the people to evaluate on: trainings draw theirs from other seeds, the embedded model's from 1 and 2."""
