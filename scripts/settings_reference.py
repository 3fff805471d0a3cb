"""Write docs/settings.md from `Settings`: run it after changing a setting.

python scripts/settings_reference.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from polyglance.config import Settings

PAGE = Path(__file__).parent.parent / "docs/settings.md"

HEAD = """\
# Settings

Made from `Settings` in `config.py` by `scripts/settings_reference.py`; do not edit.

A setting comes from the first of these that has it: an option of the command (`--library`), an environment variable,
the file `config.toml`, the default. The file is in the user's configuration folder for polyglance:
`~/.config/polyglance/config.toml` on Linux, `~/Library/Application Support/polyglance/config.toml` on macOS,
`%LOCALAPPDATA%\\polyglance\\config.toml` on Windows. The user's data folder for polyglance is
`~/.local/share/polyglance` on Linux and the same folder as above on macOS and Windows. An empty variable counts as not
set. A value out of its limits, or a key in the file that does not exist, is refused.

    # config.toml
    encoder = "lite"
    batch_size = 64
    allow_urls = true

| key | variable | default | unit | values | meaning |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The text of docs/settings.md. Raises KeyError if a setting has no description."""
    prefix = Settings.model_config["env_prefix"]
    properties = Settings.model_json_schema()["properties"]
    return HEAD + "".join(row(key, f"{prefix}{key.upper()}", schema) for key, schema in properties.items())


def row(key: str, variable: str, schema: dict[str, Any]) -> str:
    """One line of the table."""
    cells = (
        f"`{key}`",
        f"`{variable}`",
        schema.get("shown_default") or default_of(schema["default"]),
        schema.get("unit", ""),
        values_of(schema),
        schema["description"],
    )
    return f"| {' | '.join(cells)} |\n"


def default_of(value: object) -> str:
    """A default as it is written in config.toml."""
    if value is None:
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def values_of(schema: dict[str, Any]) -> str:
    """Return the values that a setting may have."""
    if "exclusiveMinimum" in schema:
        return f"more than {schema['exclusiveMinimum']:g}, up to {schema['maximum']:g}"
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}" if "maximum" in schema else f"{schema['minimum']} or more"
    return {"boolean": "`true`, `false`"}.get(schema.get("type", ""), "text")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
