"""All settings, in one frozen model. Only this module reads environment variables and the TOML file.

Precedence: arguments, then `POLYGLANCE_*` variables, then `config.toml` in the user's config directory.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import UsageError

LANGUAGES = ("en", "zh", "es", "fr", "ru", "ja", "ko", "ar", "it")
"""The nine supported languages, ISO 639-1, in the order of AltCLIP-m9."""

MAX_WORKERS = 64

TILES = re.compile(r"(https://[a-z0-9.-]+(?::\d{1,5})?)/[\w./?=&%{}~@+-]*", re.IGNORECASE)
"""A `map_tiles`; the group is its origin."""
_BRACES = re.compile(r"\{\w*\}")

MILVUS = re.compile(
    r"milvus://(?:[^\s/@]+@)?(?:[\w.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?/[A-Za-z_]\w{0,99}(?:\?[\w=&]+)?",
    re.ASCII | re.IGNORECASE,
)
PGVECTOR = re.compile(r"pgvector(?:\?[\w=&]+)?", re.ASCII | re.IGNORECASE)
"""Each is a `vectors`."""

RAY = re.compile(r"ray://(?:[\w.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?/?(?:\?[\w=&.]+)?", re.ASCII | re.IGNORECASE)
"""A `workers`."""

CONFIG_FILE = Path(platformdirs.user_config_dir("polyglance", appauthor=False)) / "config.toml"


class Settings(BaseSettings):
    """Settings of one process; docs/settings.md is made from the descriptions (scripts/settings_reference.py).

    >>> from polyglance import Library, Settings
    >>> with Library.open("small-thumbnails", settings=Settings(encoder="lite", thumbnail_side=128)) as small:
    ...     report = small.index(["Pictures"])
    ...     small.search("cat")[0].thumbnail().size
    (128, 85)

    `json_schema_extra` has the unit, and the text for a default that depends on the machine.
    """

    model_config = SettingsConfigDict(
        env_prefix="POLYGLANCE_", env_ignore_empty=True, toml_file=CONFIG_FILE, frozen=True, extra="forbid"
    )

    library: Annotated[
        Path,
        Field(
            description="The folder that holds the library: catalog, snapshots, thumbnails. `--library` goes first.",
            json_schema_extra={"shown_default": "`library` in the user's data folder for polyglance"},
        ),
    ] = Path(platformdirs.user_data_dir("polyglance", appauthor=False)) / "library"
    catalog: Annotated[
        SecretStr | None,
        Field(
            description="The PostgreSQL database that holds the library's catalog (extra `cluster`), for example "
            "`postgresql+psycopg://user@host/db`: one database, or one schema with `?options=-csearch_path%3DNAME`"
            ", for each library. Without it the catalog is a SQLite file in the library's folder, where thumbnails "
            "and snapshots are in both cases. Keep a password in `~/.pgpass`.",
            json_schema_extra={"shown_default": "`catalog.db` in the library's folder"},
        ),
    ] = None
    calibrations: Annotated[
        Path,
        Field(
            description="The folder of what `polyglance calibrate` has fitted, one file for each encoder; all "
            "libraries share it.",
            json_schema_extra={"shown_default": "`calibrations` in the user's data folder for polyglance"},
        ),
    ] = Path(platformdirs.user_data_dir("polyglance", appauthor=False)) / "calibrations"
    vectors: Annotated[
        SecretStr | None,
        Field(
            description="Where nearest vectors are searched: `milvus://host:19530/collection` (extra `cluster`; "
            "`user:password@` before the host, `?index=HNSW`, `IVF_SQ8`, `DISKANN` or `FLAT` and `&tls=true` after "
            "the collection), or `pgvector` (`?index=HNSW` or `FLAT`), by pgvector 0.8 in the database of the "
            "setting `catalog`. Without it FAISS searches them, in the library's folder. The catalog keeps them "
            "in any case."
        ),
    ] = None
    workers: Annotated[
        str | None,
        Field(
            description="The Ray cluster (extra `cluster`) whose workers read, decode and encode the photos of "
            "`index` and `reencode`: `ray://host:10001`, or `ray://local` for one on this machine. "
            "`?workers=4&cpus=2&gpus=1` behind says how many there are, and what each gets; by default one for each "
            "GPU, or for each four processors. Without it this process does so. `--workers` goes first.",
        ),
    ] = None
    encoder: Annotated[
        str,
        Field(
            description="The encoder of a new library: `auto`, `lite`, `altclip-m9`, `altclip`, `altclip-m18`, a hub "
            "id, or a directory. `auto` is `altclip-m9` if it is on this machine or can be fetched, else `lite`."
        ),
    ] = "auto"
    device: Annotated[
        str,
        Field(
            pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$",
            description="Where transformers encoders run: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.",
        ),
    ] = "auto"
    precision: Annotated[
        str,
        Field(
            pattern="^(auto|float32|bfloat16|float16|int8)$",
            description="The number format that transformers encoders compute with: `auto`, `float32`, `bfloat16`, "
            "`float16`, `int8`. `--precision` goes first.",
        ),
    ] = "auto"
    runtime: Annotated[
        str,
        Field(
            pattern="^(auto|torch|openvino)$",
            description="What computes encoders on the CPU: `auto`, `torch`, `openvino` (extra `fast`). `auto` is the "
            "fastest of those that were prepared and measured on this machine, for lite OpenVINO where there is one. "
            "`--runtime` goes first.",
        ),
    ] = "auto"
    batch_size: Annotated[
        int,
        Field(
            ge=1, le=1024, description="Most pictures that are encoded at once.", json_schema_extra={"unit": "pictures"}
        ),
    ] = 32
    decode_workers: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_WORKERS,
            description="Most pictures that are read and decoded at once, each in a process of its own.",
            json_schema_extra={"unit": "processes", "shown_default": f"number of processors, at most {MAX_WORKERS}"},
        ),
    ] = min(MAX_WORKERS, os.cpu_count() or 1)
    max_pixels: Annotated[
        int,
        Field(
            ge=1,
            description="A picture with more pixels is not decoded; it is listed as failed.",
            json_schema_extra={"unit": "pixels"},
        ),
    ] = 300_000_000
    max_file_bytes: Annotated[
        int,
        Field(
            ge=1, description="A larger file is not read; it is listed as failed.", json_schema_extra={"unit": "bytes"}
        ),
    ] = 1 << 30
    max_decode_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=86_400,
            description="A picture that takes longer to decode, by the clock, is listed as failed.",
            json_schema_extra={"unit": "seconds"},
        ),
    ] = 60.0
    thumbnail_side: Annotated[
        int,
        Field(
            ge=32,
            le=2048,
            description="The longer side of a thumbnail. Existing thumbnails are not made again.",
            json_schema_extra={"unit": "pixels"},
        ),
    ] = 384
    allow_urls: Annotated[
        bool, Field(description="Whether a picture to search by may be fetched from the network by its address.")
    ] = False
    max_query_chars: Annotated[
        int, Field(ge=1, description="A longer query is refused.", json_schema_extra={"unit": "characters"})
    ] = 1000
    host: Annotated[
        str,
        Field(
            description="The address that `serve` listens on. `--host` goes first; an address that others can reach "
            "needs `auth`."
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Field(ge=0, le=65535, description="The port that `serve` listens on; 0 is any free one. `--port` goes first."),
    ] = 7860
    map_tiles: Annotated[
        str | None,
        Field(
            description="Address of a tile server that draws the map, with `{z}`, `{x}` and `{y}`, for example "
            "`https://tiles.example.org/{z}/{x}/{y}.png`. Browsers then tell that server which part of the map is "
            "looked at. Without it the map is drawn from files of polyglance, and nobody is asked."
        ),
    ] = None
    auth: Annotated[
        SecretStr | None,
        Field(
            description="What every request to the server must carry: `user:password`, or a token without a colon. "
            "`--auth` goes first."
        ),
    ] = None
    proxy: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Addresses or networks of proxies whose X-Forwarded-For is believed; in the environment "
            "separated by commas. `--proxy` goes first."
        ),
    ] = ()

    @field_validator("proxy", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("vectors")
    @classmethod
    def _check_vectors(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None or MILVUS.fullmatch(value.get_secret_value()):
            return value
        if not PGVECTOR.fullmatch(value.get_secret_value()):
            message = "it must be milvus://host:19530/collection, the collection of letters, digits and _, or pgvector"
            raise ValueError(message)
        if not info.data.get("catalog"):
            raise ValueError("pgvector searches where the catalog is, so that has to be in PostgreSQL")
        return value

    @field_validator("workers")
    @classmethod
    def _check_workers(cls, value: str | None) -> str | None:
        if value is not None and not RAY.fullmatch(value):
            raise ValueError("it must be ray://host:10001 or ray://local")
        return value

    @field_validator("catalog")
    @classmethod
    def _check_catalog(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if not value.get_secret_value().startswith("postgresql+psycopg://"):
            raise ValueError("it must begin with postgresql+psycopg://")
        return value

    @property
    def catalog_url(self) -> str:
        """The address of the catalog's database; empty for a file in the library's folder."""
        return self.catalog.get_secret_value() if self.catalog else ""

    def without_passwords(self) -> Settings:
        """The same without the server's password, that of the catalog's database, and the engine of vectors."""
        url = re.sub(r"^([^:]+://[^:@/]*):[^@/]*@", r"\1@", self.catalog_url)
        return self.model_copy(update={"auth": None, "vectors": None, "catalog": SecretStr(url) if url else None})

    @field_validator("map_tiles")
    @classmethod
    def _check_tiles(cls, value: str | None) -> str | None:
        if value is not None and not (TILES.fullmatch(value) and {"{z}", "{x}", "{y}"} <= set(_BRACES.findall(value))):
            raise ValueError("it must begin with https:// and a host, and contain {z}, {x} and {y}")
        return value

    @field_validator("library", "calibrations")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        return Path(os.path.abspath(value.expanduser()))  # not resolve(), which follows links

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


def load(**chosen: str) -> Settings:
    """Read the settings; what a command's options have `chosen` goes first.

    Raises UsageError that names the variable or key and what is wrong with it.
    """
    try:
        return Settings(**chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"The setting {name} cannot be used: {first['msg']}.", f"Check POLYGLANCE_{name.upper()} and {CONFIG_FILE}."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{CONFIG_FILE} is no valid TOML: {error}.", "Mend or remove it.") from error
