"""Following the folders while they change: events are hints, scans are the truth."""
