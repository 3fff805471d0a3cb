"""Options that several commands share, each accepted before and after the command's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import completion

if TYPE_CHECKING:
    from ..config import Settings
    from ..library import Library


def _show_version(is_set: bool) -> None:
    if is_set:
        from .. import __version__

        typer.echo(f"polyglance {__version__}")
        raise typer.Exit


LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        readable=False,
        help="The library to use. [env: POLYGLANCE_LIBRARY]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
VersionOption = Annotated[
    bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
]
EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="NAME",
        help="auto, lite, altclip-m9, a hub id, or a directory.",
        autocompletion=completion.encoders,
    ),
]

_CHOSEN = "polyglance.settings"
"""Where the root context keeps the settings that a command's options name."""


def _choose(context: typer.Context, parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Keep the value of an option that is a setting of the same name, for `open_library`."""
    if value is not None:
        context.find_root().meta.setdefault(_CHOSEN, {})[str(parameter.name)] = value
    return value


RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        metavar="NAME",
        help="What computes AltCLIP and its kind on the CPU: auto, torch, openvino.",
        callback=_choose,
        rich_help_panel="Speed",
    ),
]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="NAME",
        help="How exactly they compute: auto, float32, bfloat16, float16, int8.",
        callback=_choose,
        rich_help_panel="Speed",
    ),
]
WorkersOption = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="URL",
        help="The Ray cluster that encodes: ray://host:10001, or ray://local. [env: POLYGLANCE_WORKERS]",
        callback=_choose,
        rich_help_panel="Speed",
    ),
]


def _filter(name: str, value: str, text: str, complete: Callable[..., Any] | None = None) -> Any:
    """Return an option for the filter of the same name in a query; it may be given several times."""
    return typer.Option(
        f"--{name}", metavar=value, help=text, autocompletion=complete, rich_help_panel="Filters", show_default=False
    )


AfterOption = Annotated[list[str] | None, _filter("after", "DATE", "Taken in 2024, 2024-05 or 2024-05-31, or later.")]
BeforeOption = Annotated[list[str] | None, _filter("before", "DATE", "Taken before that year, month or day.")]
DateOption = Annotated[list[str] | None, _filter("date", "DATE[..DATE]", "Taken in that year, month, day or span.")]
RootOption = Annotated[list[str] | None, _filter("root", "FOLDER", "In that folder of the library.", completion.roots)]
InOption = Annotated[list[str] | None, _filter("in", "PATH", "In that folder or below it: Pictures/2024")]
FolderOption = Annotated[list[str] | None, _filter("folder", "WORDS", "With these words in a folder's name.")]
CameraOption = Annotated[
    list[str] | None, _filter("camera", "NAME", "By a camera with that in its name.", completion.cameras)
]
LensOption = Annotated[list[str] | None, _filter("lens", "NAME", "By a lens with that in its name.")]
TypeOption = Annotated[list[str] | None, _filter("type", "KIND", "jpg, heic, png, raw, …")]
IsOption = Annotated[list[str] | None, _filter("is", "WHAT", "favourite, or undated: without a date.")]
HasOption = Annotated[list[str] | None, _filter("has", "WHAT", "place: it says where it was taken.")]
OrientationOption = Annotated[list[str] | None, _filter("orientation", "WHICH", "landscape, portrait or square.")]
AspectOption = Annotated[list[str] | None, _filter("aspect", "RATIO", "Width to height: 16:9, >1.5")]
SizeOption = Annotated[list[str] | None, _filter("size", "SIZE", "Megapixels or bytes: >4mp, 2..8mp, <500kb")]
ThingOption = Annotated[list[str] | None, _filter("thing", "THING", "Showing that thing: 'polyglance explore'.")]
PlaceOption = Annotated[list[str] | None, _filter("place", "NAME", "Taken in that city or country, in any language.")]
NearOption = Annotated[list[str] | None, _filter("near", "LAT,LON[,KM]", "Taken within so many kilometres.")]
WithinOption = Annotated[list[str] | None, _filter("within", "S,W,N,E", "Taken between these degrees.")]

CountOption = Annotated[int, typer.Option("-k", "--count", metavar="N", help="How many photos to show.")]


@dataclass(frozen=True, slots=True)
class Common:
    """The options given before the command's name."""

    library: Path | None
    as_json: bool


def wants_json(context: typer.Context, as_json: bool) -> bool:
    """Whether `--json` stands before or after the command."""
    return as_json or context.find_object(Common).as_json  # type: ignore[union-attr]


def library_folder(context: typer.Context, library: Path | None) -> Path:
    """The folder of the library that `open_library` opens."""
    from ..config import load

    return library or context.find_object(Common).library or load().library  # type: ignore[union-attr]


def has_library(context: typer.Context, library: Path | None) -> bool:
    """Whether there is a library, of any version, where `open_library` opens one."""
    from ..library.parts import CATALOG

    return bool(chosen_settings(context).catalog_url) or (library_folder(context, library) / CATALOG).is_file()


def open_library(context: typer.Context, library: Path | None, *, create: bool = False) -> Library:
    """Open the library named by `--library`, the environment, the settings file, or the default."""
    from ..library import Library

    folder = library or context.find_object(Common).library  # type: ignore[union-attr]
    return Library.open(folder, settings=chosen_settings(context), create=create)


def chosen_settings(context: typer.Context) -> Settings:
    """The settings, with those that the command's options name. Raises UsageError."""
    from ..config import load

    return load(**context.find_root().meta.get(_CHOSEN, {}))
