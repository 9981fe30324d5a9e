"""Long-term surveillance: what a year of tracks says about a place."""
