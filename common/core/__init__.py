"""What everything stands on: errors, files, tables, numbers, processes. Imports nothing of the other rooms."""
