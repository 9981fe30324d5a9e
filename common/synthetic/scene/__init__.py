"""What a synthetic picture shows, as numbers."""
