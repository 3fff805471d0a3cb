"""`polyglance doctor`: advice from facts that are written down here, and the facts of the machine the tests run on."""

import dataclasses
import os
import shutil
import sys

import numpy as np
import pytest
from library_values import MACHINE
from polyglance.config import Settings
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.opening import SCHEMA
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors import probe
from polyglance.library.doctor import advice, cards, examine, probes, reading, storage
from polyglance.library.doctor.facts import Card, Faiss
from polyglance.library.suggestions import suggest

GB = 1_000_000_000


def changed(path, **values):
    """The facts of MACHINE with other values: `changed("memory", total=2)`; of a tuple, its item by index or name."""
    name, _, item = path.partition(".")
    part = getattr(MACHINE, name)
    if not item:
        return dataclasses.replace(MACHINE, **{name: dataclasses.replace(part, **values)})
    items = [
        dataclasses.replace(each, **values) if item in (str(number), getattr(each, "name", "")) else each
        for number, each in enumerate(part)
    ]
    return dataclasses.replace(MACHINE, **{name: tuple(items)})


def without_card(facts=MACHINE):
    torch, *others = facts.runtimes
    torch = dataclasses.replace(torch, build="cpu", devices=())
    return dataclasses.replace(facts, cards=(), runtimes=(torch, *others))


def advised(facts):
    return [(each.kind, *each.commands) for each in advice.to_do(advice.checks(facts))]


def test_nothing_is_advised_where_all_is_well():
    checks = advice.checks(MACHINE)
    assert advised(MACHINE) == []
    assert {check.state for check in checks} == {"ok"}
    assert [check.text for check in checks] == [
        "EPYC, 4 of 8 cores may be used, AVX2, VNNI",
        "16 GB, 9.0 GB free",
        "NVIDIA L4, 24 GB, used by torch",
        "torch 2.13.0 (cuda 12.8), OpenVINO 2026.4.1",
        "faiss-cpu 1.15.1, AVX2",
        "JPEG (libjpeg-turbo 3.1), WebP, AVIF, HEIC, RAW",
        "lite, altclip-m9 ready",
        "/library (ext4): 1,234 photos, encoder altclip-m9",
        "58 GB free for library and encoders",
        "30 folders; inotify allows 524,288",
    ]


