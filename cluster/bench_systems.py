"""What cluster/bench and cluster/bench-peers measure: systems of three servers each, on loopback and free ports, in
temporary directories. They end with their `with`, however it is left, and with the script.

Each has a name, the address that clients turn to, its processes by name, and check(), which raises when one has ended.
"""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.request

import henge_cluster
from henge_cluster import HOST, Cluster, wait_until

START_SECONDS_MAX = 30
# More than any run writes: at 2 GiB, its standard, etcd refuses to.
ETCD_BYTES_MAX = 8 << 30
REDIS_SLOTS = 16384


class BenchError(Exception):
    pass


class HengeSystem:
    """Nodes of henge with one durability."""

    def __init__(self, durability, binary, nodes=3, arguments=()):
        """`arguments` are others of henge serve."""
        self.name = f"henge {durability}"
        self.durability = durability
        self.cluster = Cluster(nodes=nodes, binary=binary, arguments=["--durability", durability, *arguments])

    def __enter__(self):
        try:
            self.cluster.start()
        except BaseException:
            self.cluster.close()
            raise
        return self

    def __exit__(self, *_):
        self.cluster.close()

    @property
    def address(self):
        return self.cluster.nodes[0].address

    @property
    def http(self):
        return f"http://{HOST}:{self.cluster.nodes[0].http}"

    @property
    def processes(self):
        return {node.name: node.process.pid for node in self.cluster.nodes}

    def check(self):
        dead = self.cluster.dead()
        if dead:
            raise BenchError("\n".join(dead))


class Server:
    """One process of a system, in a directory of its own."""

    def __init__(self, directory, command):
        self.directory = directory
        directory.mkdir()
        with open(directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                preexec_fn=henge_cluster.die_with_parent,
            )

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=henge_cluster.STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class ServerSystem:
    """Servers by name; subclasses start them."""

    def __init__(self, name):
        self.name = name
        self.directory = None
        self.servers = {}

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="henge-bench-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def launch(self, name, command):
        self.servers[name] = Server(self.directory / name.replace(" ", ""), command)

    @property
    def processes(self):
        return {name: server.process.pid for name, server in self.servers.items()}

    def check(self):
        for name, server in self.servers.items():
            if server.process.poll() is not None:
                lines = henge_cluster.process_tail(server.directory / "log", 5)
                raise BenchError("\n".join([f"{self.name}: the {name} has ended; its log ends:", *lines]))


def redis_command(port, *options):
    return [
        "redis-server",
        *("--port", str(port)),
        *("--bind", HOST),
        *("--daemonize", "no"),
        *("--save", ""),
        *options,
    ]


def redis_ask(port, request):
    """The reply to an inline request: text of a status or of a bulk string. Raises BenchError on an error."""
    with socket.create_connection((HOST, port), timeout=2) as connection:
        connection.sendall(f"{request}\r\n".encode())
        stream = connection.makefile("rb")
        line = stream.readline()
        if line.startswith(b"-"):
            raise BenchError(f"redis: {request}: {line[1:].decode().strip()}")
        return stream.read(int(line[1:])).decode() if line.startswith(b"$") else line[1:].decode().strip()


def redis_info(port, request):
    return dict(line.strip().split(":", 1) for line in redis_ask(port, request).splitlines() if ":" in line)


class RedisSystem(ServerSystem):
    """A Redis primary with two replicas, each with a log of its own, written with one fsync policy."""

    def __init__(self, fsync):
        super().__init__(f"redis {fsync}")
        self.fsync = fsync
        self.port = None

    def start(self):
        ports = henge_cluster.free_ports(3)
        self.port = ports[0]
        for name, port in zip(("primary", "replica 1", "replica 2"), ports):
            options = [
                *("--appendonly", "yes"),
                *("--appendfsync", self.fsync),
                # No rewrite of the log in the middle of a measurement.
                *("--auto-aof-rewrite-percentage", "0"),
                *("--repl-diskless-sync-delay", "0"),
            ]
            if port != self.port:
                options += ["--replicaof", HOST, str(self.port)]
            self.launch(name, redis_command(port, *options))

        def synced():
            self.check()
            info = redis_info(self.port, "INFO replication")
            return [info[f"slave{i}"].split("state=")[1].split(",")[0] for i in range(2)] == ["online"] * 2

        wait_until(synced, START_SECONDS_MAX, f"{self.name}: two replicas online")

    @property
    def address(self):
        return f"{HOST}:{self.port}"


