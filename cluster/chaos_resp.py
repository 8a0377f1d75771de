"""A small RESP2 client that tells what a caller may conclude when a request fails."""

import socket

# Replies that say by themselves that nothing was written.
REFUSALS = {"UNAVAILABLE", "OVERLOADED", "CONFLICT", "TOOLARGE", "STALECONTEXT"}


class RequestError(Exception):
    """A request without a good answer.

    `code` is the first word of an error reply, or `refused` (no connection), `timeout` or `closed` (no answer).
    `nothing_done` is true when the request provably had no effect; otherwise it may take effect, now or later.
    """

    def __init__(self, code, text="", nothing_done=False):
        super().__init__(text or code)
        self.code = code
        self.nothing_done = nothing_done


def encode(arguments):
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


def reply_error(text):
    code = text.split(" ", 1)[0]
    return RequestError(code, text, nothing_done=code in REFUSALS)


class Connection:
    """One connection, made by the first request. After a RequestError of its own (no reply) it is closed, and the next
    request makes a new one."""

    def __init__(self, host, port, seconds):
        self.address = (host, port)
        self.seconds = seconds
        self.socket = None
        self.stream = None

    def close(self):
        if self.socket is not None:
            self.stream.close()
            self.socket.close()
            self.socket = self.stream = None

    def call(self, *arguments):
        """The reply, text decoded; raises RequestError."""
        reply = self.pipeline([arguments])[0]
        if isinstance(reply, RequestError):
            raise reply
        return reply

    def pipeline(self, requests):
        """The replies to many requests sent at once; error replies are RequestErrors in the list."""
        self.connect()
        try:
            self.socket.sendall(b"".join(encode(arguments) for arguments in requests))
            return [self.read() for _ in requests]
        except TimeoutError:
            self.close()
            raise RequestError("timeout", f"no answer within {self.seconds:g} s") from None
        except (OSError, ValueError) as error:
            self.close()
            raise RequestError("closed", f"connection lost: {error}") from None
        except BaseException:
            # Interrupted between a request and its reply: the next would read what is not its own.
            self.close()
            raise

    def connect(self):
        if self.socket is not None:
            return
        try:
            self.socket = socket.create_connection(self.address, timeout=self.seconds)
        except OSError as error:
            raise RequestError("refused", f"no connection: {error}", nothing_done=True) from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed by the node")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            return reply_error(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self.read_exactly(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return None if rest == "-1" else [self.read() for _ in range(int(rest))]
        raise ValueError(f"not RESP2: {line[:40]!r}")

    def read_exactly(self, count):
        data = self.stream.read(count)
        if len(data) != count:
            raise ConnectionError("closed by the node")
        return data


def pairs(reply):
    """The flat array that RESP2 makes of a map, as a dict."""
    return dict(zip(reply[::2], reply[1::2]))


def causal(reply):
    """The context and the values of a HENGE.GET reply; both empty where nothing was ever stored."""
    if reply is None:
        return None, []
    context, siblings = reply
    return context, [sibling[0] for sibling in siblings]
