import os
import pickle
import tarfile

import numpy as np
import pytest
from evaluation_sets import CIFAR_CLASSES, cifar_batch, write_cifar
from polyglance.datasets import load_classification
from polyglance.errors import DataError, DataMissing, UsageError


def test_the_folder_and_the_archive_are_the_same(cifar10, cifar10_archive, tmp_path):
    data = load_classification("cifar10", cifar10)
    assert (data.name, len(data.images), data.classes) == ("cifar10", 20, tuple(CIFAR_CLASSES))
    assert data.labels == tuple(n % 10 for n in range(20))
    (tmp_path / "download").mkdir()
    os.link(cifar10_archive, tmp_path / "download" / "cifar-10-python.tar.gz")
    for path in (cifar10.parent, cifar10_archive, tmp_path / "download"):
        from_archive = load_classification("cifar10", path)
        assert from_archive.labels == data.labels
        assert all((left.rgb == right.rgb).all() for left, right in zip(from_archive.images, data.images, strict=True))


def test_the_train_split_is_the_five_batches(cifar10):
    data = load_classification("cifar10", cifar10, "train")
    assert len(data.images) == 50
    assert data.images[10].name == "data_batch_2:0"
    with pytest.raises(UsageError, match=r"no split 'val'. Splits: test, train"):
        load_classification("cifar10", cifar10, "val")


def test_bytes_are_red_then_green_then_blue_row_by_row(tmp_path):
    batch = cifar_batch(list(range(10)))
    batch[b"data"][3] = np.concatenate([np.full(1024, value, np.uint8) for value in (200, 100, 50)])
    batch[b"data"][3][5] = 7  # red of row 0, column 5
    image = load_classification("cifar10", write_cifar(tmp_path, test_batch=batch)).images[3].image()
    assert (image.size, image.getpixel((0, 0)), image.getpixel((5, 0))) == ((32, 32), (200, 100, 50), (7, 100, 50))


def test_a_broken_archive_is_one_line(cifar10_archive):
    whole = cifar10_archive.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no archive at all", whole[:500] + b"\0" * 500 + whole[1000:]):
        cifar10_archive.write_bytes(damaged)
        with pytest.raises(DataError, match=r"cifar-10-python.tar.gz is no whole .tar.gz .* Fetch it again") as caught:
            load_classification("cifar10", cifar10_archive)
        assert "\n" not in str(caught.value)


def test_an_archive_without_a_batch_names_it(cifar10, tmp_path):
    archive = tmp_path / "some.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar10 / "batches.meta", "cifar-10-batches-py/batches.meta")
    with pytest.raises(DataMissing, match=r"There is no test_batch in .*some.tar.gz"):
        load_classification("cifar10", archive)
    (cifar10 / "test_batch").unlink()
    with pytest.raises(DataMissing, match=r"test_batch cannot be read: No such file"):
        load_classification("cifar10", cifar10)
    with pytest.raises(DataMissing, match=r"no batches.meta and no cifar-10-python.tar.gz"):
        load_classification("cifar10", tmp_path / "nowhere")


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_in_a_batch_is_not_run(cifar10, tmp_path, protocol):
    harm = {b"data": Harm(str(tmp_path / "harm")), b"labels": []}
    (cifar10 / "test_batch").write_bytes(pickle.dumps(harm, protocol=protocol))
    with pytest.raises(DataError, match=r"test_batch is no batch of CIFAR-10: it asks for .*open"):
        load_classification("cifar10", cifar10)
    assert not (tmp_path / "harm").exists()


BAD = {
    "fewer labels": ({b"labels": [0] * 9}, "10 pictures but 9 labels"),
    "a label too high": ({b"labels": [0] * 9 + [10]}, "picture 9 has the label 10, outside 0 to 9"),
    "no data": ({b"data": None}, r"data is not \(n, 3072\) bytes"),
    "another shape": ({b"data": np.zeros((10, 3071), np.uint8)}, r"data is not \(n, 3072\) bytes"),
    "an empty class": (
        {b"labels": [0, 1, 2, 3, 4, 5, 7, 7, 8, 9]},
        "the test split has no picture of the class 'frog'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_batches_that_do_not_add_up_are_refused(tmp_path, case):
    changed, message = BAD[case]
    place = write_cifar(tmp_path, test_batch={**cifar_batch(list(range(10))), **changed})
    with pytest.raises(DataError, match=message) as caught:
        load_classification("cifar10", place)
    assert str(place) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x80", b"garbage", pickle.dumps([1], 2), pickle.dumps({}, 2)])
def test_damaged_batches_are_one_line(cifar10, content):
    (cifar10 / "batches.meta").write_bytes(content)
    with pytest.raises(DataError, match=r"batches.meta (is no batch|has no label_names)"):
        load_classification("cifar10", cifar10)
