"""The clients of cluster/chaos: what they write and read while nodes fail, all of it at QUORUM and checked at once."""

import collections
import random
import threading
import time

from chaos_check import ACKNOWLEDGED, REFUSED, Causal, GrowingSet, Register, outcome
from chaos_resp import Connection, RequestError, causal

QUORUM = ("CONSISTENCY", "QUORUM")

# Longer than the nodes' own time limit, so that a node that is well answers first.
REQUEST_SECONDS_MAX = 3.0
# A client leaves a node that did not answer alone for so long, while there are others.
AVOID_SECONDS = 2.0
# One that has no other node to turn to waits so long.
RETRY_SECONDS = 0.1
# Between two steps of a client: room for the nodes on a small machine. It also keeps two writes of a client apart in
# the nodes' clocks, which count milliseconds: for siblings GET takes the newest.
PAUSE_SECONDS = (0.002, 0.008)
TRIES_MAX = 12

REGISTERS_PER_CLIENT = 8
SETS = 6
# A key that has grown so far gives its place to a new one, so that values and the final check stay small.
SET_ELEMENTS_MAX = 150
# On the first of the sets nobody merges before the node refuses another sibling.
HOARDED = 0


class Statistics:
    """Counts of one client; added up at the end, so none is locked."""

    def __init__(self):
        self.requests = 0
        self.successes = []
        self.errors = collections.Counter()
        self.writes = collections.Counter()
        self.reads = 0


