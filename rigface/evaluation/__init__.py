"""Evaluation of the editor's edits against true pictures of synthetic people that it was not trained on."""

SEED = 3000
"""Random seed of the people to evaluate on; trainings use other seeds, the embedded model's 1 and 2."""
