"""All settings, in one frozen model: the only reader of environment variables and of the TOML file.

Precedence: arguments, then `POLYGLANCE_*` variables, then `config.toml` in the user's config directory.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import UsageError

LANGUAGES = ("en", "zh", "es", "fr", "ru", "ja", "ko", "ar", "it")
"""The nine first-class languages, ISO 639-1, in the order AltCLIP-m9 names them."""

CONFIG_FILE = Path(platformdirs.user_config_dir("polyglance", appauthor=False)) / "config.toml"


class Settings(BaseSettings):
    """Settings of one process. Sizes are pixels or bytes as their names say."""

    model_config = SettingsConfigDict(
        env_prefix="POLYGLANCE_", env_ignore_empty=True, toml_file=CONFIG_FILE, frozen=True, extra="forbid"
    )

    library: Path = Path(platformdirs.user_data_dir("polyglance", appauthor=False)) / "library"
    encoder: str = "auto"
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")] = "auto"
    precision: Annotated[str, Field(pattern="^(auto|float32|bfloat16|float16)$")] = "auto"
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 32
    decode_workers: Annotated[int, Field(ge=1, le=64)] = max(1, os.cpu_count() or 1)
    max_pixels: Annotated[int, Field(ge=1)] = 300_000_000
    max_file_bytes: Annotated[int, Field(ge=1)] = 1 << 30
    max_decode_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """How long one picture may be decoded, by the clock."""
    thumbnail_side: Annotated[int, Field(ge=32, le=2048)] = 384
    allow_urls: bool = False
    """Whether a picture to search by may be fetched from the network."""
    max_query_chars: Annotated[int, Field(ge=1)] = 1000
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 7860
    auth: SecretStr | None = None
    """`user:password` or a token that the server asks for."""
    proxy: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks of proxies that may say whom a request comes from; in the environment with commas."""

    @field_validator("proxy", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("library")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return Path(os.path.abspath(value.expanduser()))  # not resolve(): that would follow links

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


def load() -> Settings:
    """Read the settings. Raises UsageError that names the variable or key and what is wrong with it."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"The setting {name} cannot be used: {first['msg']}.", f"Check POLYGLANCE_{name.upper()} and {CONFIG_FILE}."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{CONFIG_FILE} is no valid TOML: {error}.", "Mend or remove it.") from error