PIP_TORCH = "pip install --force-reinstall torch"
CASES = {
    "a processor without AVX2": (
        without_card(changed("processor", features=())),
        [("faster", "polyglance reencode --encoder lite")],
    ),
    "a translated Python": (
        changed("system", is_translated=True),
        [("faster", "arch -arm64 python3 -m venv ~/polyglance-venv")],
    ),
    "little memory": (changed("memory", total=2 * GB), [("safer", "export POLYGLANCE_BATCH_SIZE=8")]),
    "a card that gets few pictures at once": (
        dataclasses.replace(MACHINE, batch_size=32),
        [("faster", "export POLYGLANCE_BATCH_SIZE=256")],
    ),
    "a card that is switched off": (
        dataclasses.replace(MACHINE, device="cpu"),
        [("faster", "export POLYGLANCE_DEVICE=auto")],
    ),
    "a card and a torch for processors": (
        changed("runtimes.torch", build="cpu", devices=()),
        [("faster", PIP_TORCH)],
    ),
    "a card without a driver": (
        changed("runtimes.torch", devices=()),
        [("faster", "sudo apt install nvidia-driver")],
    ),
    "an AMD card": (
        dataclasses.replace(
            changed("runtimes.torch", build="cpu", devices=()), cards=(Card("AMD card", "amd", 16 * GB),)
        ),
        [("faster", f"{PIP_TORCH} --index-url ADDRESS")],
    ),
    "no torch": (
        changed("runtimes.torch", version=None, build="", devices=()),
        [("broken", "pip install torch")],
    ),
    "a torch that crashes": (
        changed("runtimes.torch", devices=(), error="loading it ended the process (status -11)"),
        [("broken", "pip install --force-reinstall --no-deps torch")],
    ),
    "no OpenVINO, but a card": (changed("runtimes.openvino", version=None), []),
    "no OpenVINO and no card": (
        without_card(changed("runtimes.openvino", version=None)),
        [("faster", 'pip install "polyglance[fast]"')],
    ),
    "an encoder that was not prepared": (
        without_card(changed("encoders.altclip-m9", is_prepared=False)),
        [("faster", "polyglance encoders prepare")],
    ),
    "an encoder that was not prepared, and no OpenVINO": (
        without_card(
            dataclasses.replace(
                changed("encoders.altclip-m9", is_prepared=False),
                runtimes=changed("runtimes.openvino", version=None).runtimes,
            )
        ),
        [("faster", 'pip install "polyglance[fast]"', "polyglance encoders prepare")],
    ),
    "an OpenVINO that crashes": (
        changed("runtimes.openvino", error="no"),
        [("faster", "pip install --force-reinstall --no-deps openvino")],
    ),
    "two FAISS": (
        changed("faiss", packages=("faiss-cpu", "faiss-gpu-cu12")),
        [("safer", "pip uninstall -y faiss-cpu faiss-gpu-cu12", 'pip install "polyglance[gpu]"')],
    ),
    "no FAISS": (
        without_card(dataclasses.replace(MACHINE, faiss=Faiss((), None, "", 0))),
        [("broken", 'pip install "polyglance[cpu]"')],
    ),
    "a FAISS that crashes": (
        changed("faiss", version=None, error="this processor lacks instructions that it was built with"),
        [("broken", "pip install --force-reinstall --no-deps faiss-cpu")],
    ),
    "a slow FAISS": (
        changed("faiss", simd="generic"),
        [("faster", "pip install --force-reinstall --no-deps --only-binary :all: faiss-cpu")],
    ),
    "a large library, and a card that FAISS does not use": (
        changed("library", vectors=200_000),
        [("faster", "pip uninstall -y faiss-cpu", 'pip install "polyglance[gpu]"')],
    ),
    "a slow JPEG library": (
        changed("codecs.JPEG", library="libjpeg 9.5"),
        [("faster", "pip install --force-reinstall --only-binary :all: pillow")],
    ),
    "no WebP": (
        changed("codecs.WebP", library=None),
        [("more", "pip install --force-reinstall --only-binary :all: pillow")],
    ),
    "no HEIC": (changed("codecs.HEIC", library=None), [("more", 'pip install "polyglance[heic]"')]),
    "no HEIC, and pictures that need it": (
        dataclasses.replace(
            changed("codecs.HEIC", library=None), library=dataclasses.replace(MACHINE.library, heic_failures=12)
        ),
        [("more", 'pip install "polyglance[heic]"', "polyglance index")],
    ),
    "a library of lite beside altclip-m9": (
        changed("library", encoder="lite"),
        [("more", "polyglance reencode --encoder altclip-m9")],
    ),
    "lite alone": (
        dataclasses.replace(
            changed("encoders.altclip-m9", is_ready=False), library=changed("library", encoder="lite").library
        ),
        [("more", "polyglance encoders pull altclip-m9", "polyglance reencode --encoder altclip-m9")],
    ),
    "a library on a network disk": (
        changed("disks.0", is_remote=True, file_system="nfs4"),
        [("safer", "mv /library DIR", "export POLYGLANCE_LIBRARY=DIR")],
    ),
    "a library on a memory card": (
        changed("disks.0", file_system="exfat"),
        [("safer", "mv /library DIR", "export POLYGLANCE_LIBRARY=DIR")],
    ),
    "a library that is read-only": (
        changed("disks.0", is_writable=False),
        [("safer", 'sudo chown -R "$USER" /library')],
    ),
    "a full disk": (
        changed("disks.0", free=5_000_000),
        [("safer", "mv /library DIR", "export POLYGLANCE_LIBRARY=DIR")],
    ),
    "no library": (
        changed("library", state="none", encoder=None, option=" --library /other"),
        [("next", "polyglance index ~/Pictures --library /other")],
    ),
    "an old library": (changed("library", state="old"), [("next", "polyglance index")]),
    "a new library": (changed("library", state="new"), [("broken",)]),
    "a damaged library": (changed("library", state="unreadable"), [("broken", "polyglance check --repair")]),
    "too many folders": (
        changed("watching", folders=500_000),
        [
            (
                "safer",
                "echo fs.inotify.max_user_watches=1048576 | sudo tee /etc/sysctl.d/60-polyglance.conf",
                "sudo sysctl --system",
            )
        ],
    ),
    "no inotify": (changed("watching", max_watches=None), []),
}


@pytest.mark.parametrize(("facts", "expected"), CASES.values(), ids=CASES)
def test_what_is_missing_is_advised_with_its_command(facts, expected):
    assert advised(facts) == expected


def test_an_encoder_that_does_not_fit_on_its_disk_goes_to_another():
    facts = dataclasses.replace(changed("disks.1", free=2 * GB), library=changed("library", encoder="lite").library)
    encoders = changed("encoders.altclip-m9", is_ready=False).encoders
    commands = [
        command for _, *commands in advised(dataclasses.replace(facts, encoders=encoders)) for command in commands
    ]
    assert "export HF_HOME=DIR" in commands


