"""Data sets of micro-expressions, from the folders and tables of their owners.

sample      Sample: a clip's row; all faults of a data set in one error
sheets      spreadsheets as rows
layouts     where seven data sets keep what, and their rows that are known to be wrong
load        load("casme2", root), and the frames of a clip
crossed     cross_dataset_seq.csv: six data sets in one table
"""
