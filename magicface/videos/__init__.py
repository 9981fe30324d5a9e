"""Videos of single people to a manifest of training pairs: `magicface prepare-videos FOLDER -o pairs.jsonl`.

A face is judged by its neighbours in the same video alone: its median box, its median sharpness.
"""
