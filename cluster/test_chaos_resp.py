#!/usr/bin/env python3
"""Tests the client of cluster/chaos against a listener that says what a test tells it to, in small pieces."""

import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chaos_resp import Connection, RequestError, causal, encode, pairs  # noqa: E402
from henge_cluster import HOST, free_ports  # noqa: E402


class Listener:
    """Answers each connection with its bytes once something has come, then holds it open or closes it."""

    def __init__(self, answers, closes=False):
        self.socket = socket.create_server((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.answers = list(answers)
        self.closes = closes
        self.got = b""
        self.kept = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for answer in self.answers:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.kept.append(connection)
            self.got = connection.recv(65536)
            for i in range(len(answer)):
                connection.sendall(answer[i : i + 1])
            if self.closes:
                connection.close()

    def close(self):
        self.socket.close()
        for connection in self.kept:
            connection.close()


class ConnectionTests(unittest.TestCase):
    def listen(self, *answers, closes=False, seconds=5.0):
        listener = Listener(answers, closes)
        self.addCleanup(listener.close)
        connection = Connection(HOST, listener.port, seconds)
        self.addCleanup(connection.close)
        return listener, connection

    def fails(self, connection):
        with self.assertRaises(RequestError) as caught:
            connection.call("SET", "k", "v")
        return caught.exception

    def test_replies_of_every_kind(self):
        _, connection = self.listen(b"*5\r\n+OK\r\n:7\r\n$4\r\na\r\nb\r\n$-1\r\n*1\r\n$0\r\n\r\n")
        self.assertEqual(connection.call("X"), ["OK", 7, "a\r\nb", None, [""]])

    def test_a_request_is_an_array_of_bulk_strings(self):
        listener, connection = self.listen(b"+OK\r\n")
        connection.call("SET", "k", 12)
        self.assertEqual(listener.got, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n")
        self.assertEqual(encode(["é"]), b"*1\r\n$2\r\n\xc3\xa9\r\n")

    def test_an_error_reply_says_whether_nothing_was_done(self):
        _, connection = self.listen(b"-UNAVAILABLE required=2 alive=1 too few\r\n")
        error = self.fails(connection)
        self.assertEqual((error.code, error.nothing_done), ("UNAVAILABLE", True))
        _, connection = self.listen(b"-TIMEOUT required=2 received=1\r\n")
        error = self.fails(connection)
        self.assertEqual((error.code, error.nothing_done), ("TIMEOUT", False))

    def test_an_error_in_a_pipeline_leaves_the_others(self):
        _, connection = self.listen(b"+OK\r\n-TIMEOUT x\r\n:1\r\n")
        first, second, third = connection.pipeline([("A",), ("B",), ("C",)])
        self.assertEqual((first, second.code, third), ("OK", "TIMEOUT", 1))

    def test_no_connection_means_nothing_was_done(self):
        error = self.fails(Connection(HOST, free_ports(1)[0], 5.0))
        self.assertEqual((error.code, error.nothing_done), ("refused", True))

    def test_silence_and_a_lost_connection_leave_it_open(self):
        _, connection = self.listen(b"+O", seconds=0.1)
        error = self.fails(connection)
        self.assertEqual((error.code, error.nothing_done), ("timeout", False))
        for part in (b"", b"+O", b"$5\r\nab"):
            _, connection = self.listen(part, closes=True)
            error = self.fails(connection)
            self.assertEqual((error.code, error.nothing_done), ("closed", False))

    def test_a_late_answer_is_not_taken_for_that_of_the_next_request(self):
        listener, connection = self.listen(b"+first", b"+second\r\n", seconds=0.2)
        self.fails(connection)
        listener.kept[0].sendall(b"\r\n")
        self.assertEqual(connection.call("PING"), "second")

    def test_what_is_not_resp_closes(self):
        _, connection = self.listen(b"HTTP/1.1 400\r\n")
        self.assertEqual(self.fails(connection).code, "closed")


class ReplyTests(unittest.TestCase):
    def test_shapes(self):
        self.assertEqual(pairs(["a", 1, "b", 2]), {"a": 1, "b": 2})
        self.assertEqual(causal(None), (None, []))
        self.assertEqual(causal(["c", [["v", 1, None], ["w", 2, None]]]), ("c", ["v", "w"]))


if __name__ == "__main__":
    unittest.main()
