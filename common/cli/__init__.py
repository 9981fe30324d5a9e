"""Help: what this machine has and lacks (`doctor`), and under which terms weights come (`licenses`)."""
