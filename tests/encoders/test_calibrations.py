"""Stored calibrations: one file for each fingerprint."""

import dataclasses
import logging

import pytest
from polyglance.encoders import calibrations
from polyglance.encoders.base import Fingerprint, Margin

FINGERPRINT = Fingerprint("weights", "mean", 4, "l2", "float32")
MARGIN = Margin(81.5, 6.25)


def test_what_was_written_is_read_again(tmp_path):
    file = calibrations.write(tmp_path / "new folder", "mine", FINGERPRINT, MARGIN)
    assert file.is_relative_to(tmp_path / "new folder")
    assert calibrations.read(tmp_path / "new folder", FINGERPRINT) == MARGIN
    assert calibrations.encoder_names(tmp_path / "new folder") == {"mine"}


@pytest.mark.parametrize("change", [{"weights": "others"}, {"text": "other words"}])
def test_it_belongs_to_both_sides_of_the_fingerprint(tmp_path, change):
    calibrations.write(tmp_path, "mine", FINGERPRINT, MARGIN)
    assert calibrations.read(tmp_path, dataclasses.replace(FINGERPRINT, **change)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"slope": 1}', '{"slope": "x", "offset": 1}'])
def test_a_damaged_file_is_not_used_and_said_so(tmp_path, caplog, text):
    calibrations.path(tmp_path, FINGERPRINT).write_text(text)
    with caplog.at_level(logging.WARNING):
        assert calibrations.read(tmp_path, FINGERPRINT) is None
    assert "run 'polyglance calibrate' again" in caplog.text
    assert calibrations.encoder_names(tmp_path) == frozenset()
