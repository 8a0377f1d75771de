"""What goes wrong, and when: a plan that a seed decides, and what a state of the cluster still allows."""

import itertools
import random
from dataclasses import dataclass

# The clients' place in the network, beside the nodes.
CLIENTS = "clients"

# Nothing happens before, so that the load has begun.
QUIET_SECONDS = 2.0
FREEZE_SECONDS = (1.0, 15.0)
DOWN_SECONDS = (0.3, 6.0)
CUT_SECONDS = (1.0, 12.0)
CALM_SECONDS = (0.2, 4.0)
# A node that is killed again while it starts.
FLAP_SECONDS = (0.05, 0.6)

PROCESS_KINDS = {"kill": 3, "stop": 2, "freeze": 4, "flap": 1}
NET_KINDS = {"cut": 3, "one-way": 2, "isolate": 2, "unplug": 2, "kill": 1, "freeze": 1}

FAULTS_AT_ONCE_MAX = 2


@dataclass(frozen=True)
class Fault:
    """`at` and `seconds` count from the beginning of the load. `nodes` suffer it; for `cut` and `one-way` a pair, the
    second of which hears nothing from the first."""

    at: float
    kind: str
    nodes: tuple
    seconds: float
    # Between the two kills of a flap.
    pause: float = 0.0

    def __str__(self):
        names = {
            "kill": f"kill -9 {self.nodes[0]}, down for",
            "stop": f"stop {self.nodes[0]} (SIGTERM), down for",
            "freeze": f"freeze {self.nodes[0]} (SIGSTOP) for",
            "flap": f"kill -9 {self.nodes[0]}, and {self.pause:.2f} s into its start again, each time down for",
            "cut": f"cut {' from '.join(self.nodes)}, both ways, for",
            "one-way": f"drop what {' sends to '.join(self.nodes)} for",
            "isolate": f"cut {self.nodes[0]} off from all nodes, not from clients, for",
            "unplug": f"cut {self.nodes[0]} off from all for",
        }
        return f"{names[self.kind]} {self.seconds:.1f} s"

    @property
    def victims(self):
        """The nodes that are counted as broken."""
        return self.nodes[:1]

    def drops(self, all_nodes):
        """The pairs (from, to) between which packets are dropped."""
        first = self.nodes[0]
        others = [node for node in all_nodes if node != first]
        if self.kind == "one-way":
            return {self.nodes}
        if self.kind == "cut":
            return {self.nodes, self.nodes[::-1]}
        if self.kind == "unplug":
            others = [*others, CLIENTS]
        elif self.kind != "isolate":
            return set()
        return {pair for other in others for pair in ((first, other), (other, first))}


def between(generator, limits, longest):
    low, high = limits
    high = max(low, min(high, longest))
    # Most are short, so that there are many; some are as long as they may be.
    return round(low + (high - low) * generator.random() ** 1.7, 3)


def make_fault(generator, at, nodes, kinds, longest):
    kind = generator.choices(list(kinds), weights=list(kinds.values()))[0]
    limits = {"freeze": FREEZE_SECONDS}.get(kind, DOWN_SECONDS if kind in PROCESS_KINDS else CUT_SECONDS)
    seconds = between(generator, limits, longest)
    pause = round(generator.uniform(*FLAP_SECONDS), 3)
    victims = generator.sample(nodes, 2 if kind in ("cut", "one-way") else 1)
    return Fault(round(at, 3), kind, tuple(victims), seconds, pause if kind == "flap" else 0.0)


def make_plan(seed, nodes, seconds, kinds=None):
    """The faults of `seconds` of load on the nodes of these names, by time; at most two at once, on different nodes."""
    generator = random.Random(f"henge chaos {seed}")
    kinds = kinds or PROCESS_KINDS
    plan = []
    at = QUIET_SECONDS
    while at < seconds - 1.0:
        first = make_fault(generator, at, nodes, kinds, seconds - at)
        plan.append(first)
        end = first.at + first.seconds
        rest = [node for node in nodes if node not in first.nodes]
        if rest and generator.random() < 0.3:
            later = at + generator.random() * min(first.seconds, 2.0)
            process = {kind: weight for kind, weight in kinds.items() if kind in PROCESS_KINDS}
            second = make_fault(generator, later, rest, process, max(0.3, seconds - later))
            plan.append(second)
            end = max(end, second.at + second.seconds)
        at = end + generator.uniform(*CALM_SECONDS)
    return sorted(plan, key=lambda fault: fault.at)


def majority_is_up(nodes, up, drops):
    """Whether more than half of all nodes are up and hear each other, and the clients, both ways."""
    blocked = set(drops)
    usable = [node for node in nodes if node in up and (node, CLIENTS) not in blocked and (CLIENTS, node) not in blocked]
    return any(
        all((a, b) not in blocked for a, b in itertools.permutations(group, 2))
        for group in itertools.combinations(usable, len(nodes) // 2 + 1)
    )


def intervals(states, end):
    """The stretches [from, to] of a list of (time, truth) in which the truth holds."""
    found = []
    since = None
    for time, truth in states:
        if truth and since is None:
            since = time
        elif not truth and since is not None:
            found.append((since, time))
            since = None
    if since is not None and since < end:
        found.append((since, end))
    return found


def longest_gap(times, stretches):
    """The longest time in one of the stretches without any of the times, and when it began."""
    times = sorted(times)
    longest = (0.0, 0.0)
    for begin, end in stretches:
        marks = [begin, *(time for time in times if begin < time < end), end]
        longest = max([longest, *((b - a, a) for a, b in zip(marks, marks[1:]))], key=lambda gap: gap[0])
    return longest
