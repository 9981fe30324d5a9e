"""The denoiser: attention hooks, identity as a value, conditioning, pipeline, loading."""
