"""One evaluation for all editors: items with known truth, edits, measures, and a report.

`run.evaluate(editor, folder)` works for every editor whose request can be the change of 12 action units. An editor with
other requests, measures or goals has a `run.Suite` of its own, see `rigface.evaluation.metrics`.
"""
