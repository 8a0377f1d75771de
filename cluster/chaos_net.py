"""A small network of its own: a bridge, a network namespace for each node, and nftables to cut links.

Everything hangs on processes started here, so it is gone with them, even after kill -9: the namespaces have no names, and
the bridge is in the one that `enter` moved this process to.
"""

import os
import shutil
import subprocess
import sys

from chaos_plan import CLIENTS
from henge_cluster import die_with_parent

PREFIX = "10.77.0"
CLIENTS_HOST = f"{PREFIX}.254"
BRIDGE = "chaos"
TOOLS = ("ip", "nft", "unshare", "nsenter")
INSIDE = "HENGE_CHAOS_INSIDE"
COMMAND_SECONDS_MAX = 20

RULES = """
table inet chaos {
    set blocked { type ipv4_addr; }
    chain arriving {
        type filter hook input priority 0; policy accept;
        ip saddr @blocked counter drop
    }
}
"""


class Unavailable(Exception):
    """This machine does not let us; the message says what is missing."""


class NetworkError(Exception):
    pass


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NetworkError(f"{' '.join(command)}: exit {done.returncode}: {said[-1] if said else 'no message'}")
    return done.stdout


def enter():
    """Starts this script again in a network namespace of its own, as root in a user namespace where it is not root.

    Returns only inside. Raises Unavailable.
    """
    # Where the system keeps them, which is not on everybody's path.
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Unavailable(f"{', '.join(missing)} is missing; `tools/bootstrap chaos` installs it")
    if os.environ.pop(INSIDE, None) is None:
        reasons = []
        for flags in (["--net"], ["--user", "--map-root-user", "--net"]):
            try:
                run("unshare", *flags, "true")
            except NetworkError as error:
                reasons.append(str(error))
                continue
            os.environ[INSIDE] = "1"
            sys.stdout.flush()
            os.execvp("unshare", ["unshare", *flags, "--", sys.executable, *sys.argv])
        raise Unavailable(f"no network namespaces here ({'; '.join(reasons)})")
    try:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
        run("ip", "link", "del", "probe0")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("nft", "-f", "-", stdin=RULES)
        run("nft", "delete", "table", "inet", "chaos")
    except NetworkError as error:
        raise Unavailable(f"no bridge, veth or nftables in a namespace here ({error})") from None


class Network:
    """The nodes' places; made inside the namespace that `enter` gives."""

    def __init__(self, count):
        self.names = [f"n{i + 1}" for i in range(count)]
        self.hosts = {name: f"{PREFIX}.{i + 1}" for i, name in enumerate(self.names)}
        self.hosts[CLIENTS] = CLIENTS_HOST
        self.holders = {}
        self.dropping = set()

    def make(self):
        run("ip", "address", "add", f"{CLIENTS_HOST}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        run("nft", "-f", "-", stdin=RULES)
        for name in self.names:
            self.make_place(name)

    def make_place(self, name):
        # A namespace lives as long as a process in it, and nodes die.
        holder = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "echo here; exec sleep infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        self.holders[name] = holder
        if holder.stdout.readline() != b"here\n":
            raise NetworkError(f"no network namespace for {name}")
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        run("ip", "link", "set", name, "master", BRIDGE, "up")
        self.inside(name, "ip", "link", "set", "lo", "up")
        self.inside(name, "ip", "address", "add", f"{self.hosts[name]}/24", "dev", "eth0")
        self.inside(name, "ip", "link", "set", "eth0", "up")
        self.inside(name, "nft", "-f", "-", stdin=RULES)

    def prefix(self, name):
        """The words that put a command into a place; the clients' place is where this script is."""
        return [] if name == CLIENTS else ["nsenter", f"--net=/proc/{self.holders[name].pid}/ns/net", "--"]

    def inside(self, name, *command, stdin=None):
        return run(*self.prefix(name), *command, stdin=stdin)

    @property
    def sites(self):
        return [(self.hosts[name], self.prefix(name)) for name in self.names]

    def drop(self, pairs):
        """From now on packets of exactly these pairs (from, to) are dropped, where they arrive."""
        for place in self.hosts:
            wanted = {sender for sender, receiver in pairs if receiver == place}
            if wanted == {sender for sender, receiver in self.dropping if receiver == place}:
                continue
            text = "flush set inet chaos blocked\n"
            if wanted:
                hosts = ", ".join(sorted(self.hosts[sender] for sender in wanted))
                text += f"add element inet chaos blocked {{ {hosts} }}\n"
            self.inside(place, "nft", "-f", "-", stdin=text)
        self.dropping = set(pairs)

    def dropped(self):
        """How many packets were dropped so far, in all places."""
        total = 0
        for place in self.hosts:
            words = self.inside(place, "nft", "list", "chain", "inet", "chaos", "arriving").split()
            total += int(words[words.index("packets") + 1])
        return total

    def close(self):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
            holder.stdout.close()
