"""The networks of four published systems, one file each, and the readers of their released weights."""
