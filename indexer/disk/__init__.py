"""What is on the disk: which files, what has changed, which disks are present."""