def test_what_is_broken_comes_first_and_the_next_step_last():
    facts = dataclasses.replace(
        changed("library", state="none", encoder=None),
        faiss=Faiss((), None, "", 0),
        memory=changed("memory", total=GB).memory,
    )
    assert [kind for kind, *_ in advised(facts)] == ["broken", "safer", "next"]


def test_commands_are_those_of_the_system():
    facts = dataclasses.replace(
        MACHINE, device="cpu", system=changed("system", kind="win32", pip="C:\\py\\python.exe -m pip").system
    )
    assert advised(facts) == [("faster", "set POLYGLANCE_DEVICE=auto")]
    facts = dataclasses.replace(facts, device="auto", codecs=changed("codecs.RAW", library=None).codecs)
    assert advised(facts) == [("more", 'C:\\py\\python.exe -m pip install "polyglance[raw]"')]


def test_each_advice_says_why_in_plain_sentences():
    for facts, _ in CASES.values():
        for each in advice.to_do(advice.checks(facts)):
            assert each.text[0].isupper() or each.text.startswith(("torch", "altclip-m9", "faiss-cpu"))
            assert each.text.endswith(".") and len(each.text) < 220
            assert each.kind in advice.KINDS


def test_the_facts_of_this_machine_are_read(small_library):
    before = {path: path.stat().st_mtime_ns for path in [small_library.folder, *small_library.folder.rglob("*")]}
    facts, checks = examine(small_library.folder, Settings())
    after = {path: path.stat().st_mtime_ns for path in [small_library.folder, *small_library.folder.rglob("*")]}
    assert after == before, "reading writes nothing"
    assert facts.system.kind == sys.platform and facts.system.python.startswith("3.")
    assert 1 <= facts.processor.usable <= facts.processor.cores == os.cpu_count()
    assert facts.processor.model
    assert 0 < facts.memory.available <= facts.memory.total
    assert facts.runtime("torch").version and not facts.runtime("torch").error
    assert [codec.name for codec in facts.codecs] == ["JPEG", "WebP", "AVIF", "HEIC", "RAW"]
    assert facts.faiss.version and facts.faiss.simd and not facts.faiss.error
    assert facts.encoders[0].name == "lite" and facts.encoders[0].is_ready
    library = facts.library
    assert (library.state, library.photos, library.vectors, library.encoder) == ("ready", 12, 10, "lite")
    assert facts.watching.folders == 2
    assert all(disk.free > 0 and disk.file_system and disk.is_writable for disk in facts.disks)
    assert library.option == f" --library {small_library.folder}"
    assert len(checks) == len(advice.SUBJECTS)


def test_a_system_that_tells_nothing_is_no_error(monkeypatch, tmp_path):
    for module, name in [(reading, "GROUPS"), (cards, "DEVICES"), (storage, "INOTIFY"), (reading.cpu, "CPUINFO")]:
        monkeypatch.setattr(module, name, tmp_path / "missing")
    monkeypatch.setattr(reading, "_control_groups", list)
    monkeypatch.setattr(probes, "load", lambda *_: {"error": "no"})
    monkeypatch.setattr(shutil, "which", lambda _: None)
    facts = reading.read(tmp_path / "none" / "at" / "all", Settings())
    assert (facts.library.state, facts.watching.max_watches, facts.cards) == ("none", None, ())
    assert facts.processor.usable == len(os.sched_getaffinity(0))
    assert not (tmp_path / "none").exists()
    assert {kind for kind, *_ in advised(facts)} >= {"broken", "next"}


@pytest.mark.parametrize(
    ("damage", "state"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "old"),
        ("UPDATE alembic_version SET version_num = '9999'", "new"),
        ("DROP TABLE photo", "unreadable"),
        ("DELETE FROM alembic_version", "unreadable"),
    ],
)
def test_a_library_of_another_version_or_a_damaged_one_is_a_fact(small_library, damage, state):
    small_library.damage(damage)
    library, _, _ = storage.read(small_library.folder, small_library.folder)
    assert library.state == state and library.option == ""
    assert SCHEMA != "9999"


def test_a_file_that_is_no_catalog_is_a_fact(tmp_path):
    (tmp_path / "catalog.db").write_bytes(b"no database " * 500)
    assert storage.read(tmp_path, tmp_path)[0].state == "unreadable"


def test_pictures_that_need_an_extra_and_folders_are_counted(small_library):
    small_library.damage(
        "UPDATE photo SET error = 'is a HEIC picture' WHERE id <= 2",
        "UPDATE photo SET error = 'is a camera raw picture' WHERE id = 3",
        "UPDATE photo SET path = CAST('a/b/c/x.jpg' AS BLOB) WHERE id = 4",
    )
    library, _, watching = storage.read(small_library.folder, small_library.folder)
    assert (library.heic_failures, library.raw_failures) == (2, 1)
    assert watching.folders == 5


