import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image
from polyglance import Library
from polyglance.data.sample import EXPECTED, WORDS


def test_index_reports_the_contract(polyglance, sample):
    first = polyglance("index", sample, "--encoder", "lite", "--json")
    assert first.code == 0
    assert set(first.json) == {
        "added",
        "changed",
        "moved",
        "removed",
        "unchanged",
        "failed",
        "missing",
        "seconds",
        "images_per_second",
        "encoder",
        "busy",
    }
    assert (first.json["added"], first.json["failed"], first.json["encoder"]) == (21, 0, "lite")
    second = polyglance("index", sample, "--json").json
    assert (second["added"], second["unchanged"]) == (0, 21)


def test_index_with_a_profile_shows_each_stage_and_what_limits(polyglance, sample, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sorted(sample.iterdir())[:3]:
        shutil.copy(path, folder)
    shown = polyglance("index", folder, "--encoder", "lite", "--profile")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[1].split() == ["stage", "pictures", "wall", "s", "CPU", "s", "pictures/s", "share"]
    assert [line.split()[0] for line in lines[2:-1]] == [
        *("read", "decode", "resize", "thumbnail", "deliver", "load", "encode", "commit")
    ]
    assert sum("limits the run" in line for line in lines) == 1
    assert "nothing to profile" in polyglance("index", "--profile").err
    profile = polyglance("index", "--profile", "--json").json["profile"]
    assert (profile["limit"], profile["stages"][0]["pictures"]) == (None, 0)
    assert "profile" not in polyglance("index", "--json").json


@pytest.mark.parametrize(("language", "words"), WORDS.items())
def test_the_same_four_things_come_first_in_every_language(polyglance, indexed, language, words):
    for word, expected in zip(words, EXPECTED, strict=True):
        answer = polyglance("search", word, "--library", indexed, "--json").json
        assert os.path.basename(answer["results"][0]["path"]).startswith(expected), word


def test_search_reports_the_contract(polyglance, indexed):
    answer = polyglance("--library", indexed, "--json", "search", "a", "cup", "of", "coffee", "-k", 3).json
    assert set(answer) == {
        "query",
        "language",
        "encoder",
        "took_ms",
        "results",
        "next",
        "changed",
        "relevant",
        "partial",
    }
    assert (answer["query"], answer["language"], answer["encoder"]) == ("a cup of coffee", "en", "lite")
    assert set(answer["took_ms"]) == {"encode", "search", "total"}
    assert [result["rank"] for result in answer["results"]] == [1, 2, 3]
    best = answer["results"][0]
    assert set(best) == {
        "rank",
        "id",
        "path",
        "score",
        "relevance",
        "taken_at",
        "width",
        "height",
        "why",
        "count",
        "verdict",
    }
    assert (best["width"], best["height"]) == (600, 400)
    assert os.path.isabs(best["path"])
    scores = [result["score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= result["relevance"] <= 1 for result in answer["results"])


def test_search_for_people_has_one_photo_a_line(polyglance, indexed):
    done = polyglance("search", "gatto", "-k", 2, "--library", indexed)
    assert done.code == 0
    assert len(done.out.splitlines()) == 2
    assert done.out.splitlines()[0].endswith("chelsea.png")
    assert "[Italian]" in done.err
    assert "lite encoder" in done.err


def test_similar_by_file_and_by_id(polyglance, indexed, sample):
    by_file = polyglance("similar", sample / "motorcycle_left.png", "--library", indexed, "--json").json
    names = [os.path.basename(result["path"]) for result in by_file["results"]]
    assert names[:2] == ["motorcycle_left.png", "motorcycle_right.png"]
    photo_id = by_file["results"][0]["id"]
    by_id = polyglance("similar", photo_id, "--library", indexed, "--json").json
    assert os.path.basename(by_id["results"][0]["path"]) == "motorcycle_right.png"
    assert photo_id not in [result["id"] for result in by_id["results"]]


def test_match_gives_probabilities(polyglance, sample):
    done = polyglance("match", sample / "chelsea.png", "a cat", "un cohete", "摩托车", "--encoder", "lite", "--json")
    assert done.json["encoder"] == "lite"
    texts = {scored["text"]: scored["probability"] for scored in done.json["texts"]}
    assert max(texts, key=texts.get) == "a cat"
    assert abs(sum(texts.values()) - 1) < 1e-5


def test_status_reports_the_contract(polyglance, indexed, sample):
    status = polyglance("status", "--library", indexed, "--json").json
    assert set(status) == {
        "photos",
        "failed",
        "roots",
        "encoder",
        "dimension",
        "index",
        "generation",
        "watch",
        "library",
    }
    assert status["photos"] == 21
    assert status["roots"] == [{"path": str(sample), "state": "online", "photos": 21, "missing": 0}]
    assert status["encoder"] == "lite"


def test_encoders_lists_what_there_is(polyglance):
    listed = {encoder["name"]: encoder for encoder in polyglance("encoders", "--json").json}
    assert listed["lite"]["ready"]
    assert {"altclip", "altclip-m9", "altclip-m18"} <= set(listed)
    assert listed["altclip-m9"]["dimension"] == 768
    assert polyglance("encoders").out.startswith("lite")


def test_bad_files_end_with_code_3_and_their_reasons(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (64, 64), "red").save(photos / "good.png")
    (photos / "bad.jpg").write_text("no picture")
    done = polyglance("index", photos, "--encoder", "lite")
    assert done.code == 3
    assert "1 added, 1 failed" in done.out
    (line,) = [line for line in done.err.splitlines() if "bad.jpg" in line]
    assert "not a picture" in line
    second = polyglance("index", photos)
    assert (second.code, second.out.split(" in ")[0]) == (0, "1 unchanged")
    assert "1 files could not be read before" in second.err
    listed = polyglance("status", "--failed", "--json").json["failures"]
    assert [os.path.basename(failure["path"]) for failure in listed] == ["bad.jpg"]


def test_hostile_file_names_are_shown_harmlessly(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in (b"two\nlines.png", b"\xff\xfe.png", "📷 صورة.png".encode(), b"\x1b[31mred.png"):
        with open(os.path.join(os.fsencode(photos), name), "wb") as file:
            Image.new("RGB", (64, 64), "blue").save(file, "PNG")
    assert polyglance("index", photos, "--encoder", "lite", "--json").json["added"] == 4
    listing = polyglance("search", "blue", "--all", "-k", 4).out
    assert len(listing.splitlines()) == 4
    assert "\x1b" not in listing
    paths = {
        os.path.basename(result["path"]) for result in polyglance("search", "blue", "--all", "--json").json["results"]
    }
    assert paths == {"two\\nlines.png", "\\xff\\xfe.png", "📷 صورة.png", "\\x1b[31mred.png"}


def test_forget_drops_a_folder(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (64, 64), "red").save(photos / "a.png")
    polyglance("index", photos, "--encoder", "lite")
    polyglance("favourite", "1")
    would = polyglance("forget", photos, "--dry-run", "--json")
    assert would.json == {"forgotten": 0, "photos": 1, "favourites": 1}
    assert "This drops 1 photos from the library" in would.err
    assert "Favourites among them: 1; they are marked again when they return." in would.err
    assert polyglance("status", "--json").json["photos"] == 1
    assert polyglance("forget", photos, "--json").json["forgotten"] == 1
    assert polyglance("status", "--json").json["roots"] == []
    assert (photos / "a.png").exists()
    assert polyglance("forget", photos).code == 2


def test_forgotten_and_excluded_favourites_are_so_again_when_they_return(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (64, 64), "red").save(photos / "a.png")
    shutil.copy(photos / "a.png", photos / "copy.png")
    Image.new("RGB", (64, 64), "blue").save(photos / "b.png")
    polyglance("index", photos, "--encoder", "lite")
    number = next(result["id"] for result in polyglance("search", "--type", "png", "--json").json["results"])
    marked = {result["id"] for result in polyglance("search", "--is", "favourite", "--json").json["results"]}
    assert marked == set()
    message = polyglance("favourite", str(number)).err
    before = len(polyglance("search", "--is", "favourite", "--all", "--json").json["results"])
    assert ("and 1 with the same bytes" in message) == (before == 2)
    for change in (("forget", photos), ("exclude", "*.png")):
        assert polyglance(*change).code == 0
        polyglance("index", photos)
        polyglance("exclude", "*.png", "--remove")
        polyglance("index", photos)
        assert len(polyglance("search", "--is", "favourite", "--all", "--json").json["results"]) == before


def test_most_of_a_folder_is_removed_only_with_yes(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(56):  # they fail, and are files of the folder all the same
        (photos / f"{number}.png").write_text(f"no picture {number}")
    Image.new("RGB", (64, 64), "red").save(photos / "a.png")
    polyglance("index", photos, "--encoder", "lite")
    for number in range(56):
        (photos / f"{number}.png").unlink()
    left = polyglance("index", photos, "--json")
    assert (left.code, left.json["removed"], left.json["missing"]) == (3, 0, 56)
    result = polyglance("index", photos)
    assert (result.code, f"polyglance index {photos} --yes" in result.err) == (3, True)
    assert polyglance("status", "--json").json["roots"][0]["missing"] == 56
    assert "56 of them were not found and are kept" in polyglance("status").out
    done = polyglance("index", photos, "--yes", "--json")
    assert (done.code, done.json["removed"], done.json["missing"]) == (0, 56, 0)
    assert polyglance("status", "--json").json["roots"][0]["missing"] == 0


def test_a_folder_in_the_library_is_refused_before_anything_is_made(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    done = polyglance("index", photos, "--library", photos)
    assert (done.code, os.listdir(photos)) == (2, [])
    assert "is the library's own folder" in done.err


def test_demo_finds_all_in_nine_languages(polyglance):
    done = polyglance("demo", "--no-serve")
    assert done.code == 0
    assert "Found by meaning: 36 of 36 first." in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "cat"], 2, "There is no library at .* Run 'polyglance index FOLDER'"),
        (["status"], 2, "There is no library"),
        (["index", "/no/such/folder"], 2, "There is no folder /no/such/folder. Check the spelling"),
        (["index", __file__], 2, "is a file, not a folder. Give the folder it is in"),
        (["index"], 2, "There is no library at .* Run 'polyglance index FOLDER'"),
        (["serach", "cat"], 2, "No such command 'serach'"),
        (["index", ".", "--encoder", "no-such-encoder"], 2, "no-such-encoder.*lite"),
        (["match", "/no/such/picture.jpg", "a", "b", "--encoder", "lite"], 2, "There is no file /no/such/picture.jpg"),
        (["match", "/", "a", "b", "--encoder", "lite"], 2, "is a folder, not a picture"),
        (["encoders", "pull", "no-such-encoder"], 2, "no-such-encoder"),
    ],
)
def test_wrong_use_is_one_line_with_the_next_step(polyglance, arguments, code, message):
    done = polyglance(*arguments)
    assert done.code == code
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("Error: ")
    import re

    assert re.search(message, line), line


@pytest.mark.parametrize(
    ("query", "message"),
    [("", "The query is empty"), (" \n ", "The query is empty"), ("x" * (1 << 20), "1,048,576 characters")],
)
def test_bad_queries(polyglance, indexed, query, message):
    done = polyglance("search", query, "--library", indexed)
    assert done.code == 2
    assert message in done.err


def test_another_encoder_needs_reencode(polyglance, indexed, sample):
    done = polyglance("index", sample, "--encoder", "altclip-m9", "--library", indexed)
    assert done.code == 2
    assert "polyglance reencode --encoder altclip-m9" in done.err


def test_a_folder_that_is_missing_makes_no_library(polyglance, tmp_path):
    polyglance("index", tmp_path / "nowhere")
    assert not (tmp_path / "library").exists()


def test_an_id_beyond_all_ids_is_no_photo(polyglance, indexed):
    done = polyglance("similar", "9" * 30, "--library", indexed)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "No photo has the id" in done.err


@pytest.mark.parametrize(("value", "code"), [("abc", 2), ("", 0)])
def test_a_wrong_setting_is_named_and_an_empty_one_ignored(polyglance, indexed, monkeypatch, value, code):
    monkeypatch.setenv("POLYGLANCE_PORT", value)
    done = polyglance("status", "--library", indexed)
    assert done.code == code
    assert ("POLYGLANCE_PORT" in done.err) == (code == 2)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done_and_says_so(tmp_path, sample):
    command = [sys.executable, "-m", "polyglance", "index", str(sample), "--encoder", "lite"]
    library = {**os.environ, "POLYGLANCE_LIBRARY": str(tmp_path / "library"), "POLYGLANCE_BATCH_SIZE": "1"}
    process = subprocess.Popen(command, env=library, stderr=subprocess.PIPE, text=True)
    with Library.open(tmp_path / "library") as watcher:
        while watcher.status().photos < 2:
            time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    # A slow machine says how far it is before.
    assert message.splitlines()[-1] == "Error: Stopped. What was done is kept; run the same command to go on."
    assert message.count("Error") == 1 and "Traceback" not in message


def test_names_that_are_no_text_leave_the_json_valid(polyglance, tmp_path, sample):
    odd = os.path.join(os.fsencode(tmp_path), b"\xff.png")
    shutil.copy(sample / "coffee.png", odd)
    done = polyglance("match", os.fsdecode(odd), "coffee", "tea", "--encoder", "lite", "--json")
    assert done.json["image"].endswith("\\xff.png")
    done.out.encode()
