"""Checks of cluster/smoke: what clients cost a node's memory. The nodes are processes of their own here; among other
tests in one process nobody could say whose memory it is.
"""

import socket
import time

from henge_cluster import memory_bytes, wait_until

VALUE_BYTES = 100_000
# 2 GB of replies, if they were all made.
REQUESTS = 20_000
SLOW_READER_BYTES_MAX = 200 << 20
# So long none of the requests is served.
QUIET_SECONDS = 0.5
CONNECTIONS = 1000
CONNECTION_BYTES_MAX = 100_000

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def resident_bytes(node):
    return memory_bytes({node.name: node.process.pid})[node.name]


@check
def a_client_that_does_not_read_costs_bounded_memory(world):
    node, witness = world.n1, world.client()
    witness.set("memory:big", "v" * VALUE_BYTES)
    before = resident_bytes(node)
    with socket.create_connection((node.host, node.resp), timeout=5) as slow:
        slow.settimeout(2)
        try:
            slow.sendall(b"*2\r\n$3\r\nGET\r\n$10\r\nmemory:big\r\n" * REQUESTS)
        except TimeoutError:
            # The node reads no more of them, as it should.
            pass
        last, since = None, time.monotonic()

        def settled():
            nonlocal last, since
            # Each look is a command, too.
            count, seen = witness.info("stats")["total_commands_processed"], last
            last = count
            if seen is None or count > seen + 1:
                since = time.monotonic()
            return time.monotonic() - since >= QUIET_SECONDS

        wait_until(settled, 20, "the node stops serving who does not read")
        grown = resident_bytes(node) - before
    if grown > SLOW_READER_BYTES_MAX:
        raise AssertionError(f"{node.name} grew by {grown >> 20} MiB for a client that does not read")


@check
def a_thousand_idle_connections_cost_little_memory(world):
    node = world.n1
    before = resident_bytes(node)
    connections = []
    try:
        for _ in range(CONNECTIONS):
            connections.append(socket.create_connection((node.host, node.resp), timeout=5))
            connections[-1].sendall(b"PING\r\n")
        for connection in connections:
            reply = connection.recv(64)
            if reply != b"+PONG\r\n":
                raise AssertionError(f"a connection among {CONNECTIONS} was answered {reply!r}")
        each = (resident_bytes(node) - before) / CONNECTIONS
    finally:
        for connection in connections:
            connection.close()
    if each > CONNECTION_BYTES_MAX:
        raise AssertionError(f"an idle connection costs {each:.0f} bytes")
