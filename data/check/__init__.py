"""`polyglance check`: what is promised of a library's files, proved or mended."""
