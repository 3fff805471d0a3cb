"""From a file's bytes to an upright RGB picture, its facts and its thumbnail."""
