"""Many edits of many photos: what is to be done, done so that nothing is lost, and what came of it."""
