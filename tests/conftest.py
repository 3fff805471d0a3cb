"""Fixtures that tests of several rooms share: tiny checkpoints and a model hub on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

# With --import-mode=importlib no folder of tests is on the path, and plugins are found by name.
sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["checkpoints", "hub_server"]
