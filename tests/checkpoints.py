"""Tiny dual encoders with random weights, in the layouts that real checkpoints have. A pytest plugin."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SENTENCES = {
    "en": "a photo of snowy mountains at sunset",
    "zh": "日落时分的雪山照片",
    "es": "una foto de montañas nevadas al atardecer",
    "fr": "une photo de montagnes enneigées au coucher du soleil",
    "ru": "фотография снежных гор на закате",
    "ja": "夕焼けの雪山の写真",
    "ko": "해질녘 눈 덮인 산 사진",
    "ar": "صورة جبال ثلجية عند الغروب",
    "it": "una foto di montagne innevate al tramonto",
}
SIDE = 32
_CLIP_PICTURES = {
    "do_resize": True,
    "resample": 3,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


@pytest.fixture(scope="session")
def tiny_altclip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AltCLIP as its hub repository lays it out: no safetensors, no tokenizer.json, keys of 2022."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-altclip"
    build_altclip(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns the directory of a tiny checkpoint of another kind, built on first use: see BUILDERS."""
    root = tmp_path_factory.mktemp("others")

    def build(kind: str) -> Path:
        if not (root / kind).exists():
            BUILDERS[kind](root / kind)
        return root / kind

    return build


def build_altclip(folder: Path, *, full_size: bool = False) -> None:
    """Write the AltCLIP: tiny, or as large as AltCLIP-m9 for measurements."""
    import torch
    from transformers import AltCLIPConfig, AltCLIPModel

    folder.mkdir(parents=True)
    pieces = _sentencepiece(folder / "sentencepiece.bpe.model", xlm_roberta=True)
    tower = _tower(1024, 24, heads=16, wider=4) if full_size else _tower(32, 2)
    side = 224 if full_size else SIDE
    text = {"vocab_size": 250_002 if full_size else pieces + 2, "project_dim": 768 if full_size else 28}
    vision = {"image_size": side, "patch_size": 14 if full_size else 8}
    config = AltCLIPConfig(
        projection_dim=768 if full_size else 24, text_config=tower | text, vision_config=tower | vision
    )
    model = _randomised(AltCLIPModel(config))
    state = {
        key.replace("roberta.encoder.layers.", "roberta.encoder.layer."): value
        for key, value in model.state_dict().items()
    }
    state["text_model.roberta.embeddings.position_ids"] = torch.arange(514)[None]
    torch.save(state, folder / "pytorch_model.bin")
    written = {"architectures": ["AltCLIPModel"], "direct_kd": False, "num_layers": 3, **config.to_dict()}
    written["text_config"] |= {"bad_words_ids": None, "torch_dtype": None, "max_length": 20, "pruned_heads": {}}
    _write(folder / "config.json", written)
    preparation = {"feature_extractor_type": "CLIPFeatureExtractor", "size": side, "crop_size": side}
    _write(folder / "preprocessor_config.json", {**_CLIP_PICTURES, **preparation, "do_center_crop": True})
    specials = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>"}
    specials |= {"pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    _write(folder / "special_tokens_map.json", specials)
    tokenizer_config = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 512, **specials}
    _write(folder / "tokenizer_config.json", tokenizer_config)


def build_clip(folder: Path) -> None:
    """Write a CLIP: safetensors in three shards, byte-level BPE."""
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    vocabulary, merges = _byte_pairs()
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
    text = {**_tower(32, 2), "vocab_size": len(tokenizer), "max_position_embeddings": 77}
    text |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 1}
    vision = {**_tower(32, 2), "image_size": SIDE, "patch_size": 8}
    model = _randomised(CLIPModel(CLIPConfig(projection_dim=24, text_config=text, vision_config=vision)))
    model.save_pretrained(folder, max_shard_size="100KB")
    tokenizer.save_pretrained(folder)
    _picture_preparation(folder, "CLIPImageProcessor", {"shortest_edge": SIDE}, crop=True)


def build_siglip(folder: Path) -> None:
    """Write a SigLIP: safetensors, sentencepiece, texts padded to one length, no crop."""
    from transformers import SiglipConfig, SiglipModel

    folder.mkdir(parents=True)
    vocabulary = _sentencepiece(folder / "spiece.model", xlm_roberta=False)
    text = {**_tower(32, 2), "vocab_size": vocabulary, "max_position_embeddings": 64, "projection_size": 32}
    text |= {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    vision = {**_tower(32, 2), "image_size": SIDE, "patch_size": 8}
    _randomised(SiglipModel(SiglipConfig(text_config=text, vision_config=vision))).save_pretrained(folder)
    _picture_preparation(folder, "SiglipImageProcessor", {"height": SIDE, "width": SIDE}, crop=False)
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "SiglipTokenizer", "model_max_length": 64})


def build_siglip2(folder: Path) -> None:
    """Write a SigLIP 2 with pictures of any shape (NaFlex)."""
    from transformers import Siglip2Config, Siglip2Model, Siglip2Tokenizer

    characters = sorted({character for sentence in SENTENCES.values() for character in f"▁{sentence.lower()}"})
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *characters]
    Siglip2Tokenizer(vocab={piece: index for index, piece in enumerate(pieces)}).save_pretrained(folder)
    text = {**_tower(32, 2), "vocab_size": len(pieces), "max_position_embeddings": 64, "projection_size": 32}
    vision = {**_tower(32, 2), "num_patches": 16, "patch_size": 8}
    _randomised(Siglip2Model(Siglip2Config(text_config=text, vision_config=vision))).save_pretrained(folder)
    preparation = {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 8, "max_num_patches": 16}
    _write(folder / "preprocessor_config.json", preparation)


