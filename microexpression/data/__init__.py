"""Data sets of micro-expressions, from the folders and tables of their owners.

sample      Sample: a clip's row; all faults of a data set in one error
layouts     where seven data sets keep what, and their rows that are known to be wrong
load        load("casme2", root), the frames of a clip, spreadsheets as rows, and cross_dataset_seq.csv: six sets in one
"""
