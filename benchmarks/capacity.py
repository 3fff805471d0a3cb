"""What a library of many photos needs, on paper: machines, memory, disk and money for each stage.

    python -m benchmarks.capacity [--json] [--photos N] [--dimension D] [--queries Q] [--days D]

Nothing is measured here. Each constant is a field with its source; figures of our own are read from the results that
other benchmarks committed, and are those of a machine with two cores. What is rented is priced by the month, and
encoding once. Everything is linear in photos but the clusters of the embedded index (square root).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from .report import RESULTS, parser, publish

GB, TB = 1e9, 1e12
DAY = 86_400.0
SIZES = (10**7, 10**8, 10**10)


def _result(name: str, *keys: str) -> float:
    value = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    for key in keys:
        value = value[key]
    return float(value)


@dataclass(frozen=True)
class Constants:
    """What the model multiplies; the comment of a field is its source. Money is in US dollars."""

    # benchmarks/NOTES.md, "The limit of this machine": 36 ms of Huffman decoding for 3 MB, 19 ms of all other stages
    decode_core_seconds: float = 0.055
    # benchmarks/NOTES.md: operations of AltCLIP's image tower (ViT-L/14, 224 pixels) for a picture
    picture_flop: float = 162e9
    # NVIDIA H100 data sheet (SXM): 989 TFLOPS dense in bfloat16; a third of it in use is our assumption
    gpu_flop_per_second: float = 989e12 / 3
    # docs/adr/0035: a text through AltCLIP's text tower with OpenVINO, 39 ms on two cores
    query_core_seconds: float = 0.078
    # results/searching.json: a search after encoding, words nobody used, at a million photos: one core for 36 ms
    search_core_seconds: float = field(
        default_factory=lambda: _result("searching", "search after encoding", "words nobody used", "p50_ms") / 1000
    )
    # docs/scale.md: catalog of 2.5 GB for a million photos of 768 dimensions: the vector as float16, and the rest
    catalog_bytes_beside_vector: float = 2500.0 - 2 * 768
    # data/catalog: float16
    catalog_bytes_per_dimension: float = 2.0
    # docs/scale.md: 792 bytes a vector of 768 dimensions in the embedded index: 1 a dimension and 24
    index_bytes_per_dimension: float = 1.0
    index_bytes_beside: float = 24.0
    # hnswlib's README, "memory": M * 8 to 10 bytes for each vector beside its data; M = 32
    graph_bytes: float = 10.0 * 32
    # J. Gao, C. Long: RaBitQ (SIGMOD 2024): 1 bit a dimension, and some floats
    bit_bytes_per_dimension: float = 1 / 8
    bit_bytes_beside: float = 16.0
    # docs/adr/0033: a thumbnail is some 40 KB as base64, so 30 KB
    thumbnail_bytes: float = 30_000.0
    # results/processes.json: the largest resident memory of a web process without an encoder
    web_process_bytes: float = field(
        default_factory=lambda: 1e6 * max(_documents("processes")["1"]["resident_mb_of_each"])
    )
    # docs/design.md: AltCLIP-m9 has 864 M parameters, of which CLIP's paper gives 304 M to ViT-L/14; in bfloat16
    encoder_bytes: float = 2 * 560e6
    # docs/scale.md: vectors read by a search of a million; it grows with the square root
    read_of_a_million: float = 29_000.0
    # a machine of 16 cores, bytes a second from memory: our assumption, a tenth of a server processor's data sheet
    memory_bytes_per_second: float = 30e9
    # the largest share of a core that is planned for, so that queues stay short (M/M/1: waiting equals service at 0.5)
    core_share: float = 0.5


def _documents(name: str) -> dict[str, dict[str, list[float]]]:
    document = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    processes: dict[str, dict[str, list[float]]] = document["processes"]
    return processes


@dataclass(frozen=True)
class Prices:
    """US dollars, as a large cloud's price list on demand has them, rounded. A parameter: put in your own."""

    date: str = "2026-11"
    # a machine of 16 cores and 64 GB, a month
    machine_month: float = 560.0
    # a machine of 16 cores and 512 GB, a month: what keeps an index in memory
    large_machine_month: float = 2700.0
    # an H100 with its share of a host, an hour
    gpu_hour: float = 4.0
    # SSD, a gigabyte a month
    ssd_gb_month: float = 0.10
    # object storage, a gigabyte a month
    object_gb_month: float = 0.023


