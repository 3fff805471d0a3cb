"""The page's scripts as one file and its style sheets as another: requests for 80 modules take longer than their code.

There is no build step: the server joins the files when it starts. Each module becomes a function that runs when another
module asks for it the first time, as in a browser. Only the forms of `import` and `export` that the page uses are
understood; any other is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

START = """\
const kept = new Map();
const get = (name) => kept.get(name) ?? kept.set(name, modules[name]()).get(name);
"""

_NAMES = re.compile(r'^import \{(?P<names>[^}]*)\} from "\./(?P<module>[\w-]+\.js)";', re.MULTILINE)
_ALL = re.compile(r'^import \* as (?P<name>\w+) from "\./(?P<module>[\w-]+\.js)";', re.MULTILINE)
_LATER = re.compile(r'\bimport\("\./(?P<module>[\w-]+\.js)"\)')
_EXPORT = re.compile(r"^export (?=(?:const|class|(?:async )?function) (?P<name>\w+))", re.MULTILINE)
_EXPORTS = re.compile(r"^export \{ (?P<names>[\w, ]+) \};\n", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def scripts(modules: Mapping[str, str], first: str) -> str:
    """Return one script that does what importing the module `first` does. `modules` are texts by file name.

    Raises ValueError if a module has another form of import or export, or imports itself through others.
    """
    functions = [
        f'"{name}": async () => {{\n{_body(name, modules[name])}}},\n' for name in _reachable(modules, first, ())
    ]
    return f'{START}const modules = {{\n{"".join(functions)}}};\nawait get("{first}");\n'


def _reachable(modules: Mapping[str, str], name: str, above: tuple[str, ...]) -> dict[str, None]:
    """A module and all that it imports, at once or later, in order and once each."""
    if name in above:
        raise ValueError(f"The module {name} imports itself: {' -> '.join((*above, name))}.")
    text = modules[name]
    at_once = [match["module"] for pattern in (_NAMES, _ALL) for match in pattern.finditer(text)]
    later = [match["module"] for match in _LATER.finditer(text)]
    reached: dict[str, None] = {}
    for module in at_once:
        reached |= _reachable(modules, module, (*above, name))
    for module in later:
        reached |= _reachable(modules, module, ())
    return reached | {name: None}


def _body(name: str, text: str) -> str:
    """The body of a function that runs a module and returns what it exports."""
    exported = ", ".join([match["name"] for match in _EXPORT.finditer(text)] + _EXPORTS.findall(text))
    text = _EXPORTS.sub("", _EXPORT.sub("", text))
    text = _NAMES.sub(lambda match: f'const {{{_renamed(match["names"])}}} = await get("{match["module"]}");', text)
    text = _ALL.sub(r'const \g<name> = await get("\g<module>");', text)
    text = _LATER.sub(r'get("\g<module>")', text)
    if other := _OTHER.search(text):
        raise ValueError(f"The module {name} cannot be joined with others, because of this line: {other[0]}")
    return f"{text}return {{ {exported} }};\n"


def _renamed(names: str) -> str:
    return names.replace(" as ", ": ")
