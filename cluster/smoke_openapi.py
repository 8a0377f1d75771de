"""Checks of cluster/smoke on the operators' API: its description is OpenAPI 3.1, and schemathesis, which makes requests of
it, right ones and wrong ones, finds no answer that it doesn't describe and none of 500. `tools/bootstrap smoke` installs
both into .build/python-openapi.
"""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

PACKAGES = pathlib.Path(__file__).resolve().parent.parent / ".build" / "python-openapi"
SECONDS_MAX = 100
# A few of each operation; what was found once is found again.
EXAMPLES_MAX = 20
SEED = 1

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def environment(folder):
    """With the packages, and without what the user's own settings would change."""
    return {**os.environ, "PYTHONPATH": str(PACKAGES), "HOME": str(folder), "NO_COLOR": "1"}


def python(folder, *words):
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words[:2])}: {(done.stdout + done.stderr)[-4000:]}")


def address(world):
    return f"http://{world.n1.host}:{world.n1.http}/admin"


def ask(world, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address(world) + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


@check
def admin_description_is_openapi(world):
    folder = pathlib.Path(world.cluster.directory)
    description = folder / "openapi.json"
    description.write_text(json.dumps(ask(world, "GET", "/openapi.json")))
    python(folder, "-m", "openapi_spec_validator", str(description))


@check
def admin_answers_as_described(world):
    folder = pathlib.Path(world.cluster.directory)
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    words = ["--checks", checks, "--max-examples", str(EXAMPLES_MAX), "--seed", str(SEED), "--no-color"]
    try:
        python(folder, "-m", "schemathesis.cli", "run", f"{address(world)}/openapi.json", *words)
    finally:
        # It has held hints back, and maybe staged something.
        ask(world, "POST", "/hints/resume", {})
        ask(world, "DELETE", "/ring/staged")
