"""What cluster/tour is made of: how it looks, the Redis protocol as far as it needs that, and the henge command."""

import binascii
import json
import os
import socket
import subprocess
import sys
import time

HOST = "127.0.0.1"
SOCKET_SECONDS_MAX = 30.0
SLOTS = 16384


class TourError(Exception):
    """Something does not hold; the message says what, and what to do."""


class ErrorReply(Exception):
    """An error that a node replied."""


# --- Looks -----------------------------------------------------------------------------------------------------

TERMINAL = sys.stdout.isatty()
COLOR = TERMINAL and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOR else text


def bold(text):
    return paint("1", text)


def faint(text):
    return paint("2", text)


def say(text=""):
    print(text, flush=True)


def chapter(title):
    say()
    say(bold(f"── {title} " + "─" * max(0, 76 - len(title))))


def bar(fraction, width):
    steps = round(max(0.0, min(1.0, fraction)) * width * 8)
    return ("█" * (steps // 8) + (" ▏▎▍▌▋▊▉"[steps % 8] if steps % 8 else "")).ljust(width)


class Progress:
    """A bar on a terminal; elsewhere a line now and then."""

    LINE_SECONDS = 5.0

    def __init__(self, what, total):
        self.what = what
        self.total = total
        self.begin = time.monotonic()
        self.shown = self.begin

    def show(self, done, last=False):
        now = time.monotonic()
        if not last and now - self.shown < (0.1 if TERMINAL else self.LINE_SECONDS):
            return
        self.shown = now
        seconds = max(1e-6, now - self.begin)
        rate = done / seconds
        fraction = done / self.total if self.total else 1.0
        left = f"{seconds:.1f} s" if last else f"{(self.total - done) / rate:.0f} s left" if rate else ""
        text = f"{fraction:6.1%}  {done:,} of {self.total:,}  {rate:,.0f}/s  {left}"
        if TERMINAL:
            drawn = paint("38;5;36", bar(fraction, 28))
            print(f"\r\x1b[K{self.what}  {drawn} {text}", end="\n" if last else "", flush=True)
        else:
            say(f"{self.what}  {text.strip()}")


def percentile(ordered, fraction):
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def latencies(seconds):
    ordered = sorted(seconds)
    points = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
    return "   ".join(f"{name} {percentile(ordered, at) * 1000:.2f} ms" for name, at in points)


# --- The Redis protocol, as much as is needed --------------------------------------------------------------------


def encoded(*arguments):
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """A connection to one node: requests out, replies in, in order."""

    def __init__(self, node):
        self.node = node
        try:
            self.socket = socket.create_connection((HOST, node["port"]), timeout=5)
        except OSError as error:
            raise TourError(f"{node['name']} does not answer on port {node['port']}: {error}") from None
        self.socket.settimeout(SOCKET_SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb", buffering=1 << 16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise TourError(f"{self.node['name']} broke the connection: {error}") from None

    def reply(self):
        """The next reply. Raises ErrorReply for an error; one inside an array comes back as a value."""
        value = self.read()
        if isinstance(value, ErrorReply):
            raise value
        return value

    def read(self):
        try:
            line = self.stream.readline()
            if not line.endswith(b"\r\n"):
                raise TourError(f"{self.node['name']} closed the connection")
            kind, rest = line[:1], line[1:-2]
            if kind == b"+":
                return rest.decode()
            if kind == b"-":
                return ErrorReply(rest.decode())
            if kind == b":":
                return int(rest)
            if kind == b"$":
                if rest == b"-1":
                    return None
                data = self.stream.read(int(rest) + 2)
                if len(data) != int(rest) + 2:
                    raise TourError(f"{self.node['name']} closed the connection")
                return data[:-2]
            if kind == b"*":
                return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        except OSError as error:
            raise TourError(f"{self.node['name']} does not answer: {error}") from None
        raise TourError(f"{self.node['name']} replied what is no RESP2: {line[:40]!r}")

    def do(self, *arguments):
        self.send(encoded(*arguments))
        return self.reply()


# --- The henge command -------------------------------------------------------------------------------------------


class Henge:
    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory

    def cluster(self, *arguments, quiet=False):
        """`henge cluster …`; what it prints is shown, what it complains of ends the tour."""
        directory = [] if self.directory == ".henge" else ["--dir", self.directory]
        return self.run("cluster", *arguments, *directory, quiet=quiet)

    def run(self, *arguments, quiet=False):
        command = [str(self.binary), *arguments]
        if not quiet:
            say(faint("$ henge " + " ".join(arguments)))
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE if quiet else None, stderr=subprocess.PIPE, text=True)
        except OSError as error:
            raise TourError(f"can't run {self.binary}: {error.strerror}; build it with make build") from None
        if done.returncode != 0:
            raise TourError(done.stderr.strip() or f"henge {' '.join(arguments)} failed with {done.returncode}")
        return done.stdout

    def nodes(self):
        """Name, state, RESP port, keys, bytes, … of each node."""
        nodes = json.loads(self.cluster("status", "--json", quiet=True))["nodes"]
        for node in nodes:
            node["port"] = int(node["resp"].rsplit(":", 1)[1])
        return nodes

    def ring(self, *arguments, node, quiet=False):
        """`henge ring …` at a node."""
        return self.run("ring", *arguments, "--node", node["resp"], quiet=quiet)

    def ring_json(self, what, node):
        return json.loads(self.ring(what, "--json", node=node, quiet=True))

    def inspect(self, key, node, quiet=False):
        arguments = ["inspect", key, "--node", node["resp"]]
        return json.loads(self.run(*arguments, "--json", quiet=True)) if quiet else self.run(*arguments)

    def report_hints(self, node, quiet=False):
        arguments = ["report", "hints", "--node", node["resp"]]
        return json.loads(self.run(*arguments, "--json", quiet=True)) if quiet else self.run(*arguments)


# --- Where keys are ----------------------------------------------------------------------------------------------


class Replicas:
    """Who holds a key: on a ring of more nodes than replicas, not everybody."""

    def __init__(self, ring):
        """`ring`: what `henge ring show --json` prints."""
        self.owners = ring["owners"]
        self.count = min(ring["replicas"], len(set(self.owners)))

    def of(self, key):
        """The owners of the first distinct nodes from the key's position on. Its slot is that of Redis Cluster, which is
        CRC16/XMODEM; the keys of the tour have no hash tags, and its nodes no zones."""
        slot = binascii.crc_hqx(key.encode(), 0) % SLOTS
        position = slot * len(self.owners) // SLOTS
        found = []
        while len(found) < self.count:
            owner = self.owners[position % len(self.owners)]
            if owner not in found:
                found.append(owner)
            position += 1
        return found

    def keys(self, prefix, count, node):
        """The first `count` keys that the node holds."""
        found = []
        index = 0
        while len(found) < count:
            key = f"{prefix}:{index}"
            index += 1
            if node["name"] in self.of(key):
                found.append(key)
        return found
