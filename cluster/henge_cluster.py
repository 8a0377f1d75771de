"""Starts, kills and stops real henge nodes on loopback, for scripts that test or measure a cluster from outside.

    with Cluster(nodes=3) as cluster:
        cluster.start()
        cluster.node("n2").kill()

Only processes started here are ever signalled, by their pid. They end with the script, however it ends.
"""

import contextlib
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / ".build" / "release" / "henge"
PYTHON_PACKAGES = ROOT / ".build" / "python"
HOST = "127.0.0.1"

START_SECONDS_MAX = 15.0
STOP_SECONDS_MAX = 10.0
POLL_SECONDS = 0.02
LOG_LINES_SHOWN = 25


class ClusterError(Exception):
    """A node did not do what a cluster needs of it; the message says which and what it said last."""


class DeadlineError(Exception):
    """A condition did not come true in time."""


def use_python_packages():
    """Makes what `tools/bootstrap smoke` installed importable."""
    sys.path.insert(0, str(PYTHON_PACKAGES))


def wait_until(condition, seconds, what):
    """Polls `condition` until it returns something true, and returns that. What it raises counts as not yet.

    Raises DeadlineError, naming `what` and the last exception, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = None
        except ClusterError:
            raise
        except Exception as error:  # Whatever a client library raises while a node is away.
            last = error
        if time.monotonic() >= deadline:
            because = f" (last: {type(last).__name__}: {last})" if last else ""
            raise DeadlineError(f"not within {seconds:g} s: {what}{because}")
        time.sleep(POLL_SECONDS)


def free_ports(count, width=1):
    """`count` different ports that nothing listens on, each the first of `width` in a row.

    They lie below the range from which the system takes the local ports of outgoing connections, so that none of those
    can take a port while its node is down.
    """
    try:
        top = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        top = 32768
    candidates = range(max(1024, min(10000, top - 4096)), top - width, width)
    ports = []
    for port in random.sample(candidates, min(512, len(candidates))):
        if not all(is_free(port + behind) for behind in range(width)):
            continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise ClusterError(f"found {len(ports)} free ports, {count} are needed")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def die_with_parent():
    """Runs in the child: the kernel kills it when this script is gone, even by kill -9."""
    death_signal = 1  # PR_SET_PDEATHSIG
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)


def process_tail(path, lines=LOG_LINES_SHOWN):
    try:
        return path.read_text(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def cpu_seconds(processes):
    """What the processes have used of CPU time until now, in user and system mode, all threads."""
    ticks = 0
    for pid in processes.values():
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Theft:
    """How much of this machine's time its host gave to others since the making of this ("steal" in proc(5)): a measurement
    with more of it than MAX tells of the host and not of what was measured."""

    MAX = 0.02

    def __init__(self):
        self.began = self.ticks()

    @staticmethod
    def ticks():
        """By kind: user, nice, system, idle, iowait, irq, softirq, steal."""
        return [int(field) for field in pathlib.Path("/proc/stat").read_text().split()[1:9]]

    @property
    def share(self):
        spent = [now - then for now, then in zip(self.ticks(), self.began)]
        return spent[7] / max(1, sum(spent))


def memory_bytes(processes, field="VmRSS"):
    """By process name; the field VmHWM is the most that VmRSS ever was."""
    found = {}
    for name, pid in processes.items():
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                found[name] = int(line.split()[1]) * 1024
    return found


class Node:
    """One node: its addresses and data directory, and its process while it runs."""

    def __init__(self, name, resp, http, peer, directory, binary=BINARY, host=HOST, prefix=()):
        """`prefix` is the command, such as nsenter, that turns itself into the henge that follows it."""
        self.name = name
        self.host = host
        self.prefix = list(prefix)
        self.resp = resp
        self.http = http
        self.peer = peer
        self.directory = directory
        self.binary = binary
        self.process = None
        self.starts = 0

    @property
    def data(self):
        return self.directory / self.name

    @property
    def log(self):
        """What the process of the last start wrote, both streams."""
        return self.directory / f"{self.name}.{self.starts}.log"

    @property
    def address(self):
        """The RESP address, as --node takes it."""
        return f"{self.host}:{self.resp}"

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def ready(self):
        return any(line.startswith("ready") for line in process_tail(self.log, 10_000))

    def launch(self, *arguments):
        """Starts the process with `arguments` after the addresses; returns at once."""
        if self.alive:
            raise ClusterError(f"{self.name} already runs")
        self.starts += 1
        command = [
            *self.prefix,
            str(self.binary),
            "serve",
            *("--name", self.name),
            *("--data", str(self.data)),
            *("--resp", f"{self.host}:{self.resp}"),
            *("--http", f"{self.host}:{self.http}"),
            *("--peer", f"{self.host}:{self.peer}"),
            *arguments,
        ]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
                env={**os.environ, "NO_COLOR": "1"},
            )

    def wait_ready(self, seconds=START_SECONDS_MAX):
        """Returns when the node has printed `ready`; raises ClusterError with its log when it ends or stays silent."""

        def ready():
            if self.ready:
                return True
            if not self.alive:
                raise ClusterError(self.story(f"ended with {self.process.returncode} before it was ready"))
            return False

        try:
            wait_until(ready, seconds, f"{self.name} ready")
        except DeadlineError as error:
            raise ClusterError(self.story(str(error))) from None

    def signal(self, number):
        if self.alive:
            self.process.send_signal(number)

    def kill(self):
        """kill -9, and waits until the process is gone."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds=STOP_SECONDS_MAX):
        """SIGTERM; returns the exit status. Raises DeadlineError, the process killed, when it takes too long."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DeadlineError(f"{self.name} did not stop within {seconds:g} s of SIGTERM") from None

    def story(self, happened):
        lines = "\n".join(f"    {line}" for line in process_tail(self.log))
        return f"{self.name} {happened}; its log ends:\n{lines or '    (empty)'}"


class Cluster:
    """Nodes n1, n2, … with one bootstrap list, in a temporary directory that goes away with the cluster."""

    def __init__(self, nodes=3, binary=BINARY, arguments=(), keep=False, sites=(), shards=1):
        """`sites` are pairs of a host and a prefix (see Node), one a node, where the nodes are not all on loopback."""
        self.arguments = [*arguments, *(["--shards", str(shards)] if shards > 1 else [])]
        self.keep = keep
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="henge-cluster-"))
        sites = list(sites) or [(HOST, ())] * nodes
        # Each shard listens for its peers behind the one before; the other ports fit in between as well.
        ports = free_ports(3 * nodes, shards)
        self.nodes = [
            Node(f"n{i + 1}", *ports[3 * i : 3 * i + 3], self.directory, binary, *sites[i]) for i in range(nodes)
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def bootstrap(self):
        return ",".join(f"{node.name}={node.host}:{node.peer}" for node in self.nodes)

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)

    def others(self, node):
        return [other for other in self.nodes if other is not node]

    def start(self, *nodes):
        """Starts the given nodes, or all that do not run, and waits until each is ready."""
        starting = [node for node in (nodes or self.nodes) if not node.alive]
        for node in starting:
            node.launch("--bootstrap", self.bootstrap, *self.arguments)
        for node in starting:
            node.wait_ready()

    def dead(self):
        """Stories of the nodes that were started and have ended."""
        return [
            node.story(f"ended with {node.process.returncode}")
            for node in self.nodes
            if node.process is not None and not node.alive
        ]

    def stories(self):
        return [node.story("is up" if node.alive else "is down") for node in self.nodes if node.starts]

    def close(self):
        """Ends every process started here and removes the directory."""
        for node in self.nodes:
            node.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        for node in self.nodes:
            if node.process is None:
                continue
            try:
                node.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                node.kill()
        if self.keep:
            print(f"kept {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
