"""Lazy tables of logs and of exported datasets, views over them, SQL."""
