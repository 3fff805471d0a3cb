"""What computes: processor, memory, graphics cards, and the libraries that use them."""

from __future__ import annotations

from .facts import Card, Facts
from .texts import Advice, again, extra, gigabytes, variable

SMALL_MEMORY = 4_000_000_000
"""With less, AltCLIP and a batch of 32 pictures may not fit."""
SMALL_BATCH = 8
CARD_BATCH = 128
"""Pictures that keep a fast graphics card busy."""
CLUSTERED = 100_000
"""Libraries of more vectors are searched in clusters, which a graphics card computes faster."""
FEWEST_TO_PREPARE = 8
"""Photos that `polyglance encoders prepare` needs."""
X86 = ("x86_64", "amd64")
NAMES = {"torch": "torch", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}

Result = tuple[str, list[Advice]]
"""What was found, in one line, and the advice."""


def processor(facts: Facts) -> Result:
    """The processor and its instructions."""
    cpu, advice = facts.processor, []
    cores = f"{cpu.cores} core{'s' * (cpu.cores != 1)}"
    if cpu.usable < cpu.cores:
        cores = f"{cpu.usable:g} of {cores} may be used"
    if facts.system.is_translated:
        text = "This Python is for Intel processors and is translated. One for Apple's processors is much faster."
        advice.append(Advice("faster", text, ("arch -arm64 python3 -m venv ~/polyglance-venv",)))
    if cpu.architecture in X86 and "AVX2" not in cpu.features and uses_transformers(facts) and not usable(facts):
        text = (
            "Without AVX2, AltCLIP takes many seconds for each picture, and lite does not. If this is a virtual "
            "machine, give it the host's processor type."
        )
        advice.append(Advice("faster", text, (_reencode(facts, "lite"),)))
    return ", ".join([cpu.model, cores, *cpu.features]), advice


def memory(facts: Facts) -> Result:
    """Main memory."""
    size, advice = facts.memory, []
    if size.total < SMALL_MEMORY and uses_transformers(facts):
        text = f"With less than {gigabytes(SMALL_MEMORY)}, AltCLIP should encode fewer pictures at once."
        advice.append(Advice("safer", text, (variable(facts, "POLYGLANCE_BATCH_SIZE", str(SMALL_BATCH)),)))
    return f"{gigabytes(size.total)}, {gigabytes(size.available)} free", advice


def graphics(facts: Facts) -> Result:
    """The graphics card, and whether torch uses it."""
    if not facts.cards:
        return "none; encoders run on the processor", []
    card = facts.cards[0]
    name = card.name if card.memory is None else f"{card.name}, {gigabytes(card.memory)}"
    if usable(facts) and facts.device == "cpu":
        text = "The setting device is cpu, so the graphics card is not used."
        return f"{name}, not used", [Advice("faster", text, (variable(facts, "POLYGLANCE_DEVICE", "auto"),))]
    if usable(facts):
        return f"{name}, used by torch", _feed(facts, card)
    if facts.runtime("torch").version is None or facts.runtime("torch").error:
        return f"{name}, not used", []
    return f"{name}, not used", [_use_card(facts, card)]


def runtimes(facts: Facts) -> Result:
    """The libraries that compute encoders."""
    advice, parts = [], []
    for runtime in facts.runtimes:
        if runtime.version is not None:
            build = f" ({runtime.build})" if runtime.build else ""
            parts.append(f"{NAMES[runtime.name]} {runtime.version.partition('+')[0]}{build}")
        if runtime.error:
            is_needed = runtime.name == "torch"
            text = f"{NAMES[runtime.name]} cannot be loaded: {runtime.error}."
            text += "" if is_needed else " torch is used in its place."
            kind = "broken" if is_needed else "faster"
            advice.append(Advice(kind, text, (again(facts, runtime.name),)))
    if facts.runtime("torch").version is None:
        advice.append(Advice("broken", "torch is not installed.", (f"{facts.system.pip} install torch",)))
    elif facts.runtime("openvino").version is None and not usable(facts):
        text = "OpenVINO encodes pictures faster than torch on a processor, with lite and with AltCLIP."
        advice.append(Advice("faster", text, (extra(facts, "fast"), *_prepare(facts))))
    elif not usable(facts) and not facts.runtime("openvino").error:
        text = f"{facts.library.encoder} was not measured on this machine yet, so torch computes it."
        advice += [Advice("faster", text, commands) for commands in [_prepare(facts)] if commands]
    return ", ".join(parts) or "none", advice


