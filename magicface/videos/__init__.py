"""Videos of single people to a manifest of training pairs: `magicface prepare-videos FOLDER -o pairs.jsonl`.

    settings    what a preparation is told
    frames      the videos of a folder, and their frames
    screen      which frames show one face, sharp and in its place, and the one crop of all of them
    choose      which frames make pairs: enough change of expression, little turning, every action unit alike
    prepare     one video to a record, all records to the manifest; goes on where it was stopped
    report      what was dropped and why, and a sheet of pairs to look at
    command     the command line

A face is judged by its neighbours in the same video alone: its median box, its median sharpness.
"""
