"""The two models that the proof begins with, in the hub's layout: a tiny CLIP that is trained here, a random XLM-R."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from .captions import Scene, captions
from .pictures import SIDE, draw

PATCH = 8
BATCH = 96
MEAN, DEVIATION = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
VOCABULARY = 700
"""Pieces of the student's tokenizer, for nine languages in six scripts."""


def train_clip(folder: Path, scenes: Sequence[Scene], sentences: int, steps: int, renders: int, seed: int) -> None:
    """Train a CLIP from nothing on `renders` pictures of each scene with English captions, and save it in `folder`."""
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(seed)
    texts = [text for scene in scenes for text in captions(scene, "en")[:sentences]]
    tokenizer = _english_tokenizer(texts)
    width = {"hidden_size": 96, "intermediate_size": 192, "num_attention_heads": 4}
    text = {**width, "num_hidden_layers": 1, "vocab_size": len(tokenizer), "max_position_embeddings": 77}
    text |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    vision = {**width, "num_hidden_layers": 2, "image_size": SIDE, "patch_size": PATCH}
    model = CLIPModel(CLIPConfig(projection_dim=64, text_config=text, vision_config=vision)).train()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.1)
    chance = random.Random(seed)
    drawn = torch.stack([_normalise([draw(scene, chance) for _ in range(renders)]) for scene in scenes])
    tokens = tokenizer(texts, padding=True, return_tensors="pt")
    right = torch.arange(BATCH)
    for _ in range(steps):
        chosen = torch.tensor(chance.sample(range(len(scenes)), BATCH))  # each scene once: all others are wrong
        pixels = drawn[chosen, torch.tensor(chance.choices(range(renders), k=BATCH))]
        rows = chosen * sentences + torch.tensor(chance.choices(range(sentences), k=BATCH))
        logits = model(**{name: part[rows] for name, part in tokens.items()}, pixel_values=pixels).logits_per_text
        loss = (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _write_preparation(folder)


def write_student(folder: Path, texts: Iterable[str], seed: int) -> None:
    """Write an XLM-R of random weights, and a tokenizer trained on `texts`, to `folder`."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    folder.mkdir(parents=True)
    pieces = _multilingual_tokenizer(folder, list(texts))
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=pieces,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=80,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)


def _normalise(pictures: Sequence[Image.Image]) -> torch.Tensor:
    pixels = np.stack([np.asarray(picture) for picture in pictures]).astype(np.float32) / 255
    return torch.from_numpy(((pixels - MEAN) / DEVIATION).astype(np.float32).transpose(0, 3, 1, 2).copy())


def _english_tokenizer(texts: Sequence[str]) -> Any:
    """A byte-level BPE, as CLIP has one."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    merges = [tuple(merge) for merge in learned["merges"]]
    return CLIPTokenizer(vocab=learned["vocab"], merges=merges, model_max_length=77)


def _multilingual_tokenizer(folder: Path, texts: list[str]) -> int:
    """A sentencepiece model, as XLM-R has one; returns the size of its vocabulary."""
    import sentencepiece

    with (folder / "sentencepiece.bpe.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=file,
            vocab_size=VOCABULARY,
            model_type="unigram",
            character_coverage=1.0,
            max_sentencepiece_length=3,  # longer ones join words of languages without spaces
            hard_vocab_limit=False,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            minloglevel=2,
        )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    specials = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>"}
    specials |= {"pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    described = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 77, **specials}
    (folder / "tokenizer_config.json").write_text(json.dumps(described), encoding="utf-8")
    return int(processor.get_piece_size()) + 2


def _write_preparation(folder: Path) -> None:
    size = {"height": SIDE, "width": SIDE}
    settings = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": SIDE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": size,
        "do_normalize": True,
        "image_mean": MEAN,
        "image_std": DEVIATION,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
