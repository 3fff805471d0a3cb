"""Metadata: what every rule keeps, and that damage never raises."""

from __future__ import annotations

import struct
from dataclasses import FrozenInstanceError
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational
from polyglance.data.pictures import exif, xmp
from polyglance.data.pictures.exif import Facts

BASE, GPS = ExifTags.Base, ExifTags.GPS


def picture(main=None, shot=None, gps=None, kind="JPEG", **save):
    """Write a picture with those EXIF tags to memory and open it again."""
    tags = Image.Exif()
    tags.update(main or {})
    tags.get_ifd(ExifTags.IFD.Exif).update(shot or {})
    if gps is not None:
        tags[ExifTags.IFD.GPSInfo] = gps
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind, exif=tags.tobytes(), **save)
    image = Image.open(buffer)
    image.load()
    return image


def facts(*args, **kwargs):
    return exif.read(picture(*args, **kwargs))


def test_a_picture_without_metadata_has_no_facts():
    assert exif.read(Image.new("RGB", (4, 4))) == Facts()


def test_facts_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Facts().camera = "x"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_format_with_exif_is_read(kind):
    read_facts = facts({BASE.Make: "Canon"}, {BASE.DateTimeOriginal: "2024:05:01 12:34:56"}, kind=kind)
    assert (read_facts.camera, read_facts.taken_at) == ("Canon", "2024-05-01T12:34:56")


ORIGINAL, DIGITIZED, CHANGED = "2021:01:01 01:01:01", "2022:02:02 02:02:02", "2023:03:03 03:03:03"


def test_date_original_comes_before_digitized_before_changed():
    shot = {BASE.DateTimeOriginal: ORIGINAL, BASE.DateTimeDigitized: DIGITIZED}
    assert facts({BASE.DateTime: CHANGED}, shot).taken_at == "2021-01-01T01:01:01"
    del shot[BASE.DateTimeOriginal]
    assert facts({BASE.DateTime: CHANGED}, shot).taken_at == "2022-02-02T02:02:02"
    assert facts({BASE.DateTime: CHANGED}).taken_at == "2023-03-03T03:03:03"


def test_a_nonsense_date_gives_way_to_the_next():
    shot = {BASE.DateTimeOriginal: "0000:00:00 00:00:00", BASE.DateTimeDigitized: DIGITIZED}
    assert facts(shot=shot).taken_at == "2022-02-02T02:02:02"


def test_the_offset_of_that_date_is_kept():
    shot = {BASE.DateTimeOriginal: ORIGINAL, BASE.OffsetTimeOriginal: "+02:00", BASE.OffsetTime: "-09:00"}
    assert facts(shot=shot).taken_at == "2021-01-01T01:01:01+02:00"
    shot = {BASE.DateTimeOriginal: ORIGINAL, BASE.OffsetTime: "-09:00"}
    assert facts(shot=shot).taken_at == "2021-01-01T01:01:01"


@pytest.mark.parametrize("offset", ["", "   :  ", "+99:00", "Z", "+0200"])
def test_a_nonsense_offset_is_dropped(offset):
    shot = {BASE.DateTimeOriginal: ORIGINAL, BASE.OffsetTimeOriginal: offset}
    assert facts(shot=shot).taken_at == "2021-01-01T01:01:01"


@pytest.mark.parametrize(
    "date",
    [
        "0000:00:00 00:00:00",
        "0001:01:01 00:00:00",
        "    :  :     :  :  ",
        "2024:13:01 10:00:00",
        "2024:02:30 10:00:00",
        "2024:01:01 25:00:00",
        "yesterday",
        "",
        "２０２４",
    ],
)
def test_a_nonsense_date_is_none(date):
    assert facts(shot={BASE.DateTimeOriginal: date.encode()}).taken_at is None


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("SONY  ", "  ILCE-7M4 ", "SONY ILCE-7M4"),
        ("Leica\0junk", "M11\0", "Leica M11"),
        ("Canon", None, "Canon"),
        (None, "EOS R5", "EOS R5"),
        ("\0\0", "  ", None),
    ],
)
def test_the_camera_is_make_and_model_without_repeating(make, model, camera):
    tags = {tag: text for tag, text in ((BASE.Make, make), (BASE.Model, model)) if text is not None}
    assert facts(tags).camera == camera


def test_the_lens_is_read():
    assert facts(shot={BASE.LensModel: "RF 24-70mm F2.8\0"}).lens == "RF 24-70mm F2.8"


def place(latitude=(48, 51, 29.5), south_north="N", longitude=(2, 17, 40.2), east_west="E"):
    return {
        GPS.GPSLatitudeRef: south_north,
        GPS.GPSLatitude: latitude,
        GPS.GPSLongitudeRef: east_west,
        GPS.GPSLongitude: longitude,
    }