def build_chinese_clip(folder: Path) -> None:
    """Write a Chinese-CLIP: safetensors, a BERT text tower with a word list."""
    from transformers import ChineseCLIPConfig, ChineseCLIPModel

    folder.mkdir(parents=True)
    characters = sorted({character for sentence in SENTENCES.values() for character in sentence if character != " "})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{char}" for char in characters)]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    text = {**_tower(32, 2), "vocab_size": len(pieces), "max_position_embeddings": 128}
    vision = {**_tower(32, 2), "image_size": SIDE, "patch_size": 8}
    config = ChineseCLIPConfig(projection_dim=24, text_config=text, vision_config=vision)
    _randomised(ChineseCLIPModel(config)).save_pretrained(folder)
    _picture_preparation(folder, "ChineseCLIPImageProcessor", {"height": SIDE, "width": SIDE}, crop=False)
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": 512})


def build_metaclip_2(folder: Path) -> None:
    """Write a MetaCLIP 2: safetensors, CLIP's towers with XLM-R's vocabulary."""
    from transformers import MetaClip2Config, MetaClip2Model

    folder.mkdir(parents=True)
    vocabulary = _sentencepiece(folder / "sentencepiece.bpe.model", xlm_roberta=True) + 2
    text = {**_tower(32, 2), "vocab_size": vocabulary, "max_position_embeddings": 77, "eos_token_id": 2}
    vision = {**_tower(32, 2), "image_size": SIDE, "patch_size": 8}
    config = MetaClip2Config(projection_dim=24, text_config=text, vision_config=vision)
    _randomised(MetaClip2Model(config)).save_pretrained(folder)
    _picture_preparation(folder, "CLIPImageProcessor", {"shortest_edge": SIDE}, crop=True)
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 77})


def build_xlm_roberta(folder: Path) -> None:
    """Write an XLM-R: a text model, which distillation trains."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    folder.mkdir(parents=True)
    pieces = _sentencepiece(folder / "sentencepiece.bpe.model", xlm_roberta=True)
    config = XLMRobertaConfig(vocab_size=pieces + 2, max_position_embeddings=90, **_tower(32, 2))
    _randomised(XLMRobertaModel(config)).save_pretrained(folder)
    specials = {"bos_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>", "pad_token": "<pad>"}
    tokenizer_config = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 512, **specials}
    _write(folder / "tokenizer_config.json", tokenizer_config)


def build_bert(folder: Path) -> None:
    """Write a BERT: a whole checkpoint, and no dual encoder."""
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(vocab_size=50, **_tower(32, 1))).save_pretrained(folder)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", encoding="utf-8")


BUILDERS: dict[str, Callable[[Path], None]] = {
    "altclip": build_altclip,
    "bert": build_bert,
    "chinese_clip": build_chinese_clip,
    "clip": build_clip,
    "metaclip_2": build_metaclip_2,
    "siglip": build_siglip,
    "siglip2": build_siglip2,
    "xlm_roberta": build_xlm_roberta,
}


def copy_of(folder: Path, target: Path) -> Path:
    """Copy a checkpoint, to break the copy."""
    return Path(shutil.copytree(folder, target))


def _tower(width: int, layers: int, heads: int = 4, wider: int = 2) -> dict[str, int]:
    return {
        "hidden_size": width,
        "intermediate_size": wider * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }


def _randomised(model: Any) -> Any:
    """Draw weights so large that different inputs give clearly different vectors, the same every time."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                fan_in = parameter[0].numel()
                spread = 1.0 if "embedding" in name else 2 * fan_in**-0.5
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return model.eval()


def _sentencepiece(path: Path, *, xlm_roberta: bool) -> int:
    """Train a tokenizer on the nine sentences; return its number of pieces."""
    import sentencepiece

    specials = (
        {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
        if xlm_roberta
        else {"unk_id": 3, "bos_id": 0, "eos_id": 1, "pad_id": 2}
    )
    trainer = sentencepiece.SentencePieceTrainer
    with path.open("wb") as file:
        trainer.train(
            sentence_iterator=iter(list(SENTENCES.values()) * 4),
            model_writer=file,
            vocab_size=220,
            model_type="unigram",
            character_coverage=1.0,
            hard_vocab_limit=False,
            minloglevel=2,
            **specials,
        )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return int(processor.get_piece_size())


def _byte_pairs() -> tuple[dict[str, int], list[tuple[str, str]]]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = ["<|startoftext|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=alphabet, end_of_word_suffix="</w>", special_tokens=specials
    )
    tokenizer.train_from_iterator(SENTENCES.values(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def _picture_preparation(folder: Path, kind: str, size: dict[str, int], *, crop: bool) -> None:
    preparation = {"image_processor_type": kind, "size": size, "do_center_crop": crop, **_CLIP_PICTURES}
    if crop:
        preparation["crop_size"] = {"height": SIDE, "width": SIDE}
    _write(folder / "preprocessor_config.json", preparation)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