class RedisClusterSystem(ServerSystem):
    """Redis Cluster: three primaries without replicas and without logs, so that nothing is acknowledged but by memory."""

    def __init__(self):
        super().__init__("redis cluster")
        self.ports = []

    def start(self):
        ports = henge_cluster.free_ports(6)
        self.ports = ports[:3]
        for index, (port, bus) in enumerate(zip(self.ports, ports[3:])):
            options = ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--appendonly", "no"]
            self.launch(f"primary {index + 1}", redis_command(port, *options))
        for port in self.ports:
            wait_until(lambda: redis_ask(port, "PING") == "PONG", START_SECONDS_MAX, f"{self.name}: an answer")
        for index, port in enumerate(self.ports):
            first, last = (REDIS_SLOTS * i // 3 for i in (index, index + 1))
            redis_ask(port, f"CLUSTER ADDSLOTSRANGE {first} {last - 1}")
            redis_ask(port, f"CLUSTER SET-CONFIG-EPOCH {index + 1}")
            if index:
                redis_ask(self.ports[0], f"CLUSTER MEET {HOST} {port} {ports[3 + index]}")

        def formed():
            self.check()
            infos = [redis_info(port, "CLUSTER INFO") for port in self.ports]
            return all(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3" for info in infos)

        wait_until(formed, START_SECONDS_MAX, f"{self.name}: three nodes that know each other")

    @property
    def address(self):
        return f"{HOST}:{self.ports[0]}"


class EtcdSystem(ServerSystem):
    """Three members of etcd, as shipped: each write is on the disks of two before it is acknowledged."""

    def __init__(self):
        super().__init__("etcd")
        self.urls = []
        self.leader = None

    def start(self):
        ports = henge_cluster.free_ports(6)
        self.urls = [f"http://{HOST}:{port}" for port in ports[:3]]
        peers = [f"http://{HOST}:{port}" for port in ports[3:]]
        members = ",".join(f"m{i + 1}={peer}" for i, peer in enumerate(peers))
        for index, (url, peer) in enumerate(zip(self.urls, peers)):
            name = f"m{index + 1}"
            self.launch(
                f"member {index + 1}",
                [
                    "etcd",
                    *("--name", name),
                    *("--data-dir", "data"),
                    *("--listen-client-urls", url, "--advertise-client-urls", url),
                    *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                    *("--initial-cluster", members, "--initial-cluster-state", "new"),
                    *("--quota-backend-bytes", str(ETCD_BYTES_MAX)),
                    *("--log-level", "error"),
                ],
            )

        def elected():
            self.check()
            for url in self.urls:
                status = self.ask("/v3/maintenance/status", url=url)
                if status["leader"] == status["header"]["member_id"]:
                    self.leader = url
            return self.leader

        wait_until(elected, START_SECONDS_MAX, f"{self.name}: a leader")

    def ask(self, path, url=None, **fields):
        """A question to the JSON gateway; the answer as a dictionary."""
        request = urllib.request.Request((url or self.leader) + path, data=json.dumps(fields).encode())
        with contextlib.closing(urllib.request.urlopen(request, timeout=5)) as answer:
            return json.loads(answer.read())

    @property
    def revision(self):
        """How many writes there have been."""
        return int(self.ask("/v3/maintenance/status")["header"]["revision"])

    @property
    def address(self):
        """Of the leader: another member would forward to it each write."""
        return self.leader.removeprefix("http://")
