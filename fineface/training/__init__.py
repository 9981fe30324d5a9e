"""FineFace's task for `common.training`: what is trained, on what, and how the result is written.

config       FineFaceConfig: what a training is told
begin        the networks before the first step: a base with a new adapter, or all of them from nothing
module       TextToFace: the one module that accelerate wraps
sources      the data that a config names
encoder      pictures and captions -> latents, and embeddings or tokens
loss         intensities as the network gets to see them, dropout for guidance, the equation
publish      the layout that `FineFace.from_pretrained` loads
validation   held-out samples: their loss, with and without action units, and a sheet of pictures
"""
