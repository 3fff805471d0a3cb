"""Addresses of roots in object storage: kept in one form, or refused in one line that repeats no password."""

import pytest
from polyglance.data import paths
from polyglance.errors import FolderError


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("s3://bucket", b"s3://bucket"),
        ("S3://bucket/", b"s3://bucket"),
        ("gs://bucket/a/b/", b"gs://bucket/a/b"),
        ("az://container/two words/雪山/100 %", "az://container/two words/雪山/100 %".encode()),
    ],
)
def test_an_address_has_one_form(address, kept):
    assert paths.absolute(address) == kept
    assert paths.absolute(kept) == kept
    assert paths.relative_to(paths.join(kept, b"a/b.jpg"), kept) == b"a/b.jpg"


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3:///prefix",
        "s3://bucket//prefix",
        "s3://bucket/a//b",
        "s3://bucket/a//",
        "s3://bucket/../other",
        "s3://bucket/./a",
        "s3://user:secret@bucket/a",
        "s3://bucket/a?token=secret",
        "s3://bucket/a#secret",
        "s3://bucket/a\nb",
        b"s3://bucket/\xff",
        "http://host/secret",
        "file:///home",
        "ftp://host/a",
    ],
)
def test_what_cannot_be_a_root_is_refused_in_one_line(address):
    with pytest.raises(FolderError) as raised:
        paths.absolute(address)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.hint


def test_a_folder_whose_name_has_a_colon_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.absolute("s3:bucket") == bytes(tmp_path / "s3:bucket")
