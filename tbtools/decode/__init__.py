"""What kinds share: which kind a value belongs to, and how payloads become columns."""
