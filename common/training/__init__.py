"""Training: one loop over accelerate, and what a task needs that trains a diffusion model.

A command (`command`) reads a config (`config`), makes a task, and hands both to `loop.train`. A task says what its data
are, its loss, its validation and how it is saved: `loop.Task`, for diffusion models `diffusion.DiffusionTask`, for
editors `edit.EditTask`. A sample's noise, timestep and dropout follow from its number (`sampler`), so that one process,
several, and a training that was killed and resumed go through the same losses.
"""
