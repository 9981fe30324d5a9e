"""A head in three dimensions, its light, its camera and its picture; import the modules explicitly."""
