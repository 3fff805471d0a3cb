import numpy as np
import pytest
from checkpoints import SENTENCES
from PIL import Image
from polyglance.config import Settings
from polyglance.search.match import match_file


@pytest.mark.parametrize("kind", ["altclip", "clip"])
def test_probabilities_from_a_file_are_those_of_transformers(kind, tiny_altclip, tiny_checkpoint, tmp_path):
    """softmax(scale * cosine) with the checkpoint's scale, through our decoding: 1e-5 is what the issue asks."""
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    folder = tiny_altclip if kind == "altclip" else tiny_checkpoint(kind)
    coarse = np.random.default_rng(5).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((61, 47), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "picture.png")
    texts = list(SENTENCES.values())
    settings = Settings(precision="float32", device="cpu")
    name, probabilities = match_file(tmp_path / "picture.png", texts, str(folder), settings=settings)

    model = AutoModel.from_pretrained(folder)
    pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")(picture, return_tensors="pt")
    tokens = AutoTokenizer.from_pretrained(folder)(
        texts, padding=True, truncation=True, max_length=77, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = model(**pixels, **tokens).logits_per_image.softmax(dim=1)[0].numpy()
    assert name == str(folder)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert sum(probabilities) == pytest.approx(1)
    # The proof needs a scale that matters: without it the probabilities are far from these.
    assert float(model.logit_scale.detach().exp()) > 2 and np.ptp(expected) > 1e-3
