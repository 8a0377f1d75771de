"""What the examples in cluster/compose, cluster/kubernetes and cluster/systemd say: their files, the nodes that they
start, the commands of their documents."""

import pathlib
import re
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "cluster" / "compose"
KUBERNETES = ROOT / "cluster" / "kubernetes"
SYSTEMD = ROOT / "cluster" / "systemd"
FOLDERS = (COMPOSE, KUBERNETES, SYSTEMD)
REFERENCE = ROOT / "docs" / "cli.md"
# Where `tools/bootstrap examples` puts what comes from PyPI.
PYTHON_PACKAGES = ROOT / ".build" / "python-examples"

DATA = "/var/lib/henge"
# Set by henge.service's and the image's surroundings or by the manifests for their own use; no options.
CLIENT_VARIABLES = {"HENGE_NODES", "HENGE_CONFIG"}


class ExampleError(Exception):
    """An example is not what it has to be; the message says which and why."""


def yaml():
    """The module PyYAML, which kubernetes-validate brings; ImportError without it."""
    sys.path.append(str(PYTHON_PACKAGES))
    import yaml as module

    return module


def manifests():
    """(path, document) of every Kubernetes object."""
    return [
        (path, document)
        for path in sorted(KUBERNETES.glob("*.yaml"))
        for document in yaml().safe_load_all(path.read_text())
        if document
    ]


def manifest(kind, name):
    for _, document in manifests():
        if document["kind"] == kind and document["metadata"]["name"] == name:
            return document
    raise ExampleError(f"cluster/kubernetes has no {kind} {name}")


def services():
    """The services of compose.yaml by name."""
    return yaml().safe_load((COMPOSE / "compose.yaml").read_text())["services"]


def instructions(name):
    """The arguments of each such instruction of the Dockerfile, continued lines joined."""
    text = (COMPOSE / "Dockerfile").read_text().replace("\\\n", " ")
    return [match.group(1).strip() for match in re.finditer(rf"^{name}\s+(.*)$", text, re.MULTILINE)]


def unit():
    """(key, value) of the lines of henge.service."""
    lines = (SYSTEMD / "henge.service").read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#")]


def unit_value(key):
    values = [value for name, value in unit() if name == key]
    if len(values) != 1:
        raise ExampleError(f"henge.service has {len(values)} lines of {key}")
    return values[0]


def environment_file():
    """The variables of henge.default."""
    lines = (SYSTEMD / "henge.default").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def documented(folder, heading=None):
    """The commands in the sh blocks of a folder's README, under one heading or in all of it, as words."""
    text = (folder / "README.md").read_text()
    if heading is not None:
        parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
        sections = dict(zip(parts[1::2], parts[2::2]))
        if heading not in sections:
            raise ExampleError(f"{folder.name}/README.md has no heading {heading}")
        text = sections[heading]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.strip()]


def henge_words(words):
    """What follows `henge` in a command that runs it here or in a container; None where none does."""
    if "henge" not in words or words[0] not in ("kubectl", "docker", "henge"):
        return None
    if words[0] != "henge" and "exec" not in words:
        return None
    return words[words.index("henge") + 1 :]


def expanded(text, variables):
    """`$(NAME)` as Kubernetes fills it in: with variables that stand before it."""
    return re.sub(r"\$\((\w+)\)", lambda match: variables.get(match.group(1), match.group(0)), text)


def pod_environment(container, name):
    """What a container sees in the pod `name`."""
    found = {}
    for entry in container.get("env", []):
        if "value" in entry:
            found[entry["name"]] = expanded(entry["value"], found)
        elif entry["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name":
            found[entry["name"]] = name
        else:
            raise ExampleError(f"{entry['name']} of the StatefulSet comes from where nobody here can tell")
    return found
