"""From a photo and a request to an edited photo, for every editor."""
