"""Where bytes come from: storage, compressed copies, runs and their files, one file → scans."""
