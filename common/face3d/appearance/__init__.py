"""What the skin and the eyes of the default head look like, by place on the mean head: colours, relief, folds."""
