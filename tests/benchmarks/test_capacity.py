"""The model of capacity against values computed by hand, and its table in the documentation."""

from pathlib import Path

import pytest
from polyglance.benchmarks import capacity
from polyglance.benchmarks.capacity import Constants, Load, Machine, Prices, stages

ROUND = Constants(
    decode_core_seconds=0.1,
    picture_flop=1e11,
    gpu_flop_per_second=1e14,
    query_core_seconds=0.06,
    search_core_seconds=0.04,
    catalog_bytes_beside_vector=1000,
    web_process_bytes=0.3e9,
    encoder_bytes=0.7e9,
)
PRICES = Prices(machine_month=500, large_machine_month=2000, gpu_hour=4, ssd_gb_month=0.1, object_gb_month=0.02)


def stage(name, load):
    return next(each for each in stages(load, ROUND, PRICES) if each.name.startswith(name))


def test_encoding_takes_cards_for_the_network_and_hosts_for_decoding():
    # 10^8 photos: 10^7 core seconds; in one day of 86,400 s on 16 cores 7.2 hosts. Cards: 10^5 s of one, 1.2 cards.
    made = stage("decode", Load(10**8, days=1))
    assert made.machines == 8 + 2
    assert made.once == pytest.approx(24 * 2 * 4 + 8 * 500 / 30)


def test_a_catalog_has_the_vectors_in_float16_and_a_replica():
    # 10^7 photos of 500 dimensions: 2,000 bytes each, 20 GB; a tenth of it fits into the memory of a small machine
    made = stage("catalog", Load(10**7, 500))
    assert (made.machines, made.disk) == (2, 40e9)
    assert made.per_month == pytest.approx(2 * 500 + 40 * 0.1)
    # 10^10: 20 TB, 2 TB in memory: four large machines, twice
    assert stage("catalog", Load(10**10, 500)).machines == 8


def test_each_size_has_the_index_that_fits():
    assert [capacity.index_kind(size) for size in (10**6, 10**7, 10**8, 10**10)] == [
        capacity.EMBEDDED, capacity.EMBEDDED, capacity.GRAPH, capacity.BITS,
    ]  # fmt: skip
    assert capacity.index_bytes(Load(10**7, 500), ROUND) == (5.24e9, 5.24e9)  # 524 bytes a vector
    assert capacity.index_bytes(Load(10**8, 500), ROUND) == (84.4e9, 84.4e9)  # 320 more, of the graph
    assert capacity.index_bytes(Load(10**10, 800), ROUND) == (1.16e12, 1.16e12 + 8.24e12)  # 100 + 16, and 824 on disk


def test_serving_counts_processes_by_queries_and_hosts_by_cores_and_memory():
    # 200 a second take 0.1 s of a core each: 20 cores busy, 40 processes at half a core's load, 3 hosts of 16
    made = stage("serving", Load(10**8, queries_per_second=200))
    assert (made.machines, made.memory) == (3, 40e9)
    # the embedded index is mapped on each host beside them
    assert stage("serving", Load(10**7, 500, 200)).memory == 40e9 + 3 * 5.24e9


def test_thumbnails_are_bytes_in_object_storage():
    assert stage("thumbnails", Load(10**8)).per_month == pytest.approx(3_000 * 0.02)


def test_more_of_anything_never_needs_less():
    for size in (10**5, 10**7, 10**8, 10**10):
        small, large = (stages(Load(size * times), Constants(), Prices(), Machine()) for times in (1, 3))
        assert all(one.disk <= other.disk for one, other in zip(small, large, strict=True))
    busy = [stages(Load(10**8, queries_per_second=rate), Constants()) for rate in (1, 1000)]
    assert busy[0][-1].machines < busy[1][-1].machines


def test_the_table_in_the_documentation_is_the_model_s():
    page = (Path(__file__).parents[2] / "docs/capacity.md").read_text()
    assert capacity.table([Load(size) for size in capacity.SIZES], Constants()) in page, (
        "python -m benchmarks.capacity prints it"
    )
