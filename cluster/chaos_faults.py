"""Carries out a plan of faults on real nodes, and knows afterwards who was well when."""

import heapq
import itertools
import re
import signal
import time

from chaos_plan import FAULTS_AT_ONCE_MAX, majority_is_up
from henge_cluster import ClusterError

# Far more than a node takes: the machine may be busy with other things.
READY_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 20.0
TICK_SECONDS = 0.01
# An end by kill -9 is told only when it took longer.
SLOW_END_SECONDS = 0.5
# The states of a node that was told to end: by what, and the exit status that is due.
ENDINGS = {"stopping": ("SIGTERM", 0), "dying": ("SIGKILL", -signal.SIGKILL)}

# What a node prints when it traps.
CRASH_MARKS = re.compile(r"fatal error|precondition|assertion failed|invariant|program crashed|segmentation", re.IGNORECASE)


class Faults:
    """The hand of fate. Everything happens on the caller's thread: nodes end with the thread that started them."""

    def __init__(self, cluster, say, network=None):
        self.cluster = cluster
        self.network = network
        self.say = say
        self.names = [node.name for node in cluster.nodes]
        self.began = time.monotonic()
        self.queue = []
        self.order = itertools.count()
        self.state = dict.fromkeys(self.names, "up")
        self.since = {}
        self.open = {}
        self.flapped = set()
        self.drops = set()
        self.connectivity = [(self.began, True)]
        self.carried_out = []
        self.troubles = []  # (fault, or None for a start, node, begin, end)
        self.freezes = []  # (fault, node, begin, end)
        self.complaints = []

    # --- The run

    def run(self, plan, seconds):
        for fault in plan:
            self.later(self.began + fault.at, self.begin, fault)
        end = self.began + seconds
        while time.monotonic() < end:
            self.turn()
            time.sleep(TICK_SECONDS)
        # What is still to begin is dropped, what has begun is ended.
        self.queue = [entry for entry in self.queue if entry[2] != self.begin]
        heapq.heapify(self.queue)

    def turn(self):
        while self.queue and self.queue[0][0] <= time.monotonic():
            _, _, action, arguments = heapq.heappop(self.queue)
            action(*arguments)
        for node in self.cluster.nodes:
            self.look_at(node)

    def heal(self):
        """Ends every fault now and returns when all nodes are ready."""
        for fault in list(self.open):
            if fault.kind == "freeze":
                self.thaw(fault)
            elif fault.drops(self.names):
                self.mend(fault)
        self.queue.clear()
        while any(state != "up" for state in self.state.values()):
            for node in self.cluster.nodes:
                if self.state[node.name] == "down":
                    self.start(node)
                self.look_at(node)
            time.sleep(TICK_SECONDS)

    def release(self):
        """Lets frozen nodes go on, so that they can be ended."""
        for node in self.cluster.nodes:
            node.signal(signal.SIGCONT)

    # --- One fault

    def begin(self, fault):
        busy = {name for name, state in self.state.items() if state != "up"}
        busy |= {name for open_fault in self.open for name in open_fault.victims}
        if busy & set(fault.victims) or len(busy) + 1 > FAULTS_AT_ONCE_MAX:
            self.tell(f"left out, as {', '.join(sorted(busy))} is not up yet: {fault}")
            return
        self.tell(str(fault))
        self.carried_out.append(fault)
        self.open[fault] = time.monotonic()
        node = self.cluster.node(fault.nodes[0])
        if fault.kind == "freeze":
            node.signal(signal.SIGSTOP)
            self.become(node.name, "frozen")
            self.later(self.open[fault] + fault.seconds, self.thaw, fault)
        elif fault.kind == "stop":
            node.signal(signal.SIGTERM)
            self.become(node.name, "stopping")
            self.later(self.open[fault] + fault.seconds, self.restart, fault)
        elif fault.kind in ("kill", "flap"):
            self.kill(node)
            self.later(self.open[fault] + fault.seconds, self.restart, fault)
        else:
            self.redraw()
            self.later(self.open[fault] + fault.seconds, self.mend, fault)

    def kill(self, node):
        # Not waited for: the kernel may take seconds to end a process whose writes hang in a busy disk.
        node.signal(signal.SIGKILL)
        self.become(node.name, "dying")

    def thaw(self, fault):
        node = self.cluster.node(fault.nodes[0])
        node.signal(signal.SIGCONT)
        self.become(node.name, "up")
        self.freezes.append((fault, node.name, self.open[fault], self.since[node.name]))
        self.close(fault, f"{node.name} goes on (SIGCONT)")

    def mend(self, fault):
        self.close(fault, f"the links of {' and '.join(fault.nodes)} are whole again")
        self.redraw()

    def restart(self, fault):
        node = self.cluster.node(fault.nodes[0])
        if self.state[node.name] != "down":
            # Its end takes longer than it was to be away.
            self.later(time.monotonic() + TICK_SECONDS, self.restart, fault)
            return
        self.start(node)
        if fault.kind == "flap" and fault not in self.flapped:
            self.flapped.add(fault)
            self.later(time.monotonic() + fault.pause, self.kill_again, fault)
        else:
            self.close(fault, f"start {node.name}")

    def kill_again(self, fault):
        node = self.cluster.node(fault.nodes[0])
        self.kill(node)
        self.tell(f"kill -9 {node.name} in its start")
        self.later(time.monotonic() + fault.seconds, self.restart, fault)

    def close(self, fault, line):
        self.troubles += [(fault, name, self.open[fault], time.monotonic()) for name in fault.nodes]
        del self.open[fault]
        self.tell(line)

    # --- Nodes

    def start(self, node):
        node.launch("--bootstrap", self.cluster.bootstrap, *self.cluster.arguments)
        self.become(node.name, "starting")

    def look_at(self, node):
        """Follows a node that is starting or ending, and sees one that fell by itself."""
        state = self.state[node.name]
        waited = time.monotonic() - self.since.get(node.name, self.began)
        if state in ENDINGS:
            self.look_at_ending(node, waited, *ENDINGS[state])
        elif state != "down" and not node.alive:
            raise ClusterError(node.story(f"ended with {node.process.returncode}, and nobody had ended it"))
        elif state == "starting":
            if node.ready:
                self.become(node.name, "up")
                self.troubles.append((None, node.name, time.monotonic() - waited, time.monotonic()))
                self.tell(f"{node.name} is ready after {waited:.2f} s")
            elif waited > READY_SECONDS_MAX:
                raise ClusterError(node.story(f"was not ready {waited:.0f} s after its start"))

    def look_at_ending(self, node, waited, signal_name, status):
        if not node.alive:
            self.become(node.name, "down")
            if node.process.returncode != status:
                self.complaints.append(node.story(f"ended with {node.process.returncode} on {signal_name}"))
            if waited > SLOW_END_SECONDS or status == 0:
                self.tell(f"{node.name} is gone {waited:.2f} s after {signal_name}")
        elif waited > STOP_SECONDS_MAX:
            raise ClusterError(node.story(f"had not ended {waited:.0f} s after {signal_name}"))

    def become(self, name, state):
        self.state[name] = state
        self.since[name] = time.monotonic()
        self.note_connectivity()

    def redraw(self):
        self.drops = set().union(*(fault.drops(self.names) for fault in self.open))
        self.network.drop(self.drops)
        self.note_connectivity()

    def note_connectivity(self):
        up = {name for name, state in self.state.items() if state == "up"}
        self.connectivity.append((time.monotonic(), majority_is_up(self.names, up, self.drops)))

    def later(self, at, action, *arguments):
        heapq.heappush(self.queue, (at, next(self.order), action, arguments))

    def tell(self, line):
        self.say(f"{time.monotonic() - self.began:7.2f} s  {line}")


def crash_lines(cluster):
    """Lines of the logs of all starts that tell of a trap."""
    found = []
    for path in sorted(cluster.directory.glob("n*.log")):
        for line in path.read_text(errors="replace").splitlines():
            if CRASH_MARKS.search(line):
                found.append(f"{path.name}: {line[:300]}")
    return found