@dataclass(frozen=True)
class Machine:
    """What is rented: cores and memory in bytes. The large one differs in memory."""

    cores: int = 16
    memory: float = 64 * GB
    large_memory: float = 512 * GB


@dataclass(frozen=True)
class Load:
    """What is asked for: photos, dimensions of a vector, searches a second at the peak, days for encoding all once."""

    photos: int
    dimension: int = 768
    queries_per_second: float = 50.0
    days: float = 30.0


@dataclass(frozen=True)
class Stage:
    """What one stage needs: machines, memory and disk in bytes (of all machines), dollars a month or once."""

    name: str
    machines: int
    memory: float
    disk: float
    per_month: float = 0.0
    once: float = 0.0


def encoding(load: Load, constants: Constants, prices: Prices, machine: Machine) -> Stage:
    """Decoding on cores and encoding on cards, side by side, within the days."""
    seconds = load.days * DAY
    cards = math.ceil(load.photos * constants.picture_flop / constants.gpu_flop_per_second / seconds)
    hosts = math.ceil(load.photos * constants.decode_core_seconds / seconds / machine.cores)
    once = 24 * load.days * cards * prices.gpu_hour + load.days / 30 * hosts * prices.machine_month
    return Stage("decode and encode", hosts + cards, (hosts + cards) * machine.memory, 0.0, once=once)


def catalog(load: Load, constants: Constants, prices: Prices, machine: Machine) -> Stage:
    """Rows and vectors in PostgreSQL, with a replica; a tenth of them in memory, on the machine that needs it."""
    size = catalog_bytes(load, constants)
    hosts = 2 * max(1, math.ceil(0.1 * size / machine.large_memory))
    price = prices.machine_month if 0.1 * size <= machine.memory else prices.large_machine_month
    memory = hosts * (machine.memory if 0.1 * size <= machine.memory else machine.large_memory)
    disk = 2 * size
    return Stage("catalog", hosts, memory, disk, per_month=hosts * price + disk / GB * prices.ssd_gb_month)


def vectors(load: Load, constants: Constants, prices: Prices, machine: Machine) -> Stage:
    """The index that fits: the embedded one, a graph in memory, or one bit a dimension with vectors on disk."""
    kind = index_kind(load.photos)
    memory, disk = index_bytes(load, constants)
    if kind == EMBEDDED:  # mapped by the web processes
        return Stage(f"vectors: {kind}", 0, memory, disk, per_month=disk / GB * prices.ssd_gb_month)
    by_memory = math.ceil(memory / (0.8 * machine.large_memory))
    read = constants.read_of_a_million * math.sqrt(load.photos / 1e6) * memory / load.photos
    busy = load.queries_per_second * read / constants.memory_bytes_per_second
    hosts = max(by_memory, math.ceil(busy / constants.core_share) if kind == BITS else 0)
    cost = hosts * prices.large_machine_month + disk / GB * prices.ssd_gb_month
    return Stage(f"vectors: {kind}", hosts, hosts * machine.large_memory, disk, per_month=cost)


def thumbnails(load: Load, constants: Constants, prices: Prices, machine: Machine) -> Stage:
    """Small copies; in object storage, which the serving of polyglance does not read yet."""
    disk = load.photos * constants.thumbnail_bytes
    return Stage("thumbnails", 0, 0.0, disk, per_month=disk / GB * prices.object_gb_month)


def serving(load: Load, constants: Constants, prices: Prices, machine: Machine) -> Stage:
    """Web processes, one a core, each with its encoder; at least two machines."""
    busy = load.queries_per_second * (constants.query_core_seconds + constants.search_core_seconds)
    processes = math.ceil(busy / constants.core_share)
    mapped = index_bytes(load, constants)[0] if index_kind(load.photos) == EMBEDDED else 0.0
    by_cores = math.ceil(processes / machine.cores)
    each = constants.web_process_bytes + constants.encoder_bytes
    by_memory = math.ceil(processes * each / max(1.0, 0.8 * machine.memory - mapped))
    hosts = max(2, by_cores, by_memory)
    memory = processes * each + hosts * mapped
    return Stage("serving", hosts, memory, 0.0, per_month=hosts * prices.machine_month)


EMBEDDED, GRAPH, BITS = "embedded FAISS", "graph in memory", "1 bit, rest on disk"
EMBEDDED_UP_TO, GRAPH_UP_TO = 10**7, 10**9


