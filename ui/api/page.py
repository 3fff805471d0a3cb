"""The API's documentation page: made from the OpenAPI document, without scripts or files of other servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 54rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { padding: .6rem .8rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); overflow-x: auto; }
section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); margin-top: 1.5rem; }
h3 code { font-size: 1rem; } h3 b { display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
td, th { padding: .2rem .8rem .2rem 0; vertical-align: top; }
a { color: inherit; }
"""

_VALUES = {"path": "/home/me/Pictures", "ids": [1], "favourite": True}
"""Values of fields in examples; others are null."""

_OUTPUTS = {"image/*": "-o photo.jpg ", "application/zip": "-o photos.zip "}
"""Media type of an answer -> the option that writes it to a file."""


def html(document: dict[str, Any], base: str) -> str:
    """The page for an OpenAPI document; `base` is the server's address in the examples."""
    info = document["info"]
    operations = list(_operations(document))
    tags = list(dict.fromkeys(tag for _, _, operation in operations for tag in operation.get("tags", ["Other"])))
    body = [f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>", _paragraphs(info.get("description", ""))]
    body.append('<p>As a document for programs: <a href="openapi.json">openapi.json</a></p><nav><ul>')
    body += [
        f'<li><a href="#{escape(operation["operationId"])}"><code>{method} {escape(path)}</code></a></li>'
        for method, path, operation in operations
    ]
    body.append("</ul></nav>")
    for tag in tags:
        body.append(f"<h2>{escape(tag)}</h2>")
        body += [_section(document, base, *each) for each in operations if tag in each[2].get("tags", ["Other"])]
    title = f"{escape(info['title'])} – HTTP API"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>"
    )


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _section(document: dict[str, Any], base: str, method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(_row(*parameter) for parameter in _parameters(document, operation))
    head = "<tr><th>Name</th><th>Where</th><th>What</th><th>If left out</th><th></th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
    return (
        f'<section id="{escape(operation["operationId"])}"><h3><b>{method}</b> <code>{escape(path)}</code></h3>'
        f"{_paragraphs(operation.get('description', operation.get('summary', '')))}{table}"
        f"<pre>{escape(curl(document, base, method, path, operation))}</pre>{_answer(document, operation)}</section>"
    )


def _parameters(
    document: dict[str, Any], operation: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any], str, bool]]:
    """Yield (name, where, schema, description, whether it is required) of each parameter of an operation."""
    for each in operation.get("parameters", []):
        yield each["name"], each["in"], each["schema"], each.get("description", ""), each.get("required", False)
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        body = _resolve(document, content.get("schema", {}))
        for name, schema in body.get("properties", {}).items():
            yield name, kind, schema, schema.get("description", ""), name in body.get("required", [])


def _row(name: str, where: str, schema: dict[str, Any], description: str, required: bool) -> str:
    default = schema.get("default")
    left_out = "required" if required else json.dumps(default) if default or default in (0, False) else ""
    cells = (where, _kind(schema), left_out, description)
    return f"<tr><td><code>{escape(name)}</code></td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def curl(document: dict[str, Any], base: str, method: str, path: str, operation: dict[str, Any]) -> str:
    """Return an example of a request as a curl command."""
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    address = base + path.replace("{photo_id}", "1").replace("{root_id}", "1").replace("{month}", "undated")
    if "q" in names:
        address += "?q=snowy+mountains&after=2024"
    elif "day" in names:
        address += "?day=11-26"
    options = "" if method == "GET" else f"-X {method} "
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        schema = _resolve(document, content["application/json"]["schema"])
        values = {name: _VALUES.get(name) for name in schema["properties"]}
        options += f"-H 'Content-Type: application/json' -d '{json.dumps(values)}' "
    elif "multipart/form-data" in content:
        options = "-F picture=@beach.jpg -F q='at night' "
    elif content:
        options = "-H 'Content-Type: image/jpeg' --data-binary @beach.jpg "
    kinds = operation.get("responses", {}).get("200", {}).get("content", {})
    output = next((option for kind, option in _OUTPUTS.items() if kind in kinds), "")
    return f"curl {options}{output}'{address}'"


def _answer(document: dict[str, Any], operation: dict[str, Any]) -> str:
    for status in ("200", "202"):
        schema = (
            operation.get("responses", {}).get(status, {}).get("content", {}).get("application/json", {}).get("schema")
        )
        if schema:
            return f"<p>Answers {status} with</p><pre>{escape(_shape(document, schema))}</pre>"
    return ""


def _shape(document: dict[str, Any], schema: dict[str, Any], indent: str = "") -> str:
    """Return a schema as JSON with types in the place of values."""
    schema = _resolve(document, schema)
    if "properties" in schema:
        deeper = indent + "  "
        lines = [f"{deeper}{name}: {_shape(document, inner, deeper)}" for name, inner in schema["properties"].items()]
        return "{\n" + "\n".join(lines) + f"\n{indent}}}"
    if schema.get("type") == "array":
        return f"[{_shape(document, schema.get('items', {}), indent)}, …]"
    if "anyOf" in schema:
        return " | ".join(_shape(document, option, indent) for option in schema["anyOf"])
    return _kind(schema)


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_kind(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items', {}))}, repeatable"
    limits = [str(schema[name]) for name in ("minimum", "maximum") if name in schema]
    return f"{schema.get('const', schema.get('format', schema.get('type', '')))} {'–'.join(limits)}".strip()


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    resolved: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return resolved


def _paragraphs(text: str) -> str:
    """Convert paragraphs and `code` of Markdown to HTML, and nothing else."""
    parts = [escape(part).split("`") for part in text.split("\n\n") if part.strip()]
    paragraphs = ("".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(part)) for part in parts)
    return "".join(f"<p>{part}</p>" for part in paragraphs)
