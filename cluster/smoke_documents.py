"""A check of cluster/smoke: the curl examples of docs/http.md, run as they stand there.

An indented line that begins with `$ ` is a command; the lines under it are what it prints, in this order, maybe among
others. `…` stands for anything. All commands share one shell, so a variable that one sets is there for the next.
"""

import pathlib
import re
import subprocess

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "http.md"
MARK = "@@ command"

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def examples(text):
    """Yields (command, lines that it prints)."""
    command, lines = None, []
    for line in text.split("\n"):
        if line.startswith("    $ "):
            if command:
                yield command, lines
            command, lines = line[6:], []
        elif line.startswith("    ") and command:
            lines.append(line[4:])
        elif command:
            yield command, lines
            command, lines = None, []
    if command:
        yield command, lines


def pattern(line):
    return re.compile(".*".join(re.escape(part) for part in line.split("…")))


def missing(lines, printed):
    """The first of the lines that is not printed behind those before it."""
    rest = iter(printed)
    for line in lines:
        wanted = pattern(line)
        if not any(wanted.fullmatch(found) for found in rest):
            return line
    return None


@check
def curl_examples_of_the_documents_work(world):
    found = list(examples(DOCUMENT.read_text()))
    if len(found) < 25:
        raise AssertionError(f"only {len(found)} examples in {DOCUMENT}")
    script = ["curl() { command curl -sS --max-time 20 \"$@\"; }"]
    for number, (command, _) in enumerate(found):
        script += [f"echo; echo '{MARK} {number}'", command]
    text = "\n".join(script)
    for index, node in enumerate(world.cluster.nodes[:3], start=1):
        text = text.replace(f"127.0.0.1:840{index}", f"{node.host}:{node.http}")
    run = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=120)
    if run.stderr:
        raise AssertionError(f"curl said {run.stderr[:500]}")
    outputs = re.split(rf"\n{MARK} \d+\n", "\n" + run.stdout)[1:]
    if len(outputs) != len(found):
        raise AssertionError(f"{len(outputs)} outputs of {len(found)} commands")
    for (command, lines), output in zip(found, outputs):
        line = missing(lines, output.replace("\r", "").split("\n"))
        if line is not None:
            raise AssertionError(f"{command}\nprinted no {line!r} in its place, but\n{output[:1000]}")
        if not lines and output.strip():
            raise AssertionError(f"{command}\nprinted\n{output[:1000]}")
