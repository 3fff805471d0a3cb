"""Make photos to try polyglance with: each with a date, a place and a camera, in a folder for each journey.

python scripts/trial_photos.py FOLDER [--photos 600] [--from FOLDER_OF_PICTURES]

The pictures are those of the demo, or of the folder that --from names, cut and coloured differently each time, so that
none are near-duplicates. The same arguments make the same files.
"""

from __future__ import annotations

import argparse
import datetime
import random
import tempfile
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps
from polyglance.data.sample import copy_sample

CITIES = {
    "Paris": (48.8566, 2.3522),
    "Roma": (41.9028, 12.4964),
    "Madrid": (40.4168, -3.7038),
    "Berlin": (52.5200, 13.4050),
    "London": (51.5074, -0.1278),
    "Reykjavík": (64.1466, -21.9426),
    "Москва": (55.7558, 37.6173),
    "القاهرة": (30.0444, 31.2357),
    "الرباط": (34.0209, -6.8416),
    "Nairobi": (-1.2921, 36.8219),
    "Cape Town": (-33.9249, 18.4241),
    "Mumbai": (19.0760, 72.8777),
    "北京": (39.9042, 116.4074),
    "京都": (35.0116, 135.7681),
    "東京": (35.6762, 139.6503),
    "서울": (37.5665, 126.9780),
    "Sydney": (-33.8688, 151.2093),
    "Suva": (-18.1248, 178.4501),
    "Apia": (-13.8333, -171.7667),
    "San Francisco": (37.7749, -122.4194),
    "New York": (40.7128, -74.0060),
    "Ciudad de México": (19.4326, -99.1332),
    "Lima": (-12.0464, -77.0428),
    "Buenos Aires": (-34.6037, -58.3816),
}
"""City -> latitude and longitude; two of them on either side of the date line."""

CAMERAS = (
    ("Canon", "Canon EOS R6", "RF24-105mm F4 L IS USM"),
    ("FUJIFILM", "X100V", "23mm F2"),
    ("Apple", "iPhone 15", "iPhone 15 back camera 6.765mm f/1.6"),
)
YEARS = range(2018, 2026)
SUFFIXES = {".jpg", ".jpeg", ".png"}


def make_photos(folder: Path, count: int, pictures: list[Path], seed: int = 1) -> None:
    """Write `count` JPEG files below `folder`: one journey to each city and year, ten photos or so in each."""
    chance = random.Random(seed)
    journeys = [(city, chance.choice(YEARS), chance.randrange(1, 330)) for city in CITIES for _ in range(3)]
    for number in range(count):
        city, year, first_day = chance.choice(journeys)
        day = datetime.datetime(year, 1, 1) + datetime.timedelta(days=first_day + chance.randrange(9))
        taken_at = day.replace(hour=chance.randrange(7, 22), minute=chance.randrange(60), second=number % 60)
        place = folder / str(year) / city
        place.mkdir(parents=True, exist_ok=True)
        with Image.open(chance.choice(pictures)) as original:
            picture = vary(original.convert("RGB"), chance)
        picture.save(place / f"IMG_{number:04}.jpg", quality=80, exif=exif_of(taken_at, near(city, chance), chance))


def near(city: str, chance: random.Random) -> tuple[float, float] | None:
    """A place within some kilometres of a city; none for one photo of twenty."""
    latitude, longitude = CITIES[city]
    spread = chance.choice((0.002, 0.02, 0.08))
    if chance.random() < 0.05:
        return None
    return latitude + chance.gauss(0, spread), longitude + chance.gauss(0, spread)


def vary(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A part of a picture, sometimes mirrored, in other colours."""
    width, height = picture.size
    share = chance.uniform(0.75, 1)
    left, top = (round(chance.random() * (1 - share) * side) for side in (width, height))
    part = picture.crop((left, top, left + round(width * share), top + round(height * share)))
    part.thumbnail((640, 640))
    if chance.random() < 0.5:
        part = ImageOps.mirror(part)
    part = ImageEnhance.Color(part).enhance(chance.uniform(0.6, 1.4))
    return ImageEnhance.Brightness(part).enhance(chance.uniform(0.8, 1.2))


def exif_of(taken_at: datetime.datetime, place: tuple[float, float] | None, chance: random.Random) -> Image.Exif:
    """What a camera writes into a photo."""
    exif = Image.Exif()
    make, model, lens = chance.choice(CAMERAS)
    exif[0x010F], exif[0x0110] = make, model
    facts: dict[int, str | int | float] = {
        0x9003: f"{taken_at:%Y:%m:%d %H:%M:%S}",
        0xA434: lens,
        0x8827: chance.choice((100, 400, 1600)),
    }
    facts |= {0x829D: chance.choice((1.8, 4.0, 8.0)), 0x829A: 1 / chance.choice((30, 125, 500)), 0x920A: 35.0}
    exif.get_ifd(0x8769).update(facts)
    if place:
        (south, latitude), (west, longitude) = ((value < 0, sexagesimal(abs(value))) for value in place)
        exif.get_ifd(0x8825).update({1: "S" if south else "N", 2: latitude, 3: "W" if west else "E", 4: longitude})
    return exif


def sexagesimal(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds."""
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 3)


def main() -> None:
    """Read the arguments and make the photos."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--from", dest="source", type=Path, help="a folder of pictures to make them of")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        source = given.source or Path(temporary)
        if given.source is None:
            copy_sample(source)
        pictures = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
        make_photos(given.folder, given.photos, pictures)


if __name__ == "__main__":
    main()
