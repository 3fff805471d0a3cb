import threading

import numpy as np
import pytest
from polyglance.search import texts as module
from polyglance.search.texts import Texts


class Encoder:
    """Keeps what it was asked for; waits, if told to, before it answers."""

    def __init__(self):
        self.batches = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.fails = 0

    def encode_texts(self, texts):
        self.batches.append(list(texts))
        assert self.may_answer.wait(10)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no memory")
        return np.array([[len(text), sum(map(ord, text))] for text in texts], np.float32).reshape(len(texts), 2)


@pytest.fixture
def encoder():
    return Encoder()


def until(condition):
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never happened")


def in_threads(texts, many):
    results = {}

    def ask(asked):
        try:
            results[tuple(asked)] = texts.encode(asked)
        except RuntimeError as error:
            results[tuple(asked)] = error

    threads = [threading.Thread(target=ask, args=(asked,)) for asked in many]
    for thread in threads:
        thread.start()
    return threads, results


def test_each_text_is_encoded_once(encoder):
    texts = Texts(encoder)
    first = texts.encode(["a", "雪山"])
    assert np.array_equal(texts.encode(["雪山", "b", "a", "a"])[[2, 0]], first)
    assert encoder.batches == [["a", "雪山"], ["b"]]


def test_waiting_texts_are_encoded_in_one_batch_and_each_caller_gets_its_own(encoder):
    texts = Texts(encoder)
    encoder.may_answer.clear()
    threads, results = in_threads(texts, [["first"]])
    until(lambda: encoder.batches)
    more, others = in_threads(texts, [[f"text {number}"] for number in range(20)] + [["text 3", "first"]])
    until(lambda: len(texts._waiting) == 21)
    encoder.may_answer.set()
    for thread in threads + more:
        thread.join(10)
    assert [len(batch) for batch in encoder.batches] == [1, 20]
    results |= others
    assert len(results) == 22
    for asked, vectors in results.items():
        assert vectors.tolist() == [[len(text), sum(map(ord, text))] for text in asked]


def test_a_failure_is_raised_in_one_thread_and_the_others_continue(encoder):
    texts = Texts(encoder)
    encoder.may_answer.clear()
    encoder.fails = 1
    threads, results = in_threads(texts, [["first"]])
    until(lambda: encoder.batches)
    more, others = in_threads(texts, [["second"], ["third"]])
    until(lambda: len(texts._waiting) == 2)
    encoder.may_answer.set()
    for thread in threads + more:
        thread.join(10)
    assert isinstance(results["first",], RuntimeError)
    assert [others["second",].shape, others["third",].shape] == [(1, 2), (1, 2)]
    assert texts.encode(["first"]).shape == (1, 2)


def test_the_cache_is_bounded_and_drops_the_least_recently_used(encoder, monkeypatch):
    monkeypatch.setattr(module, "CACHED_TEXTS", 3)
    texts = Texts(encoder)
    for asked in (["a"], ["b"], ["c"], ["a"], ["d"]):
        texts.encode(asked)
    encoder.batches.clear()
    texts.encode(["a"])
    texts.encode(["b"])
    assert encoder.batches == [["b"]]
    assert len(texts.encode(list("hijklm"))) == 6
    assert len(texts._vectors) == 3
