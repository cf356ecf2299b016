"""One run: what it holds, what its restarts overwrote, its rows."""