def index_kind(photos: int) -> str:
    """docs/scale.md: the embedded index works up to some ten million; a graph in memory costs too much past 10^9."""
    return EMBEDDED if photos <= EMBEDDED_UP_TO else GRAPH if photos <= GRAPH_UP_TO else BITS


def catalog_bytes(load: Load, constants: Constants) -> float:
    """The catalog, once."""
    row = constants.catalog_bytes_beside_vector + constants.catalog_bytes_per_dimension * load.dimension
    return load.photos * row


def index_bytes(load: Load, constants: Constants) -> tuple[float, float]:
    """(memory, disk) of the index, once."""
    coded = constants.index_bytes_per_dimension * load.dimension + constants.index_bytes_beside
    kind = index_kind(load.photos)
    if kind == EMBEDDED:
        return load.photos * coded, load.photos * coded
    if kind == GRAPH:
        held = load.photos * (coded + constants.graph_bytes)
        return held, held
    bits = constants.bit_bytes_per_dimension * load.dimension + constants.bit_bytes_beside
    return load.photos * bits, load.photos * (bits + coded)


def breaks_first(photos: int) -> str:
    """What is the first to fail at this size."""
    if photos <= EMBEDDED_UP_TO:
        return "computing the clusters after the first run, hours on two cores; then opening, half a minute"
    if photos <= GRAPH_UP_TO:
        return (
            "the embedded index (clusters take days, opening minutes); then the one writer, and one disk for all photos"
        )
    return "one catalog (tens of TB, its key index past memory): it has to be split by roots into many libraries"


def stages(load: Load, constants: Constants, prices: Prices = Prices(), machine: Machine = Machine()) -> list[Stage]:
    """All stages."""
    return [stage(load, constants, prices, machine) for stage in (encoding, catalog, vectors, thumbnails, serving)]


def _size(count: float) -> str:
    for unit, name in ((TB, "TB"), (GB, "GB")):
        if count >= unit:
            return f"{count / unit:,.0f} {name}" if count >= 10 * unit else f"{count / unit:.1f} {name}"
    return "-" if count == 0 else f"{count / 1e6:.0f} MB"


def _power(photos: int) -> str:
    power = round(math.log10(photos))
    return f"10^{power}" if 10**power == photos else f"{photos:,}"


def table(loads: Sequence[Load], constants: Constants, prices: Prices = Prices()) -> str:
    """The stages of each load in Markdown."""
    lines = ["| photos | stage | machines | memory | disk | $ a month | $ once |", "|---|---|---|---|---|---|---|"]
    for load in loads:
        parts = stages(load, constants, prices)
        for stage in parts:
            money = [f"{value:,.0f}" if value else "-" for value in (stage.per_month, stage.once)]
            cells = [_power(load.photos), stage.name, str(stage.machines), _size(stage.memory), _size(stage.disk)]
            lines.append(f"| {' | '.join(cells + money)} |")
        month, once = sum(part.per_month for part in parts), sum(part.once for part in parts)
        lines.append(f"| {_power(load.photos)} | **all** | | | | **{month:,.0f}** | **{once:,.0f}** |")
    breaking = [f"- {_power(load.photos)}: {breaks_first(load.photos)}." for load in loads]
    return "\n".join([*lines, "", "What breaks first:", "", *breaking])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or JSON; keep the result of the usual sizes."""
    options = parser(__doc__)
    options.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options.add_argument("--photos", type=int, nargs="+", default=list(SIZES))
    options.add_argument("--dimension", type=int, default=Load(1).dimension)
    options.add_argument("--queries", type=float, default=Load(1).queries_per_second, help="a second")
    options.add_argument("--days", type=float, default=Load(1).days, help="for encoding everything once")
    given = options.parse_args(arguments)
    loads = [Load(photos, given.dimension, given.queries, given.days) for photos in given.photos]
    constants = Constants()
    if not (given.json or given.small):
        sys.stdout.write(table(loads, constants) + "\n")
        return
    sizes = [
        {"load": asdict(load), "stages": [asdict(each) for each in stages(load, constants)], "breaks_first": breaks}
        for load, breaks in zip(loads, map(breaks_first, given.photos), strict=True)
    ]
    figures = {"constants": asdict(constants), "prices": asdict(Prices()), "machine_of_the_model": asdict(Machine())}
    publish("capacity", {**figures, "sizes": sizes}, small=given.small or list(given.photos) != list(SIZES))


if __name__ == "__main__":
    main()
