"""What goes on while the ring changes in cluster/bench-ring: writers that know what was acknowledged, a load with fixed
times, measured window by window, and clients of Redis Cluster."""

import json
import statistics
import subprocess
import threading
import time

from chaos_resp import Connection, RequestError
from henge_cluster import Theft

WRITERS = 4
# Each of them; a load that took all that the machine has left would be no steady one.
WRITES_A_SECOND = 100
WRITER_KEYS = 100
WINDOW_SECONDS = 2
REQUEST_SECONDS_MAX = 10
# How often a client of Redis Cluster asks for the map, where it does so by itself.
REFRESH_SECONDS = 2.0


class Writer(threading.Thread):
    """Counts up in keys of its own at QUORUM, through each of the nodes in turn, and knows the last acknowledged count of
    each key.

    As client libraries do, it asks another node when one closes the connection or takes none. All other errors are failures.
    """

    def __init__(self, number, nodes):
        """`nodes` returns those to ask; it may return others later."""
        super().__init__(daemon=True)
        self.keys = [f"counter:{number}:{index}" for index in range(WRITER_KEYS)]
        self.nodes = nodes
        self.acknowledged = {}
        self.requests = 0
        # Pairs of an error's code and what happened.
        self.failures = []
        self.asked_again = 0
        self.stopping = threading.Event()

    def run(self):
        connections = {}
        turn = 0
        node_turn = 0
        began = time.monotonic()
        while not self.stopping.is_set():
            # Behind its time it goes on at once, so the load is the same whatever the nodes take.
            time.sleep(max(0.0, began + turn / WRITES_A_SECOND - time.monotonic()))
            key = self.keys[turn % len(self.keys)]
            turn += 1
            self.requests += 1
            while not self.stopping.is_set():
                nodes = self.nodes()
                node = nodes[node_turn % len(nodes)]
                node_turn += 1
                client = connections.setdefault(
                    node.name, Connection(node.host, node.resp, REQUEST_SECONDS_MAX)
                )
                try:
                    client.call("SET", key, turn)
                    self.acknowledged[key] = turn
                except RequestError as error:
                    if error.code in ("closed", "refused"):
                        self.asked_again += 1
                        continue
                    self.failures.append((error.code, f"SET {key} at {node.name}: {error}"))
                break
        for client in connections.values():
            client.close()

    def lost(self, client):
        """Keys whose last acknowledged count, or a later one, can't be read at QUORUM."""
        keys = list(self.acknowledged)
        found = client.pipeline([("GET", key) for key in keys])
        bad = [reply for reply in found if isinstance(reply, RequestError)]
        if bad:
            raise bad[0]
        return [key for key, reply in zip(keys, found) if int(reply or 0) < self.acknowledged[key]]


class ClusterClient(threading.Thread):
    """A RedisCluster of redis-py that writes and reads keys of its own, and may see no error at all."""

    def __init__(self, name, nodes, refreshes):
        """`refreshes`: whether it asks for the map now and then, as other libraries do; redis-py alone asks when a node is
        gone or sends it elsewhere."""
        super().__init__(daemon=True)
        from redis.cluster import ClusterNode, RedisCluster

        self.name = name
        self.refreshes = refreshes
        self.client = RedisCluster(
            startup_nodes=[ClusterNode(node.host, node.resp) for node in nodes],
            decode_responses=True,
            socket_timeout=REQUEST_SECONDS_MAX,
            socket_connect_timeout=2,
        )
        self.requests = 0
        self.failures = []
        self.stopping = threading.Event()

    def run(self):
        count = 0
        asked = time.monotonic()
        while not self.stopping.is_set():
            count += 1
            key = f"{self.name}:{count % 1000}"
            try:
                if self.refreshes and time.monotonic() - asked >= REFRESH_SECONDS:
                    asked = time.monotonic()
                    self.client.nodes_manager.initialize()
                self.client.set(key, count)
                found = self.client.get(key)
                if int(found or 0) != count:
                    self.failures.append(f"{key} reads {found!r} after {count} was acknowledged")
            except Exception as error:  # Whatever the library raises is what an application would see.
                self.failures.append(f"{key}: {type(error).__name__}: {error}")
            self.requests += 2
            time.sleep(0.02)

    @property
    def ports(self):
        """Of the nodes on its map."""
        return {node.port for node in self.client.get_nodes()}


def start(threads):
    for thread in threads:
        thread.start()
    return threads


def end(threads):
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join()


class Windows:
    """The load: one `henge bench` after another, each a window with percentiles of its own."""

    def __init__(self, binary, nodes, options):
        """`options`: those of bench-ring: keys, value_bytes, rate."""
        self.words = [str(binary), "bench", "--json", "--mix", "50:50", "--consistency", "quorum"]
        self.words += ["--keys", str(options.keys), "--value-bytes", str(options.value_bytes)]
        self.words += ["--rate", str(options.rate), "--seconds", str(WINDOW_SECONDS)]
        for node in nodes:
            self.words += ["--node", node.address]

    def one(self):
        theft = Theft()
        ran = subprocess.run(self.words, capture_output=True, text=True)
        if ran.returncode != 0:
            raise SystemExit(f"henge bench: {ran.stderr.strip()}")
        return {**json.loads(ran.stdout), "stolen": theft.share}

    def several(self, count):
        return [self.one() for _ in range(count)]

    def until(self, done):
        """At least one, and then more until `done()`."""
        found = [self.one()]
        while not done():
            found.append(self.one())
        return found


def undisturbed(windows):
    """Those in which the machine was Henge's; all when there is none."""
    return [window for window in windows if window["stolen"] <= Theft.MAX] or windows


def p99(windows):
    """Of the middle undisturbed window, in ms."""
    return statistics.median(window["latency_ms"]["p99"] for window in undisturbed(windows))


def worst_p99(windows):
    return max(window["latency_ms"]["p99"] for window in undisturbed(windows))


def disturbed(*parts):
    """How many windows are left out of how many, in words."""
    all_windows = [window for part in parts for window in part]
    left_out = sum(len(part) - len(undisturbed(part)) for part in parts)
    return f"{left_out} of {len(all_windows)} windows are left out, in which the host took time away"


def operations(windows):
    return sum(window["operations"] for window in windows)
