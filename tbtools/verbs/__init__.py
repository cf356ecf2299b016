"""What people do with logs: a module or folder per verb, which knows tables and no events."""
