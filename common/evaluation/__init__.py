"""What the evaluations of all editors share: items that are kept, and how far what is measured follows the wish."""
