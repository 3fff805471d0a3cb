import html
import json
import re
from html.parser import HTMLParser

import pytest
from evaluation_sets import paint, write_jsonl
from polyglance.answers.evaluation import Retrieval
from polyglance.datasets import load_retrieval
from polyglance.evaluation import published, report, retrieval
from polyglance.evaluation.report import document


@pytest.fixture
def reports(random_encoder, settings, tmp_path):
    """A report of 15 pictures with captions that would break a page, one of the pictures missing."""
    rows = []
    for number in range(16):
        name = f'{number} "<b>&.png'
        if number:
            paint(tmp_path / "set" / name, (16 * number, 90, 200 - 9 * number), number)
        captions = {
            "en": [f"<script>alert({number})</script> | a 'quote' & \"another\""],
            "ar": [f"صورة رقم {number}"],
            "ja": [f"写真{number}"],
        }
        rows.append({"image": name, "captions": captions})
    data = load_retrieval(write_jsonl(tmp_path / "set", rows))
    result = retrieval.evaluate(random_encoder, data, settings, tmp_path / "cache", allow_missing=True)
    paths = report.write(result, Retrieval.from_result(result).model_dump(), settings, tmp_path / "a" / "report")
    return {path.suffix: path.read_text(encoding="utf-8") for path in paths}


class Page(HTMLParser):
    """Checks that tags are balanced and collects them."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_json_holds_the_contract_and_the_rest(reports):
    written = json.loads(reports[".json"])
    assert list(written)[:6] == ["dataset", "encoder", "images", "texts", "languages", "mean"]
    assert (written["images"], written["texts"]) == (15, 45)
    assert [failure["reason"] for failure in written["failures"]] == ["is not there"]
    assert written["ann"] == {"recall": 1.0, "queries": 45, "vectors": 15}
    assert written["chance"]["ja"]["text_to_image"]["R@5"] == pytest.approx(100 * 5 / 15, abs=0.01)
    assert set(written["hubness"]["ar"]) == {"images", "texts"}
    assert len(written["consistency"]["pairs"]) == 3
    assert [cut["relevance"] for cut in written["relevance_cut"]["en"]] == [0.1, 0.5, 0.9]
    assert written["published"] == []


def test_the_worst_failures_are_the_last_ranks(reports):
    written = json.loads(reports[".json"])
    for way in ("text_to_image", "image_to_text"):
        assert {case["language"] for case in written["worst"][way]} == {"en", "ar", "ja"}
        for case in written["worst"][way]:
            assert 1 < case["rank"] <= case["of"] == 15
            assert len(case["found"]) == 3
            expected = [case["image"]] if way == "text_to_image" else case["texts"]
            assert not (case["rank"] > 3 and set(expected) & set(case["found"]))


def test_the_page_is_whole_and_needs_nothing_else(reports):
    page = Page(reports[".html"])
    tags = [tag for tag, _ in page.tags]
    assert tags.count("svg") == 2
    assert "script" not in tags and "link" not in tags and "b" in tags
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in reports[".html"] and "@import" not in reports[".html"]


def test_captions_and_names_are_text_not_markup(reports):
    page = Page(reports[".html"])
    assert any("<script>alert(" in text for text in page.texts)
    assert "<script" not in reports[".html"]
    assert 'title="' in reports[".html"] and '"<b>&' not in reports[".html"]
    assert html.escape('"<b>&') in reports[".html"]


def test_every_caption_says_its_language_and_lets_its_script_choose_the_direction(reports):
    page = Page(reports[".html"])
    arabic = [attributes for _, attributes in page.tags if attributes.get("lang") == "ar"]
    assert arabic and all(attributes["dir"] == "auto" for attributes in arabic)


def test_the_page_shows_thumbnails_of_what_was_wanted_and_what_was_found(reports):
    page = Page(reports[".html"])
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    worst = json.loads(reports[".json"])["worst"]
    assert len(images) == 4 * len(worst["text_to_image"]) + len(worst["image_to_text"])
    assert len(set(images)) > 5


def test_the_bars_are_as_long_as_the_figures(reports):
    written = json.loads(reports[".json"])["languages"]
    widths = re.findall(r'class="text_to_image c10" x="92" y="\d+" width="([\d.]+)"', reports[".html"])
    expected = [6.08 * figures["text_to_image"]["R@10"] for figures in written.values()]
    assert [float(width) for width in widths] == pytest.approx(expected, abs=0.06)


def test_the_markdown_has_the_figures_and_the_failures(reports):
    written = json.loads(reports[".json"])
    lines = reports[".md"].splitlines()
    for language, figures in [*written["languages"].items(), ("**mean**", written["mean"])]:
        (line,) = [
            line for line in lines if line.startswith(f"| {language} |") and line.endswith(f"{figures['MR']:.2f} |")
        ]
        assert f"| {figures['image_to_text']['R@5']:.2f} |" in line
    assert "## Pictures left out: 1" in lines
    tables = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in tables[:6]}) == 1


def as_published(encoder, dataset, pictures=1000, shift=0.0):
    """A contract document with the figures of the data set's last row."""
    languages = {}
    for row in published.retrieval():
        if row.dataset == dataset and row.MR is not None:
            both = {
                way: {k: v + shift for k, v in getattr(row, way).items()} for way in ("text_to_image", "image_to_text")
            }
            languages[row.language] = {**both, "MR": row.MR + shift}
    return {"dataset": dataset, "encoder": encoder, "images": pictures, "languages": languages}


def test_published_figures_stand_beside_ours_and_say_whether_they_agree():
    rows = {row["method"]: row for row in document.compare_published(as_published("altclip", "flickr30k", shift=0.3))}
    assert rows["AltCLIP"]["agrees"] is True and rows["AltCLIP"]["largest_difference"] == pytest.approx(0.3)
    assert rows["CLIP"]["agrees"] is None and rows["CLIP"]["largest_difference"] > 5
    rows = {row["method"]: row for row in document.compare_published(as_published("altclip", "flickr30k", shift=0.7))}
    assert rows["AltCLIP"]["agrees"] is False
    assert document.compare_published(as_published("altclip", "flickr30k", pictures=998)) == []


def test_published_figures_are_in_the_page_and_the_markdown(reports, settings):
    full = {**json.loads(reports[".json"]), **as_published("altclip", "flickr30k-cn")}
    for name in ("chance", "hubness", "relevance_cut"):
        full[name] = {"zh": full[name]["ja"]}
    full["published"] = document.compare_published(full)
    page = report.page.render(full, settings)
    assert 'class="published" d="' in page and "Wukong" in page and "AltCLIP README" in page
    line = next(line for line in report.markdown.render(full).splitlines() if "| AltCLIP |" in line)
    assert line.startswith("| zh | AltCLIP | 69.8 | 89.9 | 94.7 | 84.8 | 97.4 | 98.8 | 89.2 | 0.00 | yes |")
