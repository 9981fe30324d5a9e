"""Videos of single people to a manifest of training pairs: `magicface prepare-videos FOLDER -o pairs.jsonl`.

    choose      the settings; which frames show one face, sharp and in its place, and which of these make pairs
    prepare     one video to a record, all records to the manifest; goes on where it was stopped
    report      what was dropped and why, and a sheet of pairs to look at
    command     the command line

A face is judged by its neighbours in the same video alone: its median box, its median sharpness.
"""