def search(facts: Facts) -> Result:
    """FAISS."""
    faiss, pip = facts.faiss, facts.system.pip
    kind = "gpu" if "cuda" in facts.runtime("torch").devices and facts.system.kind == "linux" else "cpu"
    removal = f"{pip} uninstall -y {' '.join(faiss.packages)}"
    advice = []
    if len(faiss.packages) > 1:
        text = f"{' and '.join(faiss.packages)} overwrite each other's files. Keep one."
        advice = [Advice("safer", text, (removal, extra(facts, kind)))]
    elif faiss.error:
        package = faiss.packages[0] if faiss.packages else "faiss-cpu"
        advice = [Advice("broken", f"FAISS cannot be loaded: {faiss.error}.", (again(facts, package),))]
    elif faiss.version is None:
        advice = [Advice("broken", "FAISS is not installed. Nothing can be searched.", (extra(facts, kind),))]
    elif faiss.simd == "generic" and "AVX2" in facts.processor.features:
        text = "FAISS does not use this processor's AVX2. A wheel of it does."
        advice = [Advice("faster", text, (again(facts, f"--only-binary :all: {faiss.packages[0]}"),))]
    elif kind == "gpu" and not faiss.cards and facts.library.vectors > CLUSTERED:
        text = "FAISS for graphics cards computes the clusters of a large library faster."
        advice = [Advice("faster", text, (removal, extra(facts, "gpu")))]
    if faiss.version is None:
        return "no FAISS", advice
    where = f"{faiss.simd}, {faiss.cards} graphics cards" if faiss.cards else faiss.simd
    return f"{' and '.join(faiss.packages) or 'faiss'} {faiss.version}, {where}", advice


def usable(facts: Facts) -> bool:
    """Whether torch can compute on a graphics card."""
    return bool(facts.runtime("torch").devices)


def uses_transformers(facts: Facts) -> bool:
    """Whether the library's encoder, or else one that is ready, is not lite."""
    if facts.library.encoder is not None:
        return facts.library.encoder != "lite"
    return any(encoder.is_ready and encoder.name != "lite" for encoder in facts.encoders)


def _use_card(facts: Facts, card: Card) -> Advice:
    torch, pip = facts.runtime("torch"), facts.system.pip
    if card.vendor == "nvidia" and torch.build.startswith("cuda"):
        text = f"torch was built for {torch.build}, but NVIDIA's driver is missing, too old, or not in this container."
        return Advice("faster", text, (_driver(facts.system.name),))
    text = "This torch cannot use the graphics card, which encodes pictures many times faster."
    if card.vendor == "apple" or (card.vendor == "nvidia" and facts.system.kind == "linux"):
        return Advice("faster", text, (f"{pip} install --force-reinstall torch",))
    platform = "CUDA" if card.vendor == "nvidia" else "ROCm"
    text += f" The page pytorch.org/get-started/locally names the ADDRESS for {platform}."
    return Advice("faster", text, (f"{pip} install --force-reinstall torch --index-url ADDRESS",))


def _feed(facts: Facts, card: Card) -> list[Advice]:
    if card.vendor != "nvidia" or facts.batch_size >= CARD_BATCH or not uses_transformers(facts):
        return []
    text = f"A card computes more than {facts.batch_size} pictures at once: what fits into its memory is used."
    return [Advice("faster", text, (variable(facts, "POLYGLANCE_BATCH_SIZE", str(2 * CARD_BATCH)),))]


def _driver(system: str) -> str:
    if "Ubuntu" in system:
        return "sudo ubuntu-drivers install"
    return "sudo apt install nvidia-driver" if "Debian" in system else "nvidia-smi"


def _prepare(facts: Facts) -> tuple[str, ...]:
    """The command that prepares the library's encoder, if there is something to prepare."""
    encoder = next((each for each in facts.encoders if each.name == facts.library.encoder), None)
    if encoder is None or encoder.is_prepared or encoder.name == "lite" or facts.library.photos < FEWEST_TO_PREPARE:
        return ()
    return (f"polyglance encoders prepare{facts.library.option}",)


def _reencode(facts: Facts, encoder: str) -> str:
    if facts.library.encoder is None:
        return f"polyglance index ~/Pictures --encoder {encoder}{facts.library.option}"
    return f"polyglance reencode --encoder {encoder}{facts.library.option}"
