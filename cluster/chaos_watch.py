"""What the nodes say of each other while they fail, and how soon they notice."""

import threading
import time

from chaos_resp import Connection, RequestError, pairs

# The promise: a node that hangs is not up for the others so soon, and up again so soon after it goes on.
NOTICE_SECONDS_MAX = 10.0
RETURN_SECONDS_MAX = 3.0

POLL_SECONDS = 0.2
ANSWER_SECONDS_MAX = 1.0


def peer_states(status):
    """Peer name -> state from a HENGE.STATUS reply, in which a peer is a text, or a map with `state`."""
    states = {}
    for name, peer in pairs(pairs(status)["peers"]).items():
        states[name] = peer if isinstance(peer, str) else pairs(peer)["state"]
    return states


class Watch:
    """Asks every node for the states of its peers, again and again, and keeps each answer with its time."""

    def __init__(self, nodes):
        self.sightings = []  # (time, observer, peer, state), appended by many threads
        self.complaints = []
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self.observe, args=(node,), name=f"watch {node.name}", daemon=True)
            for node in nodes
        ]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def observe(self, node):
        connection = Connection(node.host, node.resp, ANSWER_SECONDS_MAX)
        while not self.stopping.wait(POLL_SECONDS):
            try:
                states = peer_states(connection.call("HENGE.STATUS"))
            except RequestError:
                continue
            except (KeyError, TypeError, IndexError) as error:
                self.complaints.append(f"{node.name} answers HENGE.STATUS without states of its peers: {error!r}")
                return
            now = time.monotonic()
            self.sightings += [(now, node.name, peer, state) for peer, state in states.items()]
        connection.close()


class Notice:
    """How one node saw another freeze and come back: seconds, or None where it never did, or could not be asked."""

    def __init__(self, observer, frozen, lasted, noticed, returned):
        self.observer = observer
        self.frozen = frozen
        self.lasted = lasted
        self.noticed = noticed
        self.returned = returned

    @property
    def complaint(self):
        who = f"{self.observer} about {self.frozen}, frozen for {self.lasted:.1f} s:"
        if self.noticed is None and self.lasted > NOTICE_SECONDS_MAX:
            return f"{who} up all the time, expected not up within {NOTICE_SECONDS_MAX:g} s"
        if self.noticed is not None and self.noticed > NOTICE_SECONDS_MAX:
            return f"{who} not up after {self.noticed:.1f} s, expected within {NOTICE_SECONDS_MAX:g} s"
        if self.returned is None or self.returned > RETURN_SECONDS_MAX:
            after = "never" if self.returned is None else f"after {self.returned:.1f} s"
            return f"{who} up again {after}, expected within {RETURN_SECONDS_MAX:g} s of its return"
        return None


def notices(sightings, freezes, troubles):
    """What each observer that was well itself noticed of each freeze.

    `freezes` and `troubles` are (fault, node, begin, end), the first also among the second, which are of any kind. A
    node that another fault hits soon after it thaws may stay down for that reason, so it is left out.
    """
    found = []
    for fault, frozen, begin, end in freezes:
        until = end + RETURN_SECONDS_MAX + 2 * POLL_SECONDS
        hit = {node for other, node, a, b in troubles if other != fault and a < until and b > begin}
        observers = {observer for _, observer, peer, _ in sightings if peer == frozen}
        for observer in sorted(observers - hit):
            if frozen in hit:
                continue
            seen = [(at, state) for at, who, peer, state in sightings if (who, peer) == (observer, frozen)]
            # One that was not up when it began tells nothing about noticing.
            before = [state for at, state in seen if at < begin]
            if not before or before[-1] != "up":
                continue
            noticed = next((at - begin for at, state in seen if begin <= at < end and state != "up"), None)
            returned = next((max(0.0, at - end) for at, state in seen if at >= end and state == "up"), None)
            found.append(Notice(observer, frozen, end - begin, noticed, returned))
    return found
