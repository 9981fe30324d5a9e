"""One evaluation, `run.evaluate`, for all editors; an editor's requests, measures and goals are its `run.Suite`."""
