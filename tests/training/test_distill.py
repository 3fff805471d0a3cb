"""Stage 1, from parallel text to a checkpoint that transformers and `--encoder` load."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from polyglance.datasets.parallel import Translation, find_corpora
from polyglance.encoders import registry
from polyglance.errors import DataError, NotADualEncoder, UsageError
from polyglance.training import models, targets, translations
from polyglance.training.distill import distill
from polyglance.training.loop import seed_epoch
from polyglance.training.options import DistillOptions
from transformers import AltCLIPModel, AutoModel, AutoProcessor, AutoTokenizer

QUICK = {"batch": 16, "micro_batch": 8, "epochs": 10, "learning_rate": 5e-3, "log_steps": 1}


@pytest.fixture(scope="module")
def trained(clip, xlm_r, parallel_text, tmp_path_factory):
    from polyglance.config import Settings

    output = tmp_path_factory.mktemp("distilled") / "out"
    options = DistillOptions(**QUICK)
    result = distill(str(clip), str(xlm_r), [parallel_text], output, options, Settings(device="cpu"))
    return output, result


def test_the_student_comes_nearer_to_its_teacher(trained):
    _, result = trained
    assert result.points[-1].loss < 0.7 * result.points[0].loss
    assert result.scores["MSE"] == min(each.scores["MSE"] for each in result.validations)
    assert {"MSE", "cosine", "zh R@1", "fr R@1", "ru R@1"} <= set(result.scores)


def test_the_checkpoint_is_an_altclip_with_the_teachers_image_tower(trained, clip):
    output, _ = trained
    model, report = AltCLIPModel.from_pretrained(output, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert type(AutoProcessor.from_pretrained(output)).__name__ == "AltCLIPProcessor"
    teacher = AutoModel.from_pretrained(clip)
    for key, value in teacher.state_dict().items():
        if not key.startswith("text_model."):
            assert torch.equal(model.state_dict()[key], value), key
    for name in ("preprocessor_config.json",):
        assert (output / name).read_bytes() == (clip / name).read_bytes()


def test_an_encoder_of_the_checkpoint_gives_the_vectors_of_transformers(trained, settings):
    output, _ = trained
    encoder = registry.create(str(output), settings)
    texts = ["a photo of snowy mountains", "雪山"]
    model = AltCLIPModel.from_pretrained(output).eval()
    tokens = AutoTokenizer.from_pretrained(output)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = torch.nn.functional.normalize(model.get_text_features(**tokens).pooler_output, dim=-1)
    np.testing.assert_allclose(encoder.encode_texts(texts), expected.numpy(), atol=1e-5)


def test_the_loss_curve_the_log_and_the_card_are_in_the_output_folder(trained):
    output, result = trained
    assert (output / "training/loss.png").read_bytes().startswith(b"\x89PNG")
    rows = [json.loads(line) for line in (output / "training/log.jsonl").read_text().splitlines()]
    assert [row["loss"] for row in rows if "loss" in row] == [point.loss for point in result.points]
    assert list((output / "training").glob("events.out.tfevents.*"))
    card = (output / "README.md").read_text()
    for text in ("translations", "learning_rate | 0.005", "| MSE |", "zh"):
        assert text in card


def test_the_target_is_the_teachers_output_before_its_projection(clip, settings):
    """The pooled end-of-text output after the final LayerNorm, as CLIPTextModel returns it."""
    teacher = models.load_teacher(models.find_checkpoint(str(clip), settings))
    texts = ["snowy mountains at sunset", "a photo"]
    ours = models.pooled_texts(teacher, texts, torch.device("cpu"))
    for text, row in zip(texts, ours, strict=True):
        model = teacher.model
        ids = AutoTokenizer.from_pretrained(clip)(text, return_tensors="pt").input_ids
        states = model.text_model(ids).last_hidden_state  # after the final LayerNorm
        end = int((ids[0] == model.config.text_config.eos_token_id).nonzero()[0])
        torch.testing.assert_close(row, states[0, end], rtol=1e-4, atol=1e-5)
        projected = model.get_text_features(ids).pooler_output[0]
        torch.testing.assert_close(model.text_projection(row), projected, rtol=1e-4, atol=1e-5)


def test_the_students_output_is_cls_layer_norm_linear(clip, xlm_r, settings):
    from transformers import XLMRobertaModel

    teacher = models.load_teacher(models.find_checkpoint(str(clip), settings))
    student = models.build_student(teacher, str(xlm_r), 0)
    student.model.eval()
    tokens = student.tokens(["雪山 photo", "a"], torch.device("cpu"))
    with torch.no_grad():
        ours = student.model.text_model(**tokens).pooler_output
        cls = XLMRobertaModel.from_pretrained(xlm_r).eval()(**tokens).last_hidden_state[:, 0]
        tower = student.model.text_model
        expected = torch.nn.functional.linear(
            torch.nn.functional.layer_norm(cls, cls.shape[-1:], tower.pre_LN.weight, tower.pre_LN.bias, 1e-5),
            tower.transformation.weight,
            tower.transformation.bias,
        )
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    assert ours.shape == (2, teacher.model.text_projection.in_features)


def test_an_altclip_of_the_same_width_goes_on_being_trained(trained, clip, parallel_text, tmp_path, settings):
    output, result = trained
    options = DistillOptions(**{**QUICK, "epochs": 1})
    again = distill(str(clip), str(output), [parallel_text], tmp_path / "more", options, settings)
    assert again.points[0].loss < 0.9 * result.points[0].loss


def test_a_student_of_another_width_is_refused(clip, tiny_altclip, parallel_text, tmp_path, settings):
    with pytest.raises(UsageError, match=r"text vectors have 32 components and those of .* 28"):
        distill(str(clip), str(tiny_altclip), [parallel_text], tmp_path / "out", DistillOptions(), settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["siglip", "bert"])
def test_a_teacher_whose_image_tower_does_not_fit_is_refused(
    tiny_checkpoint, xlm_r, parallel_text, tmp_path, settings, kind
):
    with pytest.raises(NotADualEncoder):
        distill(str(tiny_checkpoint(kind)), str(xlm_r), [parallel_text], tmp_path / "out", DistillOptions(), settings)


@pytest.mark.parametrize("kind", ["chinese_clip", "metaclip_2", "altclip"])
def test_other_teachers_with_clips_image_tower_teach_too(tiny_checkpoint, xlm_r, settings, kind):
    teacher = models.load_teacher(models.find_checkpoint(str(tiny_checkpoint(kind)), settings))
    student = models.build_student(teacher, str(xlm_r), 0)
    aimed = models.pooled_texts(teacher, ["雪山", "a photo"], torch.device("cpu"))
    ours = student.model.text_model(**student.tokens(["雪山", "a photo"], torch.device("cpu"))).pooler_output
    assert ours.shape == aimed.shape


def found(corpora, **options):
    settings = DistillOptions(**options)
    return translations.survey(corpora, settings), settings


def test_an_epoch_has_every_translation_once_and_the_share_of_english(parallel_text):
    corpora = find_corpora([parallel_text])
    survey, options = found(corpora, english_share=0.25, held_out=0.0)
    examples = list(translations.stream(corpora, survey, options, 0))
    own = [pair for pair in examples if pair.source == pair.target]
    assert len(examples) == translations.count_examples(survey, options)[0] == 48
    assert len(own) == 12 and {pair.language for pair in own} == {"en"}
    others = [pair for pair in examples if pair.source != pair.target]
    assert sorted(map(str, others)) == sorted(str(pair) for pair in corpora[0].read())


def test_the_order_is_that_of_the_seed_and_the_epoch(parallel_text):
    corpora = find_corpora([parallel_text])
    survey, options = found(corpora, buffer=5)
    orders = [list(translations.stream(corpora, survey, options, epoch)) for epoch in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_held_out_texts_are_not_trained_on_and_do_not_depend_on_the_order_of_files(parallel_text, tmp_path):
    lines = parallel_text.read_text(encoding="utf-8").splitlines(keepends=True)
    other = tmp_path / "other.tsv"
    other.write_text("".join(reversed(lines)), encoding="utf-8")
    surveys = []
    for path in (parallel_text, other):
        corpora = find_corpora([path])
        survey, options = found(corpora, held_out=0.25)
        trained = {pair.source for pair in translations.stream(corpora, survey, options, 0)}
        assert trained.isdisjoint(pair.source for pair in survey.validation)
        assert len(survey.validation) == 9  # 3 of 12 texts, with three translations each
        surveys.append(survey.held_out)
    assert surveys[0] == surveys[1]


def test_several_corpora_are_read_side_by_side(tmp_path):
    for language in ("zh", "fr"):
        (tmp_path / f"{language}.tsv").write_text("".join(f"text {n}\t{n}\n" for n in range(50)))
    corpora = find_corpora([tmp_path / "zh.tsv", tmp_path / "fr.tsv"])
    survey, options = found(corpora, buffer=1, held_out=0.0, english_share=0.0)
    languages = [pair.language for pair in translations.stream(corpora, survey, options, 0)]
    assert sum(first != second for first, second in pairwise(languages)) > 25


def test_the_buffer_holds_no_more_than_its_size():
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield Translation(str(read), "x", "zh")

    shuffled = translations.shuffle(endless(), 100, seed_epoch(0, 0))
    drawn = [next(shuffled) for _ in range(1000)]
    assert read == 1100 and len({pair.source for pair in drawn}) == 1000
    assert [pair.source for pair in drawn] != [str(number) for number in range(1, 1001)]


def test_each_text_is_encoded_once_and_equal_to_what_the_teacher_gives(tmp_path):
    encoded = []

    def encode(texts):
        encoded.extend(texts)
        return torch.tensor([[float(len(text)), 1.0] for text in texts])

    texts = ["a", "bb", "a", "ccc", "bb"]
    path = targets.write(tmp_path / "targets.npy", lambda: texts, encode, 2, lambda tick: None)
    assert encoded == ["a", "bb", "ccc"]
    assert targets.Targets(encode, path).get(["ccc", "a", "ccc"]).tolist() == [[3, 1], [1, 1], [3, 1]]
    assert encoded == ["a", "bb", "ccc"]


def test_too_many_texts_are_encoded_batch_by_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "TARGET_BYTES", 30)
    path = targets.write(tmp_path / "t.npy", lambda: ["a", "b"], lambda texts: torch.zeros(len(texts), 2), 2, print)
    assert path is None and not list(tmp_path.iterdir())


def test_a_file_without_translations_is_refused(clip, xlm_r, tmp_path, settings):
    (tmp_path / "zh.tsv").write_text("")
    with pytest.raises(DataError, match="no translations to train on"):
        distill(str(clip), str(xlm_r), [tmp_path / "zh.tsv"], tmp_path / "out", DistillOptions(), settings)
