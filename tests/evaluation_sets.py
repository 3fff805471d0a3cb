"""Two small real encoders, and data sets in exactly the layouts they are published in. A pytest plugin."""

import hashlib
import json
import pickle
import tarfile
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders.base import Card, Fingerprint, checked

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 180, 40),
    "blue": (40, 60, 220),
    "yellow": (230, 220, 40),
    "black": (5, 5, 5),
    "white": (250, 250, 250),
}
WORDS = {
    "en": ("red", "green", "blue", "yellow", "black", "white"),
    "zh": ("红", "绿", "蓝", "黄", "黑", "白"),
    "es": ("rojo", "verde", "azul", "amarillo", "negro", "blanco"),
    "fr": ("rouge", "vert", "bleu", "jaune", "noir", "blanc"),
    "ru": ("красный", "зелёный", "синий", "жёлтый", "чёрный", "белый"),
    "ja": ("赤い", "緑の", "青い", "黄色い", "黒い", "白い"),
    "ko": ("빨간", "초록", "파란", "노란", "검은", "하얀"),
    "ar": ("أحمر", "أخضر", "أزرق", "أصفر", "أسود", "أبيض"),
    "it": ("rosso", "verde", "blu", "giallo", "nero", "bianco"),
}


@dataclass
class ColourEncoder:
    """Pictures by their mean colour, texts by the colour they name in any of the nine languages; counts its work."""

    name: str = "colour"
    dimension: int = 4
    card = Card(languages=tuple(WORDS))
    image_side: int = 32
    logit_scale: float = 10.0
    images: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def fingerprint(self):
        return Fingerprint(self.name, "mean", self.dimension, "l2", "float32")

    def encode_images(self, images):
        self.images += len(images)
        return self._unit([np.asarray(image).mean((0, 1)) for image in images])

    def encode_texts(self, texts):
        self.texts += texts
        return self._unit([np.array(self._named(text)) for text in texts])

    def _named(self, text):
        for words in WORDS.values():
            for word, colour in zip(words, COLOURS.values(), strict=True):
                if word in text:
                    return colour
        return (128, 128, 128)

    def _unit(self, rows):
        full = np.array([[*(row - 128.0), 20.0] for row in rows], np.float32).reshape(-1, 4)
        return checked(full / np.linalg.norm(full, axis=1, keepdims=True), len(full), 4)