class Book:
    """Every key that was written, and what went wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        self.registers = []
        self.sets = []
        self.causals = []
        self.active = []
        self.complaints = []
        for slot in range(SETS):
            self.active.append(self.new_set(slot))

    def new_set(self, slot):
        history = GrowingSet(f"set:{slot}:{len(self.sets)}")
        self.sets.append(history)
        return history

    def set_at(self, slot):
        with self.lock:
            if len(self.active[slot].acknowledged) >= SET_ELEMENTS_MAX:
                self.active[slot] = self.new_set(slot)
            return self.active[slot]

    def add(self, kind, history):
        with self.lock:
            getattr(self, kind).append(history)
        return history

    def complain(self, complaint):
        if complaint:
            with self.lock:
                self.complaints.append(complaint)


class Client(threading.Thread):
    """One client: a random step after the other until told to stop."""

    def __init__(self, number, nodes, book, seed, started, only=None):
        """`only` is the one of the nodes that it turns to, in place of random ones."""
        super().__init__(name=f"client {number}", daemon=True)
        self.number = number
        self.book = book
        self.random = random.Random(f"henge chaos client {number} of {seed}")
        self.started = started
        self.connections = {node.name: Connection(node.host, node.resp, REQUEST_SECONDS_MAX) for node in nodes}
        self.only = only
        self.avoided = dict.fromkeys(self.connections, 0.0)
        self.statistics = Statistics()
        self.stopping = threading.Event()
        self.registers = [book.add("registers", Register(f"register:{number}:{i}")) for i in range(REGISTERS_PER_CLIENT)]
        self.written = 0
        self.rounds = 0

    def run(self):
        steps = [self.step_register, self.step_set, self.step_delete]
        try:
            while not self.stopping.is_set():
                self.random.choices(steps, weights=(5, 4, 1))[0]()
                self.pause()
        except Exception as error:  # A slip of this script must not pass for a quiet client.
            self.book.complain(f"{self.name} fell over: {type(error).__name__}: {error}")
            raise
        finally:
            for connection in self.connections.values():
                connection.close()

    def pause(self):
        self.stopping.wait(self.random.uniform(*PAUSE_SECONDS))

    # --- Requests

    def pick(self):
        if self.only:
            return self.only.name
        now = time.monotonic()
        names = [name for name, until in self.avoided.items() if until <= now]
        return self.random.choice(names or list(self.avoided))

    def request(self, history, *arguments):
        """The reply of a random node; raises RequestError. Both go into the history of the key."""
        node = self.pick()
        statistics = self.statistics
        statistics.requests += 1
        began = time.monotonic()
        try:
            reply = self.connections[node].call(*arguments)
        except RequestError as error:
            statistics.errors[error.code] += 1
            if error.code in ("refused", "timeout", "closed"):
                self.avoided[node] = time.monotonic() + AVOID_SECONDS
            if self.only:
                self.stopping.wait(RETRY_SECONDS)
            if error.code == "ERR":
                self.book.complain(f"{node} answered {arguments[0]} {arguments[1]} with: {error}")
            self.note(history, began, node, arguments, str(error))
            raise
        ended = time.monotonic()
        statistics.successes.append(ended)
        self.note(history, began, node, arguments, reply)
        return reply

    def note(self, history, began, node, arguments, reply):
        # Contexts are long and say nothing to a reader; the level is always the same.
        words = " ".join(str(word)[:60] for word in arguments[:3] if word not in QUORUM)
        spent = f"{began - self.started:.3f} to {time.monotonic() - self.started:.3f} s"
        history.note(f"{spent} {self.name} at {node}: {words} -> {str(reply)[:160]}")

    def write(self, history, *arguments):
        """The outcome of a write."""
        try:
            self.request(history, *arguments, *QUORUM)
            error = None
        except RequestError as failed:
            error = failed
        how = outcome(error)
        self.statistics.writes[how] += 1
        return how, error

    def read(self, history, command):
        """The reply of the first try that has one; None when all failed or the run ends. Checked by the caller."""
        for _ in range(TRIES_MAX):
            if self.stopping.is_set():
                break
            try:
                reply = self.request(history, command, history.key, *QUORUM)
                self.statistics.reads += 1
                return (reply,)
            except RequestError:
                self.pause()
        return None

    # --- Workloads

    def step_register(self):
        """Writes and reads its own key; a read after an acknowledged write must see it."""
        register = self.random.choice(self.registers)
        if self.random.random() < 0.6:
            self.written += 1
            how, _ = self.write(register, "SET", register.key, self.written)
            register.wrote(self.written, how)
            self.pause()
        if self.random.random() < 0.7:
            if got := self.read(register, "GET"):
                self.book.complain(register.saw(number(got[0])))

    def step_set(self):
        """Adds an element to a shared key, as a new sibling or merged with all that was read."""
        slot = self.random.randrange(SETS)
        growing = self.book.set_at(slot)
        self.written += 1
        element = f"{self.number}.{self.written}"
        if slot == HOARDED or self.random.random() < 0.5:
            growing.attempting(element)
            how, error = self.write(growing, "HENGE.SET", growing.key, element)
            growing.settled(element, how)
            if not (how == REFUSED and error.code == "CONFLICT"):
                return
        due = growing.due()
        got = self.read(growing, "HENGE.GET")
        if not got:
            return
        context, values = causal(got[0])
        elements = union(values)
        self.book.complain(growing.saw(elements, due))
        merged = ",".join(sorted(elements | {element}))
        growing.attempting(element)
        basis = ("CONTEXT", context) if context else ()
        how, _ = self.write(growing, "HENGE.SET", growing.key, merged, *basis)
        growing.settled(element, how)

    def step_delete(self):
        """A key of its own: written as one to three siblings, read, deleted with that context, maybe written again."""
        self.rounds += 1
        history = self.book.add("causals", Causal(f"delete:{self.number}:{self.rounds}"))
        for i in range(self.random.randint(1, 3)):
            how, _ = self.write(history, "HENGE.SET", history.key, f"v{i}")
            history.wrote(f"v{i}", (), how)
        seen = self.seen(history)
        if not seen or not self.replace(history, None, seen):
            return
        again = self.seen(history)
        if again and self.random.random() < 0.4:
            self.replace(history, "again", again)
            self.seen(history)

    def seen(self, history):
        """Context and values of a checked read."""
        got = self.read(history, "HENGE.GET")
        if not got:
            return None
        context, values = causal(got[0])
        self.book.complain(history.saw(values))
        return (context, values) if context else None

    def replace(self, history, value, seen):
        """Deletes, or writes a value, with the context of `seen`, until it is acknowledged."""
        context, values = seen
        for attempt in range(TRIES_MAX):
            if self.stopping.is_set():
                return False
            text = None if value is None else f"{value}{attempt}"
            words = ("HENGE.DEL", history.key) if text is None else ("HENGE.SET", history.key, text)
            how, _ = self.write(history, *words, "CONTEXT", context)
            history.wrote(text, values, how)
            if how == ACKNOWLEDGED:
                return True
            self.pause()
        return False


def number(text):
    return None if text is None else int(text)


def union(values):
    return {element for value in values for element in value.split(",")}


def add_up(clients):
    """The statistics of all clients in one."""
    total = Statistics()
    for client in clients:
        one = client.statistics
        total.requests += one.requests
        total.reads += one.reads
        total.successes += one.successes
        total.errors.update(one.errors)
        total.writes.update(one.writes)
    return total
