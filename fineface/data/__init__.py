"""Faces to learn from: a picture, a sentence, and twelve intensities.

Every data set gives samples {"image": (3, S, S) float32 in [0, 1], "caption": text, "units": (12,) float32 in 0..5, in
the order of ACTION_UNITS}, and has a `fingerprint` that tells it from others.

    folder       ImageFolder: a Hugging Face image folder with captions and AU columns
    disfa        Disfa: the published videos and label files of DISFA
    affectnet    AffectNet: the published pictures and lists of AffectNet, and a file of AU predictions
    synthetic    SyntheticSamples: people who do not exist, with their captions
"""
