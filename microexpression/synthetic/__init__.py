"""Micro-expressions of people who do not exist, with every number known.

draw      a clip by chance: who, what, how strong, when, and how the head sways
write     data sets of them, in the form that `microexpression.data` reads
"""
