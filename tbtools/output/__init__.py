"""Tables → files: a writer for each format, and targets that appear all at once."""
