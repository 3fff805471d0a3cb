import pytest
from evaluation_sets import paint
from polyglance.datasets import load_classification, prompts
from polyglance.errors import DataError, DataMissing, UsageError

TENCH, GOLDFISH, SHARK = "n01440764", "n01443537", "n01484850"


def tree(root, *folders, suffix="JPEG", count=2):
    for folder in folders:
        for number in range(count):
            paint(root / folder / f"{folder}_{number}.{suffix}", (number, 50, 50), number)
    return root


@pytest.mark.parametrize(
    ("name", "inner", "suffix"),
    [
        ("imagenet", "val", "JPEG"),
        ("imagenet", "", "JPEG"),
        ("imagenet-a", "imagenet-a", "jpg"),
        ("imagenet-r", "imagenet-r", "jpg"),
        ("imagenet-sketch", "sketch", "JPEG"),
    ],
)
def test_folders_named_by_wordnet_define_the_classes(tmp_path, name, inner, suffix):
    tree(tmp_path / inner, SHARK, TENCH, suffix=suffix)
    (tmp_path / inner / "README.txt").write_text("as in -A and -R")
    (tmp_path / inner / TENCH / ".hidden").write_text("no picture")
    data = load_classification(name, tmp_path)
    assert (data.name, data.classes, data.labels) == (name, (TENCH, SHARK), (0, 0, 1, 1))
    assert [path.parent.name for path in data.images] == [TENCH, TENCH, SHARK, SHARK]


def test_v2_numbers_its_folders(tmp_path):
    root = tree(tmp_path / "imagenetv2-matched-frequency-format-val", "0", "10", "2", suffix="jpeg", count=1)
    data = load_classification("imagenet-v2", tmp_path)
    synsets = list(prompts.imagenet_classes())
    assert data.classes == (synsets[0], synsets[2], synsets[10])
    assert [path.parent.name for path in data.images] == ["0", "2", "10"]
    assert data.classes[0] == TENCH
    (root / "1000").mkdir()
    with pytest.raises(DataError, match=r"1000: ImageNet-V2's folders are numbered 0 to 999"):
        load_classification("imagenet-v2", tmp_path)


def test_a_tree_of_ones_own_is_named_by_its_folders(tmp_path):
    data = load_classification("imagefolder", tree(tmp_path, "guinea_pig", "cat", suffix="png"))
    assert data.classes == ("cat", "guinea_pig")
    assert [name.bare for name in prompts.class_names("imagefolder", data.classes, "en")] == ["cat", "guinea pig"]


def test_an_empty_class_is_named(tmp_path):
    (tree(tmp_path, TENCH) / GOLDFISH).mkdir()
    (tmp_path / GOLDFISH / "notes.txt").write_text("no picture")
    with pytest.raises(DataError, match=f"{GOLDFISH}: the class has no picture"):
        load_classification("imagenet-r", tmp_path)


def test_other_folders_are_named(tmp_path):
    tree(tmp_path, TENCH, "n99999999")
    with pytest.raises(DataError, match=r"n99999999: no class of ImageNet has this WordNet id"):
        load_classification("imagenet", tmp_path)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(DataMissing, match=r"There is no folder"):
        load_classification("imagenet", tmp_path / "nowhere")
    with pytest.raises(DataMissing, match=r"There are no class folders"):
        load_classification("imagenet", tmp_path)
    with pytest.raises(UsageError, match=r"There is no data set 'mnist'. There are: cifar10, imagenet"):
        load_classification("mnist", tmp_path)
    with pytest.raises(UsageError, match=r"imagenet has no splits here"):
        load_classification("imagenet", tmp_path, "train")
