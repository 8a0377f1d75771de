"""The end of a run of cluster/chaos: everything is whole again, and every key holds what it must."""

import json
import os
import subprocess

from chaos_check import listed
from chaos_load import number, union
from chaos_resp import Connection, RequestError, causal
from chaos_watch import peer_states
from henge_cluster import DeadlineError, wait_until

# After all faults have ended: links that were cut retry at longer and longer intervals.
WHOLE_SECONDS_MAX = 60.0
HINTS_SECONDS_MAX = 60.0
ANSWER_SECONDS_MAX = 20.0
BATCH = 100
TRIES_MAX = 5


def wait_whole(cluster):
    """Returns when every node sees all others up and coordinates a write that all replicas store."""
    for node in cluster.nodes:
        connection = Connection(node.host, node.resp, ANSWER_SECONDS_MAX)

        def whole():
            states = peer_states(connection.call("HENGE.STATUS"))
            if set(states.values()) != {"up"}:
                raise RequestError("state", f"{node.name} sees {states}")
            return connection.call("SET", f"whole:{node.name}", "1", "CONSISTENCY", "ALL")

        wait_until(whole, WHOLE_SECONDS_MAX, f"{node.name} sees all nodes up and writes at ALL")
        connection.close()


def hints_in(report):
    """The number of hints in a report of any shape: the sum of all that is called `count` or `hints`."""
    if isinstance(report, list):
        return sum(hints_in(item) for item in report)
    if not isinstance(report, dict):
        return 0
    own = sum(value for name, value in report.items() if name in ("count", "hints") and isinstance(value, int))
    return own + sum(hints_in(value) for value in report.values())


def report_hints(node):
    """What `henge report hints` says, or None where there is no such command."""
    done = subprocess.run(
        [str(node.binary), "report", "hints", "--json", "--node", node.address],
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS_MAX,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if done.returncode == 2:
        return None
    if done.returncode != 0:
        raise RequestError("report", done.stderr.strip())
    return json.loads(done.stdout)


def wait_hints(cluster):
    """Returns when no node keeps a hint any more; says what it found."""
    if report_hints(cluster.nodes[0]) is None:
        return "not checked (there is no henge report hints)"
    for node in cluster.nodes:

        def delivered():
            if left := hints_in(report_hints(node)):
                raise RequestError("hints", f"{left} left")
            return True

        wait_until(delivered, HINTS_SECONDS_MAX, f"{node.name} has delivered its hints")
    return "none left"


class Examiner:
    """Reads every key of a book again, through one node after the other."""

    def __init__(self, cluster, book):
        self.cluster = cluster
        self.book = book

    def examine(self):
        # At QUORUM each node must give the right answer with any quorum it takes; ALL looks at what is left.
        for level in ("QUORUM", "ALL"):
            for node in self.cluster.nodes:
                self.examine_through(node, level)

    def examine_through(self, node, level):
        connection = Connection(node.host, node.resp, ANSWER_SECONDS_MAX)
        where = f"at the end, {level} through {node.name}"
        try:
            for register, reply in self.read(connection, "GET", self.book.registers, level):
                register.note(f"{where}: {reply}")
                self.book.complain(register.saw(number(reply)))
            for growing, reply in self.read(connection, "HENGE.GET", self.book.sets, level):
                elements = union(causal(reply)[1])
                growing.note(f"{where}: {listed(elements)}")
                self.book.complain(growing.saw(elements, growing.due()))
            for history, reply in self.read(connection, "HENGE.GET", self.book.causals, level):
                values = causal(reply)[1]
                history.note(f"{where}: {values}")
                self.book.complain(history.saw(values))
        except (RequestError, DeadlineError) as error:
            self.book.complain(f"{where}, with all nodes up: {error}")
        finally:
            connection.close()

    def read(self, connection, command, histories, level):
        """Pairs of a history and the reply for its key. A busy machine may time out now and then, but not for long."""
        for start in range(0, len(histories), BATCH):
            left = histories[start : start + BATCH]
            for attempt in range(TRIES_MAX):
                replies = connection.pipeline([(command, history.key, "CONSISTENCY", level) for history in left])
                failed = []
                for history, reply in zip(left, replies):
                    if isinstance(reply, RequestError):
                        failed.append((history, reply))
                    else:
                        yield history, reply
                left = [history for history, _ in failed]
                if not left:
                    break
            else:
                raise failed[0][1]
