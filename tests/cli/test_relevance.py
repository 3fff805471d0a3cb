"""Relevance in a small library of everyday pictures, with the embedded encoder."""

import pytest

CATS = ("cat", "猫", "gato", "chat", "кошка", "ネコ", "고양이", "قطة", "gatto")
MOTORCYCLES = ("motorcycle", "摩托车", "motocicleta", "moto", "мотоцикл", "オートバイ", "오토바이", "دراجة نارية")
ABSENT = ("banana", "长颈鹿", "elefante", "piano", "слон", "自転車", "자전거", "زرافة", "coccodrillo")


def names(answer):
    return {result["path"].rpartition("/")[2] for result in answer["results"]}


@pytest.mark.parametrize("query", CATS)
def test_only_the_cat_is_relevant_in_every_language(polyglance, indexed, query):
    answer = polyglance("--library", indexed, "search", query, "--relevant", "--json").json
    assert (names(answer), answer["relevant"]) == ({"chelsea.png"}, True)


@pytest.mark.parametrize("query", MOTORCYCLES)
def test_two_pictures_of_a_thing_are_both_relevant(polyglance, indexed, query):
    answer = polyglance("--library", indexed, "search", query, "--relevant", "--all", "--json").json
    assert names(answer) == {"motorcycle_left.png", "motorcycle_right.png"}


@pytest.mark.parametrize("query", ABSENT)
def test_what_is_not_there_is_said_to_be_absent(polyglance, indexed, query):
    assert "Nothing relevant was found; these are the nearest." in polyglance("--library", indexed, "search", query).err
    hidden = polyglance("--library", indexed, "search", query, "--relevant")
    assert hidden.out == ""
    assert "Nothing relevant was found. Without --relevant" in hidden.err


def test_a_line_divides_the_less_likely_ones_and_word_hits_have_no_percentage(polyglance, indexed):
    done = polyglance("--library", indexed, "search", "motorcycle", "--all", "-k", "20")
    assert done.err.count("Less relevant:") == 1
    lines = done.out.splitlines()
    assert [line for line in lines if "[" in line and "%" in line] == []
    assert any("%" in line for line in lines)
    answer = polyglance("--library", indexed, "search", "motorcycle", "--all", "-k", "20", "--json").json
    verdicts = [result["verdict"] for result in answer["results"]]
    assert set(verdicts) > {"unlikely"}
    assert verdicts.index("unlikely") == len(verdicts) - verdicts.count("unlikely")
    absent = polyglance("--library", indexed, "search", "banana")
    assert "Less relevant:" not in absent.err
