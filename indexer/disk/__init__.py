"""What lies on the disk: which files, what changed, which disks are there."""
