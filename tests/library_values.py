"""What the library returns, with figures that are rounded, values that are missing and names that are no UTF-8."""

from pathlib import Path

from polyglance.data.catalog import facets
from polyglance.data.catalog.records import EncoderRecord, PhotoRecord, RootRecord
from polyglance.data.check import check, findings
from polyglance.data.pictures.exif import Facts
from polyglance.data.watch_state import Coverage, WatchState
from polyglance.encoders.registry import EncoderInfo
from polyglance.errors import FolderError
from polyglance.indexer.run.places import Place
from polyglance.indexer.run.profile import Profile
from polyglance.indexer.run.report import Failure, Offline, Report, Tally
from polyglance.library import Status
from polyglance.library.doctor import facts as machine
from polyglance.search.answer import Answer, Durations, Result

FACTS = Facts("2024-07-01T12:00:00", "Nikon D90", None, 48.858333333, 0.0000083, "雪 <b>", ("cat", "猫"))
PHOTO = PhotoRecord(7, b"/p/\xe9t\xc3\xa9\x1b/a b.jpg", 12345, 1, b"h" * 32, None, 400, 300, "JPEG", FACTS)
PLAIN = PhotoRecord(8, b"/p/b.png", 1, 1, b"i" * 32, None, 1, 1, "PNG", Facts())
BROKEN = PhotoRecord(9, b"/p/bad.png", 0, 1, None, "is not a picture", None, None, None, Facts())
RETRIED = PhotoRecord(10, b"/p/x.heic", 0, -1, None, "cannot be read: permission denied", None, None, None, Facts())
ROOTS = [(RootRecord(1, b"/p", 3, 1), "online"), (RootRecord(2, b"/q\xff", 0, 0), "partly offline")]

RESULTS = [Result(1, PHOTO, 0.123456789, 0.98765, ("looks like", "name"), 3), Result(2, PLAIN, 1.0, 0.0, ("filter",))]
ANSWER = Answer("cat − dog", "en", "lite", Durations(1.23456, 0.0, 10.0), RESULTS, "12-20", True, False)
EMPTY = Answer("", None, "altclip-m9", Durations(0.0, 0.0004, 0.0005), [])

STATUS = Status(
    Path("/library"),
    ROOTS,
    [BROKEN, RETRIED],
    EncoderRecord(1, "lite", "f" * 32, 1011, "float32"),
    "exact",
    42,
    WatchState(77, (Coverage(1, "native"), Coverage(2, "polling", "a network disk"), Coverage(3, "native"))),
)
NOTHING = Status(Path("/library"), [], [], None, "exact", 0, None)

TALLY = Tally(1, 2, 3, 4, 5, 6, [Failure(b"/p/bad.png", "is empty", "")], 7)
OFFLINE = Offline(Place(ROOTS[1][0]), FolderError("The disk of /q is not there.", "Connect it."))
REPORT = Report(TALLY, 12.34567, "lite", [OFFLINE])
PROFILED = Report(TALLY, 12.34567, "lite", profile=Profile(lanes=2, processors=2, elapsed=10.0))
for number, stage in enumerate(PROFILED.profile.stages.values(), start=1):
    stage.wall, stage.cpu, stage.pictures = number / 3, number / 4, number - 1

FACETS = facets.Facets(
    {"Nikon D90": 2, "X100V": 1}, {"JPEG": 2, "PNG": 1, "MPO": 3}, [facets.Folder(b"/p", b"", 3)], None, "2024", 1, 2
)
FINDING = findings.Finding("vector-orphan", "vector 3", "belongs to no photo", False, "Nothing to do.")
CHECK = check.Report([FINDING], 10, 11, True, 5, 6, 1.23456)
ENCODERS = [EncoderInfo("lite", 1011, ("en", "zh"), 0, True, "small"), EncoderInfo("x/y", 1, (), None, False, "hub")]

MACHINE = machine.Facts(
    machine.System("0.1.0", "3.12.1", "Debian GNU/Linux 12 (bookworm)", "linux"),
    machine.Processor("EPYC", "x86_64", ("AVX2", "VNNI"), 8, 4.0),
    machine.Memory(16_000_000_000, 9_000_000_000),
    (machine.Card("NVIDIA L4", "nvidia", 24_000_000_000),),
    "auto",
    256,
    (
        machine.Runtime("torch", "2.13.0", "cuda 12.8", ("cuda",)),
        machine.Runtime("openvino", "2026.4.1"),
        machine.Runtime("onnxruntime", None),
    ),
    tuple(
        machine.Codec(*codec)
        for codec in (
            ("JPEG", "libjpeg-turbo 3.1"),
            ("WebP", "libwebp 1.6"),
            ("AVIF", "libavif 1.4"),
            ("HEIC", "pi-heif 1.4"),
            ("RAW", "rawpy 0.28"),
        )
    ),
    machine.Faiss(("faiss-cpu",), "1.15.1", "AVX2", 0),
    (machine.EncoderFacts("lite", True, 0), machine.EncoderFacts("altclip-m9", True, 3_460_000_000, True)),
    machine.LibraryFacts("/library", "ready", "", 1234, 1200, "altclip-m9"),
    (
        machine.Disk("/library", "library", 58_000_000_000, "ext4", False, True, True),
        machine.Disk("/hub", "encoders", 58_000_000_000, "ext4", False, True, True),
    ),
    machine.Watching(30, 524_288, 128),
)
"""A machine on which all is well."""
