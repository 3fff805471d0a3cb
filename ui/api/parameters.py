"""Parameters of requests, with the same names and limits in addresses, forms and JSON bodies."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ...config import LANGUAGES
from ..web.limits import MAX_CHOSEN, MAX_COUNT, MAX_ID, MAX_TEXT, MAX_VALUES


def _is_text(value: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("it is no valid text")
    return value


def _split(value: object) -> object:
    """A form has the ids as one text, with commas between them."""
    return value.split(",") if isinstance(value, str) else value


def _without_repeats(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))


Text: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_is_text)]
Values: TypeAlias = Annotated[list[Text], Field(max_length=MAX_VALUES)]

Count: TypeAlias = Annotated[int, Query(ge=1, le=MAX_COUNT, description="Most results to return.")]
PhotoId: TypeAlias = Annotated[int, Path(ge=1, le=MAX_ID, description="Id of a photo, as results have it.")]
Position: TypeAlias = Annotated[
    int, Query(alias="cursor", ge=0, le=MAX_ID, description="`next` of the page before; 0 for the first page.")
]


class FilterParameters(BaseModel):
    """Which photos are meant. Filters are those of docs/searching.md; each may be given several times."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[
        Values, Field(description="Taken then or later, as 2024, 2024-05 or 2024-05-31.", examples=[["2024-05"]])
    ] = []
    before: Annotated[Values, Field(description="Taken before then.", examples=[["2024-05-31"]])] = []
    date: Annotated[
        Values, Field(description="Taken then, as 2024 or 2023-12..2024-02.", examples=[["2023-12..2024-02"]])
    ] = []
    root: Annotated[
        Values, Field(description="In that folder of the library: its path, or the end of it.", examples=[["Pictures"]])
    ] = []
    in_: Annotated[
        Values, Field(alias="in", description="In that folder or below it: its path.", examples=[["Pictures/2024"]])
    ] = []
    folder: Annotated[
        Values, Field(description="With these words in the name of a folder they are in.", examples=[["New York"]])
    ] = []
    camera: Annotated[Values, Field(description="By a camera with that in its name.", examples=[["X100V"]])] = []
    lens: Annotated[Values, Field(description="By a lens with that in its name.", examples=[["35mm"]])] = []
    type: Annotated[Values, Field(description="Of that kind: jpg, png, heic, …", examples=[["jpg", "heic"]])] = []
    is_: Annotated[Values, Field(alias="is", description="`favourite` or `undated`.", examples=[["favourite"]])] = []
    has: Annotated[Values, Field(description="`place`.", examples=[["place"]])] = []
    orientation: Annotated[
        Values, Field(description="`landscape`, `portrait` or `square`.", examples=[["portrait"]])
    ] = []
    aspect: Annotated[Values, Field(description="Width to height, as 16:9 or >1.5.", examples=[["16:9"]])] = []
    size: Annotated[Values, Field(description="As >4mp, 2..8mp or <500kb.", examples=[[">4mp"]])] = []
    near: Annotated[Values, Field(description="Latitude, longitude and kilometres.", examples=[["48.85,2.35,5"]])] = []
    thing: Annotated[
        Values, Field(description="Showing that thing: a key of `/explore`, or its name.", examples=[["dog"]])
    ] = []
    place: Annotated[
        Values,
        Field(description="Taken in that city or country: a key of `/explore` or a name.", examples=[["Kyoto"]]),
    ] = []
    within: Annotated[
        Values,
        Field(
            description="South, west, north and east in degrees; of several areas, in all of them. A west above the"
            " east crosses the date line.",
            examples=[["48.8,2.2,48.9,2.5"]],
        ),
    ] = []

    @property
    def filters(self) -> dict[str, list[str]]:
        """The filters that are given, by name."""
        values_by_name = self.model_dump(by_alias=True, include=set(FilterParameters.model_fields))
        return {name: values for name, values in values_by_name.items() if values}


Language: TypeAlias = Annotated[
    Text, Query(description=f"Language of names: {', '.join(LANGUAGES)}. Any other is answered in English.")
]


class SearchParameters(FilterParameters):
    """What a search asks for. Filters are those of docs/searching.md; each may be given several times."""

    q: Annotated[
        Text,
        Field(
            description="Words, sums and filters, in any of the nine languages.",
            examples=["snowy mountains", "雪山 + sunset - people"],
        ),
    ] = ""
    k: Annotated[int, Field(ge=1, le=MAX_COUNT, description="Most results to return.")] = 20
    cursor: Annotated[Text | None, Field(description="`next` of the page before.")] = None
    sort: Annotated[Literal["relevance", "date"], Field(description="`date`: what is relevant, newest first.")] = (
        "relevance"
    )
    all: Annotated[bool, Field(description="Show near-duplicates one by one.")] = False
    relevant: Annotated[bool, Field(description="Leave out what is not relevant.")] = False


class MonthParameters(FilterParameters):
    """Which photos of a month are returned."""

    offset: Annotated[int, Field(ge=0, le=MAX_ID, description="How many photos to skip.")] = 0
    count: Annotated[int, Field(ge=1, le=MAX_COUNT, description="Most photos to return.")] = MAX_COUNT


class TimelineParameters(FilterParameters):
    """Which months are returned, and how many photos with them."""

    first: Annotated[
        int, Field(ge=0, le=MAX_COUNT, description="How many of the newest photos to return with the months.")
    ] = 0


class MapParameters(FilterParameters):
    """Which photos are shown on a map."""

    zoom: Annotated[float, Field(ge=0, le=24, description="0: the world is 256 pixels wide; 1: twice as wide.")] = 1


class ChosenPhotos(BaseModel):
    """Photos that something is done with."""

    model_config = ConfigDict(extra="forbid")
    ids: Annotated[
        list[Annotated[int, Field(ge=1, le=MAX_ID)]],
        BeforeValidator(_split),
        AfterValidator(_without_repeats),
        Field(min_length=1, max_length=MAX_CHOSEN, description="Ids of photos.", examples=[[12, 57]]),
    ]


class ChosenMarks(ChosenPhotos):
    """Photos that are to be favourites, or not."""

    favourite: Annotated[bool, Field(description="Whether they are favourites from now on.", examples=[True])]


class PictureSearchForm(SearchParameters):
    """The same as fields of a form, with the picture."""

    weight: Annotated[
        float, Field(ge=-999, le=999, allow_inf_nan=False, description="How much the picture counts beside `q`.")
    ] = 1.0
