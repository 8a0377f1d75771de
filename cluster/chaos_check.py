"""What a key may hold after acknowledged, refused and unanswered writes: the judges of cluster/chaos.

Each takes the writes of a key with their outcomes, then what reads at QUORUM saw, and answers with a complaint or None.

An unanswered write (a timeout, a lost connection) may take effect once, at any later moment: a node that was frozen finds
the request in its socket when it thaws, long after the client has gone on. So its value is allowed until it has been
seen, and after that only until the next write that replaced it. A write that was refused has no effect, ever.
"""

import collections
import threading

ACKNOWLEDGED = "acknowledged"
REFUSED = "refused"
UNANSWERED = "unanswered"

# How much of a key's story a complaint tells.
STORY_LINES_MAX = 30


def outcome(error):
    """The outcome of a write from its RequestError, or from None."""
    if error is None:
        return ACKNOWLEDGED
    return REFUSED if error.nothing_done else UNANSWERED


def listed(values, limit=8):
    values = sorted(str(value) for value in values)
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    return ", ".join(values[:limit]) + more


class History:
    """The story of a key, for complaints."""

    def __init__(self, key):
        self.key = key
        self.lines = collections.deque(maxlen=STORY_LINES_MAX)

    def note(self, line):
        self.lines.append(line)

    def complaint(self, text):
        return "\n".join([f"{self.key}: {text}; the last that happened to it:", *(f"    {x}" for x in self.lines)])


class Register(History):
    """A key that one client writes by plain SETs, one after the other, each value once: a linearizable register."""

    def __init__(self, key):
        super().__init__(key)
        self.current = None
        self.pending = set()
        self.late = 0

    def wrote(self, value, how):
        if how == ACKNOWLEDGED:
            self.current = value
        elif how == UNANSWERED:
            self.pending.add(value)

    def saw(self, value):
        if value == self.current:
            return None
        if value in self.pending:
            self.pending.discard(value)
            if self.current is not None and value < self.current:
                self.late += 1
            self.current = value
            return None
        allowed = f"{self.current} (the newest acknowledged or seen) or unanswered {listed(self.pending) or '(none)'}"
        return self.complaint(f"read {value}, expected {allowed}")


class GrowingSet(History):
    """A key to which many clients add elements, each merging what it has read into what it writes."""

    def __init__(self, key):
        super().__init__(key)
        self.lock = threading.Lock()
        self.acknowledged = set()
        self.unanswered = set()

    def attempting(self, element):
        """Before the request goes out: others may see the element before its writer has the answer."""
        with self.lock:
            self.unanswered.add(element)

    def settled(self, element, how):
        with self.lock:
            if how != UNANSWERED:
                self.unanswered.discard(element)
            if how == ACKNOWLEDGED:
                self.acknowledged.add(element)

    def due(self):
        """What a read that begins now must see."""
        with self.lock:
            return frozenset(self.acknowledged)

    def saw(self, elements, due):
        with self.lock:
            missing = due - elements
            unknown = elements - self.acknowledged - self.unanswered
        if missing:
            return self.complaint(f"acknowledged elements are missing: {listed(missing)}")
        if unknown:
            return self.complaint(f"elements that nobody wrote, or whose write was refused: {listed(unknown)}")
        return None


class Causal(History):
    """A key that one client writes and deletes with contexts: exactly what a context covers is replaced."""

    def __init__(self, key):
        super().__init__(key)
        self.alive = set()
        self.possible = set()
        self.dead = set()

    def wrote(self, value, covers, how):
        """A write of `value`, or a deletion where it is None, with the context of a read that saw `covers`."""
        covers = set(covers)
        if how == ACKNOWLEDGED:
            self.alive -= covers
            self.possible -= covers
            self.dead |= covers
            if value is not None:
                self.alive.add(value)
        elif how == UNANSWERED:
            self.possible |= self.alive & covers
            self.alive -= covers
            if value is not None:
                self.possible.add(value)

    def saw(self, values):
        values = set(values)
        if risen := values & self.dead:
            return self.complaint(f"came back after an acknowledged deletion: {listed(risen)}")
        if missing := self.alive - values:
            return self.complaint(f"acknowledged values are missing: {listed(missing)}")
        if unknown := values - self.alive - self.possible:
            return self.complaint(f"values that nobody wrote, or whose write was refused: {listed(unknown)}")
        return None
