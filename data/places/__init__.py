"""Places on the Earth, offline: names in nine languages, and the place that coordinates are at (ADR 0031)."""