@dataclass
class RandomEncoder:
    """Knows nothing: every content has a vector of its own, drawn from its hash."""

    name: str = "random"
    dimension: int = 32
    card = Card(languages=("en", "zh"))
    image_side: int = 32
    logit_scale: float = 10.0

    @property
    def fingerprint(self):
        return Fingerprint(self.name, "hash", self.dimension, "l2", "float32")

    def encode_images(self, images):
        return self._draw([image.tobytes() for image in images])

    def encode_texts(self, texts):
        return self._draw([text.encode() for text in texts])

    def _draw(self, contents):
        seeds = [int.from_bytes(hashlib.sha256(content).digest()[:8], "big") for content in contents]
        rows = np.array([np.random.default_rng(seed).normal(size=32) for seed in seeds], np.float32).reshape(-1, 32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def colour():
    return ColourEncoder()


@pytest.fixture
def random_encoder():
    return RandomEncoder()


@pytest.fixture
def settings():
    return Settings(batch_size=4, decode_workers=2)


def paint(path, colour, number=0):
    """A picture of one colour; the number, in one pixel, makes its bytes its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (40, 32), colour)
    image.putpixel((0, 0), (number % 256, number // 256, 77))
    image.save(path)
    return path


def write_jsonl(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "captions.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def stamps(tmp_path):
    """Six colours with a caption in each of the nine languages, in our own format."""
    folder = tmp_path / "stamps"
    rows = []
    for number, (name, colour) in enumerate(COLOURS.items()):
        paint(folder / "images" / f"{name}.png", colour, number)
        rows.append({"image": f"images/{name}.png", "captions": {code: [w[number]] for code, w in WORDS.items()}})
    return write_jsonl(folder, rows)


@pytest.fixture
def flickr30k(tmp_path):
    """Karpathy's `dataset_flickr30k.json` with five sentences a picture, and pictures in `flickr30k-images`."""
    folder = tmp_path / "flickr30k"
    images = []
    for number, (name, colour) in enumerate(COLOURS.items()):
        split = "train" if name == "white" else "test"
        paint(folder / "flickr30k-images" / f"{1000092795 + number}.jpg", colour, number)
        sentences = [
            {"tokens": [name], "raw": f"Something {name}, {turn}.", "imgid": number, "sentid": 5 * number + turn}
            for turn in range(5)
        ]
        images.append(
            {
                "sentids": [5 * number + turn for turn in range(5)],
                "imgid": number,
                "sentences": sentences,
                "split": split,
                "filename": f"{1000092795 + number}.jpg",
            }
        )
    file = folder / "dataset_flickr30k.json"
    file.write_text(json.dumps({"images": images, "dataset": "flickr30k"}), encoding="utf-8")
    return file


@pytest.fixture
def flickr30k_cn(tmp_path):
    """Flickr30k-CNA's `test/flickr30k_cn_test.txt`: `NAME.jpg#N<TAB>caption`."""
    folder = tmp_path / "Flickr30k-CNA"
    lines = []
    for number, colour in enumerate(COLOURS.values()):
        name = f"{1007129816 + number}.jpg"
        paint(folder / "flickr30k-images" / name, colour, number)
        lines += [f"{name}#{turn}\t一个{WORDS['zh'][number]}色的东西，第{turn}句" for turn in range(5)]
    (folder / "test").mkdir()
    (folder / "test" / "flickr30k_cn_test.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def xtd10(tmp_path):
    """The repository: XTD10, MIC's English and French, STAIR's Japanese as `jp`, pictures as in MS-COCO."""
    root = tmp_path / "Cross-lingual-Test-Dataset-XTD10"
    names = []
    for number, colour in enumerate(COLOURS.values()):
        half = "train2014" if number % 2 else "val2014"
        names.append(f"COCO_{half}_{number:012}.jpg")
        paint(root / "images" / half / names[-1], colour, number)
    (root / "XTD10").mkdir()
    (root / "XTD10" / "test_image_names.txt").write_text("\n".join(names) + "\n")
    places = {"en": "MIC", "fr": "MIC", "ja": "STAIR"}
    for code, words in WORDS.items():
        if code != "ar":
            folder = root / places.get(code, "XTD10")
            folder.mkdir(exist_ok=True)
            published = "jp" if code == "ja" else code
            (folder / f"test_1kcaptions_{published}.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def crossmodal(tmp_path):
    """Crossmodal-3600's `captions.jsonl`, two captions in each of the nine languages and some in others."""
    folder = tmp_path / "crossmodal3600"
    rows = []
    for number, (name, colour) in enumerate(COLOURS.items()):
        key = hashlib.md5(name.encode()).hexdigest()[:16]
        paint(folder / "images" / f"{key}.jpg", colour, number)
        row = {"image/key": key, "image/locale": "en"}
        for code in (*WORDS, "de", "quz"):
            word = WORDS.get(code, WORDS["en"])[number]
            texts = [f"{word} 1", f"{word} 2"]
            row[code] = {"caption": texts, "caption/tokenized": texts, "caption/tokenized/lowercase": texts}
        rows.append(row)
    return write_jsonl(folder, rows)


@pytest.fixture
def coco_cn(tmp_path):
    """COCO-CN's human-written captions of all splits, and the list of the test pictures."""
    folder = tmp_path / "coco-cn-version1805v1.1"
    folder.mkdir()
    captions, test = [], []
    for number, colour in enumerate(COLOURS.values()):
        half = "train2014" if number % 2 else "val2014"
        name = f"COCO_{half}_{number:012}"
        paint(folder / half / f"{name}.jpg", colour, number)
        captions += [f"{name}#{turn}\t{WORDS['zh'][number]}色的东西{turn}" for turn in range(1 + number % 2)]
        if number < 4:
            test.append(name)
    (folder / "imageid.human-written-caption.txt").write_text("\n".join(captions) + "\n", encoding="utf-8")
    (folder / "coco-cn_test.txt").write_text("\n".join(test) + "\n")
    return folder


CIFAR_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def cifar_batch(labels, seed=0):
    """One batch as published: bytes keys, (n, 3072) bytes in planes, a list of labels."""
    data = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    names = [b"picture_%d.png" % number for number in range(len(labels))]
    return {b"batch_label": b"testing batch 1 of 1", b"labels": labels, b"data": data, b"filenames": names}


def write_cifar(folder, **changed):
    """The folder `cifar-10-batches-py`; `changed` replaces batches by name."""
    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    meta = {b"num_cases_per_batch": 20, b"label_names": [c.encode() for c in CIFAR_CLASSES], b"num_vis": 3072}
    batches = {"batches.meta": meta, "test_batch": cifar_batch([n % 10 for n in range(20)])}
    batches |= {f"data_batch_{n}": cifar_batch([n % 10 for n in range(10)], n) for n in range(1, 6)}
    for name, batch in {**batches, **changed}.items():
        (place / name).write_bytes(pickle.dumps(batch, protocol=2))
    return place


@pytest.fixture
def cifar10(tmp_path):
    return write_cifar(tmp_path / "cifar10")


@pytest.fixture
def cifar10_archive(cifar10, tmp_path):
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar10, "cifar-10-batches-py")
    return archive