def test_a_folder_whose_other_case_is_the_same_folder_is_on_a_disk_that_ignores_case(tmp_path):
    folder = tmp_path / "Library"
    folder.mkdir()
    assert storage.is_case_sensitive(folder)
    (tmp_path / "lIBRARY").symlink_to(folder)
    assert not storage.is_case_sensitive(folder)


def test_cards_are_listed_by_the_driver_or_by_linux(tmp_path):
    assert cards.parse_nvidia("NVIDIA A100, Custom, 81559\nNVIDIA L4, [N/A]\n\n") == (
        Card("NVIDIA A100, Custom", "nvidia", 81559 << 20),
        Card("NVIDIA L4", "nvidia", None),
    )
    for number, (vendor, memory) in enumerate([("0x10de", ""), ("0x1002", str(16 << 30)), ("0x1002", str(512 << 20))]):
        device = tmp_path / f"card{number}" / "device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(vendor + "\n")
        (device / "mem_info_vram_total").write_text(memory)
    assert [card.vendor for card in cards.in_folder(tmp_path)] == ["amd", "nvidia"] or [
        card.vendor for card in cards.in_folder(tmp_path)
    ] == ["nvidia", "amd"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "lacks instructions"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended the process (status -11)"),
        ("raise ImportError('libcudart.so.12: cannot open shared object file')", "libcudart.so.12"),
        ("print('hello')", "something else"),
        ("print('{\"build\": 1}')", ""),
    ],
)
def test_a_library_that_crashes_when_it_is_loaded_does_not_end_the_doctor(tmp_path, monkeypatch, code, reason):
    (tmp_path / "crashing_library.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded = probes.load("crashing_library")
    assert reason in loaded.get("error", "") and ("error" in loaded) == bool(reason)


def test_a_library_that_never_loads_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "endless_library.py").write_text("import time; time.sleep(60)")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(probes, "LOADING_SECONDS", 0.2)
    assert "did not load" in probes.load("endless_library")["error"]


def test_instructions_of_faiss():
    assert probe.simd("OPTIMIZE DD AVX2 AVX512") == "AVX512"
    assert probe.simd("OPTIMIZE DD AVX2") == "AVX2"
    assert probe.simd("OPTIMIZE GENERIC ") == "generic"


def test_limits_of_a_control_group_count(tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "cpu.max").write_text("150000 100000\n")
    (inner / "cpu.max").write_text("max 100000\n")
    (inner / "memory.max").write_text("3000000\n")
    monkeypatch.setattr(reading, "_control_groups", lambda: [inner, tmp_path / "a", tmp_path])
    assert reading._usable_cores(64) == min(1.5, len(os.sched_getaffinity(0)))
    assert reading._read_memory().total == 3_000_000


@pytest.mark.cluster
def test_a_library_whose_catalog_is_in_a_database_is_read_there(tmp_path, postgresql, new_catalog_url):
    url = new_catalog_url("postgresql")
    assert storage.read(tmp_path, tmp_path, url)[0].state == "ready"
    assert storage.read(tmp_path, tmp_path, postgresql.create())[0].state == "none"
    assert storage.read(tmp_path, tmp_path, postgresql.url("never"))[0].state == "unreadable"
    with Catalog(tmp_path / "catalog.db", url) as catalog:
        root = catalog.roots.add(b"/p")
        record = catalog.encoders.add("lite", "f" * 32, 4, "float32")
        catalog.encoders.activate(record.id)
        facts = Facts(camera="X100V")
        content = Content(b"1" * 32, 1, 1, "PNG", facts)
        entries = [
            Entry(root.id, b"a/b.png", FileStat(1, 1, 1), content),
            Entry(root.id, b"c.heic", FileStat(1, 1, 1), error="is a HEIC picture"),
        ]
        catalog.changes.commit(entries, {b"1" * 32: np.full(4, 0.5, np.float32)}, record.id)
    library, _, watching = storage.read(tmp_path, tmp_path, url)
    assert (library.state, library.photos, library.vectors, library.encoder) == ("ready", 2, 1, "lite")
    assert (library.heic_failures, library.raw_failures, watching.folders) == (1, 0, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYGLANCE_CATALOG", url)
        patch.setenv("POLYGLANCE_LIBRARY", str(tmp_path))
        assert suggest(None, "roots") == suggest(tmp_path, "roots") == ["/p"]
        assert (suggest(None, "cameras"), suggest(None, "encoders")) == (["X100V"], ["lite"])
