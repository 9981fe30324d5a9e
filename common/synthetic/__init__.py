"""Faces that no camera ever saw, whose every number is known; import the modules explicitly."""
