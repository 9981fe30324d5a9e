"""Pictures, films and sheets: reading, writing, arranging."""
