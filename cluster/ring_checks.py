"""What must hold after a change of the ring in cluster/bench-ring: it did what the plan said, and old owners hold no more
what they gave away."""

import json
import subprocess
import threading

from chaos_resp import Connection, pairs

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
    """Follows a change from its commit to its end, and keeps the most that each node told of its transfers."""

    def __init__(self, binary, node):
        super().__init__(daemon=True)
        self.binary = binary
        self.node = node
        self.done = {}
        self.waits = {}
        self.shares = []
        self.error = None
        self.ended = threading.Event()

    def run(self):
        try:
            while True:
                now = henge_json(self.binary, self.node, "ring", "progress")
                if not now["running"]:
                    return
                self.shares.append(float(status(self.node)["background_share"]))
                for entry in now["nodes"]:
                    self.saw(entry)
                self.ended.wait(POLL_SECONDS)
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()

    def saw(self, entry):
        fields = ("partitions_done", "keys_done", "bytes_done", "records_skipped")
        most = self.done.setdefault(entry["name"], dict.fromkeys(fields, 0))
        for field in fields:
            most[field] = max(most[field], entry[field])
        if entry["wait"]:
            self.waits[entry["wait"]] = self.waits.get(entry["wait"], 0) + 1

    def total(self, field):
        return sum(most[field] for most in self.done.values())


def transfers_as_planned(watch, plan):
    if watch.error is not None:
        raise CheckFailed(f"the progress could not be followed: {watch.error}")
    if watch.total("partitions_done") != plan["replica_moves"]:
        raise CheckFailed(
            f"{watch.total('partitions_done')} partitions were transferred, the plan said {plan['replica_moves']}"
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
