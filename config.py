"""All settings, in one frozen model: the only reader of environment variables and of the TOML file.

Precedence: arguments, then `POLYGLANCE_*` variables, then `config.toml` in the user's config directory.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

LANGUAGES = ("en", "zh", "es", "fr", "ru", "ja", "ko", "ar", "it")
"""The nine first-class languages, ISO 639-1, in the order AltCLIP-m9 names them."""

CONFIG_FILE = Path(platformdirs.user_config_dir("polyglance", appauthor=False)) / "config.toml"


class Settings(BaseSettings):
    """Settings of one process. Sizes are pixels or bytes as their names say."""

    model_config = SettingsConfigDict(
        env_prefix="POLYGLANCE_", toml_file=CONFIG_FILE, frozen=True, extra="forbid"
    )

    library: Path = Path(platformdirs.user_data_dir("polyglance", appauthor=False)) / "library"
    encoder: str = "auto"
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")
    precision: str = Field("auto", pattern="^(auto|float32|bfloat16|float16)$")
    batch_size: int = Field(32, ge=1, le=1024)
    decode_workers: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, le=64)
    max_pixels: int = Field(300_000_000, ge=1)
    max_file_bytes: int = Field(1 << 30, ge=1)
    thumbnail_side: int = Field(384, ge=32, le=2048)
    max_query_chars: int = Field(1000, ge=1)
    host: str = "127.0.0.1"
    port: int = Field(7860, ge=0, le=65535)

    @field_validator("library")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return Path(os.path.abspath(value.expanduser()))  # noqa: PTH100 - resolve() would follow links

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before the TOML file; no dotenv, no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
