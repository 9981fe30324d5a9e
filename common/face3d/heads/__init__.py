"""Head models."""
