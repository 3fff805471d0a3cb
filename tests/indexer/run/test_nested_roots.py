import children
import colour_encoder
import pytest
from colour_encoder import picture
from compare import assert_equals_disk
from polyglance.encoders import registry


@pytest.mark.parametrize("known_before", [False, True])
def test_a_root_that_was_excluded_in_another_is_not_found_twice_when_it_no_longer_is(
    photos, tmp_path, monkeypatch, known_before
):
    monkeypatch.setattr(registry, "create", colour_encoder.create)
    picture(photos / "a.png", 1)
    picture(photos / "apart" / "b.png", 2)
    with children.opened(tmp_path / "library") as library:
        if known_before:
            library.index([photos])
        library.exclude(["apart/"])
        library.index([photos] if not known_before else [photos / "apart"])
        library.index([photos / "apart"])
        assert len(library.status().roots) == 2
        library.exclude([])
        assert len(library.status().roots) == 1
        report = library.index([photos])
    assert report.tally.encoded == 0
    assert_equals_disk(tmp_path / "library", photos)
