"""Rebuild `encoders/lite/concepts/things.npz`: what the embedded encoder makes of the names of things.

    python scripts/build_things.py      (some minutes; after every change of languages/words or build_concepts.py)

A library finds the things that its photos show by a product with these vectors, and need not encode 1300 names first.
"""

from __future__ import annotations

import numpy as np
from polyglance.config import LANGUAGES, Settings
from polyglance.encoders.lite import things as table
from polyglance.encoders.lite.encoder import LiteEncoder
from polyglance.languages.things import things


def main() -> None:
    encoder, named = LiteEncoder(Settings()), list(things().values())
    texts = [thing.name("en") for thing in named]
    vectors = encoder.encode_texts(texts)
    attainable = [encoder.attainable(text, vector) for text, vector in zip(texts, vectors, strict=True)]
    likeness = np.ones((len(named), len(LANGUAGES)), np.float16)
    for column, language in enumerate(LANGUAGES[1:], start=1):
        for row, thing in enumerate(named):
            (vector,) = encoder.encode_texts([thing.name(language)])
            knows = encoder.attainable(thing.name(language), vector)
            likeness[row, column] = vector @ vectors[row] if knows else 0
        print(language, flush=True)
    np.savez_compressed(
        table.FILE,
        digest=np.array(table.digest(texts)),
        texts=np.array(texts),
        vectors=vectors.astype(np.float16),
        attainable=np.array([value or np.nan for value in attainable], np.float32),
        likeness=likeness,
    )


if __name__ == "__main__":
    main()
