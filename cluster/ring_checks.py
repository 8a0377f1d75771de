"""What must hold after a change of the ring in cluster/bench-ring: it did what the plan said, and old owners hold no more
what they gave away."""

import json
import subprocess
import threading

from chaos_resp import Connection, RequestError, pairs

POLL_SECONDS = 0.2


class CheckFailed(Exception):
    """Something does not hold; the message says what."""


def henge(binary, *words):
    ran = subprocess.run([str(binary), *map(str, words)], capture_output=True, text=True)
    if ran.returncode != 0:
        said = ran.stderr.strip() or ran.stdout.strip()
        raise CheckFailed(f"henge {' '.join(map(str, words))}: {said}")
    return ran.stdout


def henge_json(binary, node, *words):
    return json.loads(henge(binary, *words, "--json", "--node", node.address))


def status(node):
    client = Connection(node.host, node.resp, 10)
    try:
        return pairs(client.call("HENGE.STATUS"))
    finally:
        client.close()


def moved_as_planned(before, after, moves):
    """Owners by position before and after, and the plan's moves: raises CheckFailed unless those moved, from and to whom they
    should, and no others."""
    expected = list(before)
    for move in moves:
        position = move["partition"]
        if expected[position] != move["from"]:
            raise CheckFailed(f"the plan moves {position} from {move['from']}, but {expected[position]} owned it")
        expected[position] = move["to"]
    wrong = [p for p, (is_owner, planned) in enumerate(zip(after, expected)) if is_owner != planned]
    if len(before) != len(after) or wrong:
        raise CheckFailed(f"{len(wrong)} positions are not whose the plan said, the first {wrong[:5]}")


def lower_bound_bytes(plan):
    """The plan's bytes, were its transfers as few as they can be: those of an average transfer for each."""
    moves = plan["replica_moves"]
    return plan["bytes"] * plan["replica_moves_lower_bound"] / moves if moves else 0


class Disk:
    """What a data directory takes: tables, and the rest, which is mostly the log of what is not in tables yet."""

    def __init__(self, directory):
        self.tables = self.rest = 0
        for file in directory.rglob("*"):
            try:
                size = file.stat().st_blocks * 512 if file.is_file() else 0
            except FileNotFoundError:
                continue  # The storage deletes files at any time.
            if file.suffix == ".sst":
                self.tables += size
            else:
                self.rest += size

    @property
    def bytes(self):
        return self.tables + self.rest

    def __str__(self):
        return f"{self.tables / (1 << 20):.1f} MiB of tables and {self.rest / (1 << 20):.1f} MiB of logs"


class Watch(threading.Thread):
    """Follows a change from its commit to its end, and keeps the most that each node told of its transfers.

    It asks every node for its own: what others know of it is up to a second old, and gone after each new epoch.
    """

    FIELDS = ("partitions_done", "keys_done", "bytes_done", "records_skipped")

    def __init__(self, node, nodes):
        """`node` tells whether the change runs; `nodes` are all that may take something over."""
        super().__init__(daemon=True)
        self.node = node
        self.nodes = [node, *(other for other in nodes if other is not node)]
        self.done = {}
        self.waits = {}
        self.shares = []
        self.error = None
        self.ended = threading.Event()

    def run(self):
        clients = [Connection(node.host, node.resp, 10) for node in self.nodes]
        try:
            while self.look(clients):
                self.ended.wait(POLL_SECONDS)
        except Exception as error:
            self.error = error
        finally:
            for client in clients:
                client.close()
            self.ended.set()

    def look(self, clients):
        """Asks all; returns whether the change runs."""
        for node, client in zip(self.nodes, clients):
            try:
                told = pairs(client.call("HENGE.STATUS"))
            except RequestError:
                if node is self.node:
                    raise
                continue  # It joins, leaves, or is dead.
            if node is self.node:
                if not told["ring_changes"]:
                    return False
                self.shares.append(float(told["background_share"]))
            self.saw(node.name, told)
        return True

    def saw(self, name, told):
        most = self.done.setdefault(name, dict.fromkeys(self.FIELDS, 0))
        for field in self.FIELDS:
            most[field] = max(most[field], told[f"transfer_{field}"])
        wait = told["transfer_wait"]
        if wait:
            self.waits[wait] = self.waits.get(wait, 0) + 1

    def total(self, field):
        return sum(most[field] for most in self.done.values())


def transfers_as_planned(watch, plan):
    if watch.error is not None:
        raise CheckFailed(f"the progress could not be followed: {watch.error}")
    if watch.total("partitions_done") != plan["replica_moves"]:
        raise CheckFailed(
            f"{watch.total('partitions_done')} partitions were transferred, the plan said {plan['replica_moves']}: "
            f"{watch.done}"
        )
    if watch.total("records_skipped"):
        raise CheckFailed(f"{watch.total('records_skipped')} records could not be read at their sources")


def is_held(keys, held, replicas):
    return sum(held.values()) == replicas * keys


def held_once_by_each_replica(members, replicas):
    """Whether the members hold no more, and no less, than `replicas` copies of each key; the keys, and those of each."""
    client = Connection(members[0].host, members[0].resp, 30)
    try:
        keys = client.call("DBSIZE")
    finally:
        client.close()
    held = {node.name: status(node)["keys"] for node in members}
    return is_held(keys, held, replicas), keys, held