def where(gps):
    read_facts = facts(gps=gps)
    return read_facts.latitude, read_facts.longitude


def test_a_position_becomes_decimal_degrees():
    assert where(place()) == pytest.approx((48.8581944, 2.2945), abs=1e-6)


def test_south_and_west_are_negative():
    assert where(place(south_north="S", east_west="W")) == pytest.approx((-48.8581944, -2.2945), abs=1e-6)


@pytest.mark.parametrize(
    "gps",
    [
        {},
        place(latitude=(91, 0, 0)),
        place(longitude=(180, 0, 1)),
        place(south_north="X"),
        place(east_west=""),
        place(latitude=(IFDRational(48, 0), 0, 0)),
        place(longitude=(2, IFDRational(0, 0), 0)),
        {key: value for key, value in place().items() if key != GPS.GPSLongitude},
        place((0, 0, 0), "N", (0, 0, 0), "E"),
    ],
    ids=["none", "91N", "180E+", "ref X", "no ref", "48/0", "0/0", "half", "0,0"],
)
def test_an_impossible_position_is_none(gps):
    assert where(gps) == (None, None)


def test_a_position_on_the_equator_stays():
    assert where(place(latitude=(0, 0, 0))) == pytest.approx((0, 2.2945), abs=1e-6)


@pytest.mark.parametrize("caption", ["Snowy mountains", "雪山の夕焼け", "جبل ثلجي", "été 🏔"])
def test_the_caption_keeps_all_of_unicode(caption):
    assert facts({BASE.ImageDescription: caption.encode()}).caption == caption


def test_a_caption_that_is_no_utf8_is_latin_1():
    assert facts({BASE.ImageDescription: "Café".encode("latin-1")}).caption == "Café"


@pytest.mark.parametrize(
    "default", ["OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM", "Exif_JPEG_PICTURE", "<Digimax S500>", "   "]
)
def test_what_a_camera_writes_by_default_is_no_caption(default):
    assert facts({BASE.ImageDescription: default.encode()}).caption is None


def utf16(text):
    return text.encode("utf-16-le") + b"\0\0"


def test_windows_title_and_comment_serve_as_caption():
    assert facts({0x9C9B: utf16("标题"), 0x9C9C: utf16("comment")}).caption == "标题"
    assert facts({BASE.ImageDescription: b"SONY DSC", 0x9C9C: utf16("تعليق")}).caption == "تعليق"


def test_windows_keywords_are_split():
    assert facts({0x9C9E: utf16("雪; mountain ;;雪")}).keywords == ("雪", "mountain")


def iptc_image(*datasets):
    """Return a JPEG with a Photoshop block that holds these (record, dataset, bytes)."""
    records = b"".join(struct.pack(">BBBH", 0x1C, record, number, len(raw)) + raw for record, number, raw in datasets)
    records += b"\0" * (len(records) % 2)
    block = b"Photoshop 3.0\x008BIM" + struct.pack(">HHI", 0x0404, 0, len(records)) + records
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    data = buffer.getvalue()
    return Image.open(BytesIO(data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]))


def test_iptc_caption_and_keywords_declared_as_utf8():
    read_facts = exif.read(
        iptc_image((1, 90, b"\x1b%G"), (2, 25, "雪山".encode()), (2, 25, b"sea"), (2, 120, "جبل".encode()))
    )
    assert (read_facts.caption, read_facts.keywords) == ("جبل", ("雪山", "sea"))


def test_iptc_texts_of_unknown_charset_are_utf8_or_latin_1():
    read_facts = exif.read(iptc_image((2, 25, "Café".encode("latin-1")), (2, 120, "Café".encode())))
    assert (read_facts.caption, read_facts.keywords) == ("Café", ("Café",))


