from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoints import copy_of
from hub_server import Hub, run_python
from polyglance.config import LANGUAGES, Settings
from polyglance.encoders import registry
from polyglance.encoders.lite.encoder import LiteEncoder
from polyglance.errors import EncoderUnavailable, NotADualEncoder, UnknownEncoder

Tiny = Callable[[str], Path]
AUTO = """
import json, sys
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.encoders.transformers import hub
%s
choice = registry.choose_auto(Settings())
heavy = [name for name in ("torch", "transformers") if name in sys.modules]
print(json.dumps([choice.name, choice.reason, heavy]))
"""


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's model cache holds, these tests see an empty one."""
    monkeypatch.setattr(registry.hub, "cached", lambda repo: None)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def auto(hub: Hub, home: Path, preparation: str = "", **variables: str) -> tuple[str, str]:
    done = run_python(AUTO % preparation, {**hub.environment(home), **variables}, home)
    assert done.returncode == 0, done.stderr
    name, reason, heavy = json.loads(done.stdout)
    assert heavy == []
    return name, reason


def test_names_lead_to_encoders(tiny_altclip: Path) -> None:
    assert isinstance(registry.create("lite", Settings()), LiteEncoder)
    assert registry.create(str(tiny_altclip), Settings()).name == str(tiny_altclip)


def test_a_directory_is_reported_by_its_absolute_path(tiny_altclip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_altclip.parent)
    for name in (tiny_altclip.name, f"./{tiny_altclip.name}/", f"../{tiny_altclip.parent.name}/{tiny_altclip.name}"):
        assert registry.create(name, Settings()).name == str(tiny_altclip)


def test_creating_an_encoder_loads_no_heavy_library(tiny_altclip: Path, hub: Hub, tmp_path: Path) -> None:
    code = f"""
import sys
from polyglance.config import Settings
from polyglance.encoders import registry
registry.create("lite", Settings())
encoder = registry.create({str(tiny_altclip)!r}, Settings(precision="float32"))
assert encoder.dimension == 24 and encoder.fingerprint.dtype == "float32" and encoder.image_side == 32
print([name for name in ("torch", "transformers", "huggingface_hub") if name in sys.modules])
"""
    run_python(code, hub.environment(tmp_path), tmp_path)  # the checksums of a checkpoint's tensors take torch, once
    done = run_python(code, hub.environment(tmp_path), tmp_path)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", ["altklip", "", "./missing", "/no/such/folder", "a/b/c", "two words"])
def test_an_unknown_name_is_told_which_there_are(name: str) -> None:
    for function in (registry.create, registry.pull):
        with pytest.raises(UnknownEncoder) as caught:
            function(name, Settings())
        for known in ("lite", "altclip-m9", "altclip-m18", "owner/name", "directory"):
            assert known in caught.value.hint
    assert not registry.is_ready(name)


def test_directories_that_cannot_be_used_are_refused(tiny_checkpoint: Tiny, tiny_altclip: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADualEncoder):
        registry.create(str(tiny_checkpoint("bert")), Settings())
    broken = copy_of(tiny_altclip, tmp_path / "broken")
    (broken / "pytorch_model.bin").unlink()
    with pytest.raises(EncoderUnavailable):
        registry.create(str(broken), Settings())
    assert not registry.is_ready(str(broken))
    assert registry.is_ready(str(tiny_altclip)) and registry.is_ready("lite")


def test_pulling_what_is_here_does_nothing(tiny_altclip: Path) -> None:
    steps: list[Any] = []
    for name in ("lite", str(tiny_altclip)):
        registry.pull(name, Settings(), progress=lambda tick: steps.append((tick.done, tick.total)))
    assert steps == []


