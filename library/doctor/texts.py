"""An advice, and how sizes and packages are written in it."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import Facts


@dataclass(frozen=True, slots=True)
class Advice:
    """What would make polyglance faster or safer here: a sentence that says why, and commands to copy."""

    kind: str
    """One of KINDS in `advice`."""
    text: str
    commands: tuple[str, ...] = ()


def extra(facts: Facts, *names: str) -> str:
    """The command that installs extras. Double quotes are right in every shell, that of Windows included."""
    return f'{facts.system.pip} install "polyglance[{",".join(names)}]"'


def again(facts: Facts, package: str) -> str:
    """The command that installs a package again."""
    return f"{facts.system.pip} install --force-reinstall --no-deps {package}"


def variable(facts: Facts, name: str, value: str) -> str:
    """The command that sets an environment variable in a terminal of this system."""
    return f"set {name}={value}" if facts.system.kind == "win32" else f"export {name}={value}"


def gigabytes(size: int) -> str:
    """A size for reading."""
    value = size / 1e9
    return f"{value:.0f} GB" if value >= 10 else f"{value:.1f} GB"


def count(number: int, name: str) -> str:
    """`1 photo`, `1,234 photos`."""
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"
