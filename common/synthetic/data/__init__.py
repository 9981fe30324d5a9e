"""Drawn scenes, pairs and data sets."""