@pytest.mark.usefixtures("no_cache")
def test_the_list_says_what_each_encoder_costs(tiny_altclip: Path) -> None:
    infos = {info.name: info for info in registry.listing(Settings())}
    assert list(infos) == ["lite", "altclip-m9", "altclip", "altclip-m18"]
    assert infos["lite"].ready and infos["lite"].download_bytes == 0
    best = infos["altclip-m9"]
    assert not best.ready and best.dimension == 768 and best.languages == LANGUAGES
    assert best.download_bytes is not None and 3.4e9 < best.download_bytes < 3.6e9
    assert len(set(infos["altclip-m18"].languages)) == 18 and set(LANGUAGES) < set(infos["altclip-m18"].languages)
    own = registry.listing(Settings(encoder=str(tiny_altclip)))[-1]
    assert (own.name, own.dimension, own.ready) == (str(tiny_altclip), 24, True)


@pytest.mark.parametrize("name", ["auto", "lite", "no-such-encoder", "BAAI/AltCLIP-m9"])
def test_the_list_names_each_encoder_once(name: str) -> None:
    assert len(registry.listing(Settings(encoder=name))) == 4


def test_auto_takes_lite_without_a_hub_and_says_how_to_upgrade(hub: Hub, tmp_path: Path) -> None:
    hub.url = "http://127.0.0.1:9"
    name, reason = auto(hub, tmp_path)
    assert name == "lite"
    assert "polyglance reencode --encoder altclip-m9" in reason and "cannot be reached" in reason


def test_auto_takes_lite_if_the_hub_is_silent(hub: Hub, tmp_path: Path, silent_server: str) -> None:
    hub.url = silent_server
    assert auto(hub, tmp_path, "hub.ANSWER_SECONDS = 0.3")[0] == "lite"


def test_auto_takes_lite_if_the_hub_has_no_such_model(hub: Hub, tmp_path: Path) -> None:
    assert auto(hub, tmp_path)[0] == "lite"


def test_auto_takes_lite_if_the_model_needs_a_login(hub: Hub, tiny_altclip: Path, tmp_path: Path) -> None:
    hub.repos["BAAI/AltCLIP-m9"] = tiny_altclip
    hub.gated = True
    assert auto(hub, tmp_path)[0] == "lite"
    assert auto(hub, tmp_path, HF_TOKEN="hf_of_someone_who_accepted")[0] == "altclip-m9"


def test_auto_takes_altclip_if_the_hub_answers_and_again_offline_once_it_is_here(
    hub: Hub, tiny_altclip: Path, tmp_path: Path
) -> None:
    hub.repos["BAAI/AltCLIP-m9"] = tiny_altclip
    name, reason = auto(hub, tmp_path)
    assert name == "altclip-m9" and "downloaded once (3.5 GB)" in reason
    name, reason = auto(hub, tmp_path, "registry.pull('altclip-m9', Settings())")
    assert name == "altclip-m9" and "on this machine" in reason
    hub.asked.clear()
    name, reason = auto(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert name == "altclip-m9" and "on this machine" in reason
    created = "encoder = registry.create('BAAI/AltCLIP-m9', Settings()); assert encoder.name == 'altclip-m9'"
    assert auto(hub, tmp_path, created)[0] == "altclip-m9"
    assert hub.asked == []


def test_creating_a_model_that_is_not_here_fetches_it(hub: Hub, tiny_altclip: Path, tmp_path: Path) -> None:
    hub.repos["owner/tiny"] = tiny_altclip
    preparation = "encoder = registry.create('owner/tiny', Settings()); assert encoder.dimension == 24"
    done = run_python(AUTO % preparation, hub.environment(tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Fetching owner/tiny" in done.stderr


@pytest.mark.parametrize(("users", "expected"), [(None, "passive"), ("active", "active")])
def test_threads_of_openmp_sleep_while_they_wait_unless_the_user_says_otherwise(monkeypatch, users, expected):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if users:
        monkeypatch.setenv("OMP_WAIT_POLICY", users)
    registry.create("lite", Settings())
    assert os.environ["OMP_WAIT_POLICY"] == expected
