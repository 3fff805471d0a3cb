"""The files in deploy/ are what orchestrators take: by their structure, and by schemas where those are installed."""

import re
from itertools import chain
from pathlib import Path

import pytest
import typer
from polyglance.cli import app
from polyglance.config import Settings

yaml = pytest.importorskip("yaml")

DEPLOY = Path(__file__).parent.parent / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
FILES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
OBJECTS = [each for file in FILES for each in yaml.safe_load_all(file.read_text())]
PODS = [each["spec"]["template"]["spec"] for each in OBJECTS if "template" in each.get("spec", {})]
CONTAINERS = list(chain.from_iterable(pod["containers"] for pod in PODS))
IMAGES = [each["image"] for each in (*COMPOSE["services"].values(), *CONTAINERS)]
PROBES = {"httpGet", "tcpSocket", "exec", "periodSeconds", "timeoutSeconds", "failureThreshold", "initialDelaySeconds"}


@pytest.mark.parametrize("image", IMAGES)
def test_images_have_a_version(image):
    assert re.search(r":(?!latest$)[\w.-]*\d[\w.-]*$", image)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: each["name"])
def test_containers_have_probes_and_no_rights(container):
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe].keys() <= PROBES
        assert len(container[probe].keys() & {"httpGet", "tcpSocket", "exec"}) == 1
    rights = container["securityContext"]
    assert rights == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize("pod", PODS, ids=lambda each: each["containers"][0]["name"])
def test_pods_are_no_root_and_read_photos_only(pod):
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    mounts = {mount["name"]: mount for container in pod["containers"] for mount in container["volumeMounts"]}
    assert mounts.get("photos", {"readOnly": True})["readOnly"]
    assert mounts.keys() - {"data"} == {volume["name"] for volume in pod.get("volumes", [])}


def test_services_lead_to_pods():
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in OBJECTS if "template" in each["spec"]]
    for each in OBJECTS:
        if each["kind"] == "Service":
            assert each["spec"]["selector"] in labels
        else:
            assert each["spec"]["selector"]["matchLabels"] == each["spec"]["template"]["metadata"]["labels"]


def test_no_secret_is_written_down():
    texts = "".join(file.read_text() for file in [DEPLOY / "compose.yaml", *FILES])
    assert not re.search(r"(?i)(password|secret|access_key\w*|auth)\b[^\n]{0,3}[:=] *[\"']?\w{6,}[\"']?$", texts, re.M)
    for container in CONTAINERS:
        for variable in container.get("env", []):
            if re.search("PASSWORD|SECRET|KEY|AUTH|CATALOG", variable["name"]):
                assert variable.keys() == {"name", "valueFrom"}


def test_compose_mounts_what_it_declares_and_checks_health():
    services = COMPOSE["services"]
    assert all("healthcheck" in service for service in services.values())
    for service in services.values():
        named = {mount.partition(":")[0] for mount in service.get("volumes", []) if not mount.startswith("$")}
        assert named <= COMPOSE["volumes"].keys()
        assert all(mount.endswith(":/photos:ro") for mount in service.get("volumes", []) if mount.startswith("$"))
        used = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])}
        assert used <= COMPOSE["secrets"].keys()
        assert set(service.get("depends_on", [])) <= services.keys()
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


def test_what_the_web_containers_start_is_a_command_there_is():
    command = typer.main.get_command(app)
    (web,) = (each for each in CONTAINERS if each["name"] == "web")
    for words in (COMPOSE["services"]["web"]["command"], web["args"]):
        context = command.make_context("polyglance", list(words), resilient_parsing=True)
        command.get_command(context, words[0]).make_context(words[0], list(words[1:]), parent=context)


def test_the_variables_are_settings():
    (web,) = (each for each in CONTAINERS if each["name"] == "web")
    settings = {f"POLYGLANCE_{name.upper()}" for name in Settings.model_fields}
    assert {variable["name"] for variable in web["env"]} <= settings


def test_kubernetes_takes_the_objects():
    validate = pytest.importorskip("kubernetes_validate")
    for each in OBJECTS:
        validate.validate(each, "1.34", strict=True)