XMP = """<?xpacket begin="\ufeff" id="x"?><!-- a comment --><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Description>
<dc:description><rdf:Alt><rdf:li xml:lang="fr">été</rdf:li><rdf:li xml:lang="x-default">夏</rdf:li></rdf:Alt>
</dc:description><dc:subject><rdf:Bag><rdf:li>شاطئ</rdf:li><rdf:li>beach</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "AVIF"])
def test_xmp_description_and_subjects(kind):
    save = {"tiffinfo": {700: XMP.encode()}} if kind == "TIFF" else {"xmp": XMP.encode()}
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind, **save)
    read_facts = exif.read(Image.open(buffer))
    assert (read_facts.caption, read_facts.keywords) == ("夏", ("شاطئ", "beach"))


def with_xmp(raw):
    image = Image.new("RGB", (8, 8))
    image.info["xmp"] = raw
    return exif.read(image)


def test_xmp_as_text_or_utf_16_is_read_as_well():
    image = Image.new("RGB", (8, 8))
    image.info["XML:com.adobe.xmp"] = XMP  # where Pillow puts that of a PNG
    assert exif.read(image).caption == "夏"
    assert with_xmp(XMP.encode("utf-16")).caption == "夏"


def test_xmp_with_a_document_type_is_refused():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    assert with_xmp(bomb.encode() + XMP.encode()) == Facts()
    assert with_xmp((bomb + XMP).encode("utf-16")) == Facts()
    entity = XMP.replace("夏", "&b;").split("?>", 1)[1]
    assert with_xmp((bomb + entity).encode()) == Facts()


def test_xmp_that_is_too_long_is_refused():
    assert with_xmp(XMP.encode() + b" " * xmp.MAX_BYTES) == Facts()


def test_broken_xmp_costs_nothing_else():
    image = picture({BASE.Make: "Canon"})
    image.info["xmp"] = XMP[:-30].encode()
    assert exif.read(image) == Facts(camera="Canon")


def test_keywords_of_all_sources_come_once_each():
    image = picture({0x9C9E: utf16("beach;sun")})
    image.info["xmp"] = XMP.encode()
    assert exif.read(image).keywords == ("شاطئ", "beach", "sun")


def test_texts_and_keywords_are_bounded():
    read_facts = facts({BASE.ImageDescription: b"x" * 9000, BASE.Model: b"y" * 900, 0x9C9E: utf16("z" * 900)})
    assert (len(read_facts.caption), len(read_facts.camera)) == (exif.MAX_TEXT, exif.MAX_NAME)
    assert [len(word) for word in read_facts.keywords] == [exif.MAX_NAME]
    assert len(facts({0x9C9E: utf16(";".join(map(str, range(900))))}).keywords) == exif.MAX_KEYWORDS


@pytest.mark.parametrize("length", range(31_990, 32_010))
def test_a_long_text_may_be_cut_within_a_character(length):
    assert facts({BASE.ImageDescription: ("x" * (length % 3) + "雪" * 15_000).encode()[:length]}).caption.endswith("雪")


def test_control_characters_and_lone_surrogates_do_not_survive():
    read_facts = facts({0x9C9B: b"a\x1b\0b\0\x00\xd8c\0\n\0d\0"})
    read_facts.caption.encode()
    assert read_facts.caption.isprintable()
    assert facts({BASE.ImageDescription: b"two\r\nlines\x07"}).caption == "two lines"


TAGS = Image.Exif()
TAGS.update({BASE.Make: "Canon", BASE.ImageDescription: "caption", 0x9C9E: utf16("one;two")})
TAGS.get_ifd(ExifTags.IFD.Exif).update({BASE.DateTimeOriginal: ORIGINAL})
TAGS[ExifTags.IFD.GPSInfo] = place()
BLOCK = TAGS.tobytes()


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(BLOCK) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, len(BLOCK)),
)
@pytest.mark.filterwarnings("ignore:::PIL")
def test_damaged_exif_never_raises(changes, length):
    damaged = bytearray(BLOCK)
    for at, value in changes:
        damaged[at] = value
    image = Image.new("RGB", (8, 8))
    image.info["exif"] = bytes(damaged[:length])
    assert isinstance(exif.read(image), Facts)


@pytest.mark.filterwarnings("ignore:::PIL")
def test_damage_in_one_part_leaves_the_others():
    image = Image.new("RGB", (8, 8))
    image.info["exif"] = BLOCK.replace(ORIGINAL.encode(), b"\xff" * len(ORIGINAL))
    read_facts = exif.read(image)
    assert (read_facts.taken_at, read_facts.camera, read_facts.caption) == (None, "Canon", "caption")
    assert read_facts.latitude == pytest.approx(48.8581944, abs=1e-6)


def test_the_exposure_of_a_camera():
    values = {0x829D: 2.8, 0x829A: 1 / 250, 0x8827: 400, 0x920A: 23.0, 0xA405: 35, 0x9204: -0.5, 0x9209: 16}
    assert exif.read_exposure(picture(shot=values)) == exif.Exposure(2.8, 0.004, 400, 23.0, 35.0, -0.5, False)
    assert exif.read_exposure(picture()) == exif.Exposure()
    assert exif.read_exposure(picture(shot={0x8827: (100, 200)})).iso == 100


@pytest.mark.parametrize(
    "value", [0.0, IFDRational(0, 0), IFDRational(1, 0), IFDRational(2**32 - 1, 1), "text", b"\xff\0", (), (2.8, "x")]
)
def test_an_exposure_that_means_nothing_is_left_out(value):
    class Damaged:
        def getexif(self):
            return self

        def get_ifd(self, _):
            return dict.fromkeys((0x829D, 0x829A, 0x920A, 0xA405, 0x8827), value) | {0x9209: "on"}

    exposure = exif.read_exposure(Damaged())
    assert exposure.flash is None
    assert exposure.f_number in {None, 2.8} and exposure.exposure in {None, 2.8}
