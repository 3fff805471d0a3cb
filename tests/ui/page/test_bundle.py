"""The page's scripts joined into one: what a browser would do with the modules, in the forms that the page uses."""

import pytest
from polyglance.ui.page import assets, bundle


def test_all_modules_that_the_start_reaches_are_joined():
    modules = {name: assets.text(name) for name in assets.names(".js")}
    script = bundle.scripts(modules, "start.js")
    assert all(f'"{name}": async' in script for name in modules if name != "early.js")
    assert "\nimport " not in script
    assert "\nexport " not in script


def test_names_are_imported_and_exported_under_other_names_too():
    modules = {
        "a.js": 'import { x as y, z } from "./b.js";\nimport * as b from "./b.js";\n'
        'export const later = () => import("./c.js");\n',
        "b.js": "export const x = 1;\nexport async function z() {}\nconst u = 2;\nexport { u };\n",
        "c.js": "export class C {}\n",
    }
    script = bundle.scripts(modules, "a.js")
    assert 'const { x: y, z } = await get("b.js");' in script
    assert 'const b = await get("b.js");' in script
    assert "return { x, z, u };" in script
    assert 'const later = () => get("c.js");' in script
    assert "return { C };" in script
    assert script.endswith('await get("a.js");\n')


@pytest.mark.parametrize(
    "line", ["export default 1;", 'export * from "./b.js";', 'import "./b.js";', 'import b from "./b.js";']
)
def test_a_form_that_is_not_understood_is_an_error(line):
    with pytest.raises(ValueError, match="because of this line"):
        bundle.scripts({"a.js": f"{line}\n", "b.js": ""}, "a.js")


def test_modules_that_import_each_other_are_an_error():
    modules = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    with pytest.raises(ValueError, match=r"a\.js -> b\.js -> a\.js"):
        bundle.scripts(modules, "a.js")
