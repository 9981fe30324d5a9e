"""Warps: a photo moved by the head that was fitted to it, in the time of a slider's move.

The photo's own pixels are carried to where the skin goes and shaded as its new shape and light say; what the photo does
not show is filled from what it does. Nothing is learned, so that a photograph is edited as well as a synthetic face.
"""

VERSION = 8
"""Of the warps: another one, other pictures; data sets made of them carry it."""
