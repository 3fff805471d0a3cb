"""The OpenAPI document, held against a running server: no 500, no answer that it does not describe."""

import contextlib
import os
import re
from base64 import b64encode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema_rs import Draft202012Validator
from PIL import Image
from polyglance.config import Settings
from polyglance.errors import FolderError
from polyglance.indexer.run.places import check_folders
from polyglance.library import Library
from polyglance.ui.api import indexing
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.gate import Policy
from polyglance.ui.web.server import build
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from starlette.testclient import TestClient

EXAMPLES = 10
"""Requests made up for each route."""

TAKE_PICTURES = {"POST /api/v1/search", "POST /api/v1/similar"}

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A library that may be changed and emptied; no folder beside its own can be added to it."""
    folder = tmp_path_factory.mktemp("few")
    for number in range(6):
        Image.new("RGB", (40, 30), (40 * number, 200 - 30 * number, 90)).save(folder / f"photo {number}.png")
    (folder / "bad.png").write_bytes(b"no picture")

    def only_ours(folders):
        if any(not os.fsencode(each).startswith(os.fsencode(folder)) for each in folders):
            raise FolderError("Not in a test.", "")
        return check_folders(folders)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing, "check_folders", only_ours)
        with Library.open(tmp_path_factory.mktemp("library"), settings=Settings()) as opened:
            opened.index([folder], encoder="lite")
            yield opened


@pytest.fixture(scope="module")
def described(own):
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", build(own, Policy(names=frozenset({"testserver"}))))


@pytest.mark.parametrize(
    "mode",
    [pytest.param(mode, marks=[pytest.mark.slow] * (mode is GenerationMode.NEGATIVE)) for mode in GenerationMode],
    ids=lambda mode: mode.value,
)
def test_every_route_answers_as_described_whatever_it_is_sent(described, mode):
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 20
    if mode is GenerationMode.NEGATIVE:  # Schemathesis cannot make wrong ones of files; test_hostile.py does
        operations = [each for each in operations if each.label not in TAKE_PICTURES]
    tried = set()
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def answers(case):
            tried.add(case.operation.label)
            case.call_and_validate(checks=CHECKS)

        with contextlib.suppress(Unsatisfiable):  # a route that takes nothing cannot be asked wrongly
            answers()
    assert len(tried) > 12


@pytest.fixture(scope="module")
def document(client):
    return client.get("/api/v1/openapi.json").json()


def test_every_route_says_what_it_is_for_and_how_errors_look(document):
    names = []
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            names.append(about["operationId"])
            assert about["description"] and about["tags"], (method, path)
            for status in ("422", "default"):
                assert list(about["responses"][status]["content"]) == ["application/problem+json"], (method, path)
            assert any(status.startswith("2") for status in about["responses"])
            assert all(one.get("description") for one in about.get("parameters", [])), (method, path)
    assert len(names) == len(set(names)) > 20
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document):
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', str(document).replace("'", '"')))
    assert wanted <= set(document["components"]["schemas"])


def test_the_page_about_it_lists_every_route_and_loads_nothing(client, document):
    answer = client.get("/api/v1/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<b>{method.upper()}</b> <code>{path}</code>" in answer.text
    assert "<script" not in answer.text and not re.findall(r'(?:src|href)="(?!#|openapi\.json)', answer.text)
    assert "curl" in answer.text


def rows_of(page, operation):
    """Parameter -> (where, what, what holds if it is left out, description) of one operation."""
    section = page.split(f'<section id="{operation}">')[1].split("</section>")[0]
    rows = re.findall(r"<tr><td><code>(\w+)</code></td>(.*?)</tr>", section)
    return {name: tuple(re.findall(r"<td>(.*?)</td>", cells)) for name, cells in rows}


def test_the_page_says_which_parameters_are_required_and_what_holds_for_the_others(client, document):
    page = client.get("/api/v1/docs").text
    search = rows_of(page, "search")
    assert not [name for name, cells in search.items() if "required" in cells]
    assert (search["k"][2], search["all"][2], search["sort"][2], search["after"][2]) == (
        "20",
        "false",
        "&quot;relevance&quot;",
        "",
    )
    assert rows_of(page, "similar")["photo_id"][2] == "required"
    assert rows_of(page, "add_root")["path"][2] == "required"
    assert rows_of(page, "rescan")["root"][2] == ""
    for path, methods in document["paths"].items():
        for about in methods.values():
            rows = rows_of(page, about["operationId"])
            for parameter in about.get("parameters", []):
                assert (rows[parameter["name"]][2] == "required") == parameter["required"], (path, parameter["name"])


@pytest.mark.parametrize(
    ("secret", "security"),
    [
        (None, [{}, {"password": []}, {"token": []}]),
        ("me:correct horse", [{"password": []}]),
        ("correct-horse", [{"password": []}, {"token": []}]),
    ],
)
def test_the_document_says_what_a_request_must_carry(library, secret, security):
    """Each way that it names is accepted by a server with that secret, and no other is."""
    secret = Secret.from_text(secret) if secret else None
    document = build(library, Policy(secret)).openapi()
    schemes = document["components"]["securitySchemes"]
    assert document["security"] == security
    assert {name: scheme["scheme"] for name, scheme in schemes.items()} == {"password": "basic", "token": "bearer"}
    assert all(scheme["type"] == "http" and scheme["description"] for scheme in schemes.values())
    word = b64encode(b"me:correct horse" if secret and not secret.is_token else b"me:correct-horse").decode()
    sent = {"password": f"Basic {word}", "token": "Bearer correct-horse"}
    with TestClient(build(library, Policy(secret)), base_url="http://127.0.0.1") as client:
        for name, authorization in sent.items():
            status = client.get("/api/v1/roots", headers={"Authorization": authorization}).status_code
            assert status == (200 if {name: []} in security else 401), name
        assert client.get("/api/v1/roots").status_code == (200 if {} in security else 401)


def _with_type(document, kind):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if kind in answer.get("content", {}):
                    yield (method, path, status), answer["content"][kind]


def test_every_json_answer_has_an_example_that_its_schema_allows(document):
    answers = dict(_with_type(document, "application/json"))
    assert len(answers) > 20
    for place, content in answers.items():
        validator = Draft202012Validator(content["schema"] | {"components": document["components"]})
        errors = [error.message for error in validator.iter_errors(content["example"])]
        assert content["example"] and not errors, (place, errors)
    for _, content in _with_type(document, "application/problem+json"):
        assert content["example"]["detail"] and content["example"]["hint"]


def test_every_parameter_that_is_a_text_has_an_example_that_the_server_takes(document, client):
    parameters = document["paths"]["/api/v1/search"]["get"]["parameters"]
    texts = [each for each in parameters if each["name"] not in {"k", "cursor", "sort", "all", "relevant"}]
    assert len(texts) == 19 and all(each["schema"]["examples"] for each in texts)
    for each in (each for each in texts if each["name"] not in {"root", "in"}):  # they name folders of one machine
        for example in each["schema"]["examples"]:
            assert client.get("/api/v1/search", params={"q": "cat", each["name"]: example}).status_code == 200, each
    assert document["components"]["schemas"]["NewRoot"]["properties"]["path"]["examples"]


def test_times_have_formats(document, client, ids):
    schemas = document["components"]["schemas"]

    def formats(schema):
        parts = schema.get("anyOf", [])
        return {schema["format"]} if "format" in schema else set().union(*map(formats, parts))

    def of(name, field):
        return formats(schemas[name]["properties"][field])

    assert of("Job", "started") == of("Job", "finished") == {"date-time"}
    for name, field in (("MarkedResult", "taken_at"), ("Photo", "taken_at"), ("Facets", "first"), ("Facets", "last")):
        assert of(name, field) == {"date-time", "date-time-local"}, (name, field)
    assert client.get(f"/api/v1/photos/{ids['espresso.jpg']}").json()["taken_at"] == "2019-03-14T09:30:00"
