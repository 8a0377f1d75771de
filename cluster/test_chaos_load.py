#!/usr/bin/env python3
"""Tests the clients of cluster/chaos on a store in memory: an honest one, and ones that lose, forget and raise."""

import pathlib
import sys
import time
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chaos_load import Book, Client, add_up, union  # noqa: E402
from chaos_resp import RequestError  # noqa: E402
from chaos_verdict import Examiner  # noqa: E402

SIBLINGS_MAX = 20


class Store:
    """One honest copy of everything: a context is the count of all values that a key ever had."""

    def __init__(self):
        self.values = {}
        self.counts = {}

    def call(self, command, key, *rest):
        return getattr(self, command.replace(".", "_").lower())(key, list(rest))

    def pipeline(self, requests):
        return [self.call(*request) for request in requests]

    def close(self):
        pass

    def basis(self, words):
        return int(words[words.index("CONTEXT") + 1]) if "CONTEXT" in words else 0

    def replace(self, key, value, covered):
        self.counts[key] = self.counts.get(key, 0) + 1
        kept = [(dot, old) for dot, old in self.values.get(key, []) if dot > covered]
        self.values[key] = kept + ([] if value is None else [(self.counts[key], value)])
        return str(self.counts[key])

    def set(self, key, words):
        self.replace(key, str(words[0]), self.counts.get(key, 0))
        return "OK"

    def get(self, key, _):
        values = self.values.get(key)
        return values[-1][1] if values else None

    def henge_set(self, key, words):
        covered = self.basis(words)
        if len([dot for dot, _ in self.values.get(key, []) if dot > covered]) >= SIBLINGS_MAX:
            raise RequestError("CONFLICT", nothing_done=True)
        return self.replace(key, words[0], covered)

    def henge_del(self, key, words):
        return self.replace(key, None, self.basis(words))

    def henge_get(self, key, _):
        if key not in self.counts:
            return None
        return [str(self.counts[key]), [[value, 0, None] for _, value in self.values[key]]]


class Every:
    """True each `count`th time."""

    def __init__(self, count):
        self.count = count
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return self.calls % self.count == 0


class LosesSets(Store):
    def __init__(self):
        super().__init__()
        self.now = Every(50)

    def set(self, key, words):
        return "OK" if self.now() else super().set(key, words)


class LosesSiblings(Store):
    def __init__(self):
        super().__init__()
        self.now = Every(50)

    def henge_set(self, key, words):
        if self.now():
            self.values[key] = []
        return super().henge_set(key, words)


class LosesDeletes(Store):
    def __init__(self):
        super().__init__()
        self.now = Every(10)

    def henge_del(self, key, words):
        return "1" if self.now() else super().henge_del(key, words)


class WritesWhatItRefuses(Store):
    def __init__(self):
        super().__init__()
        self.now = Every(50)

    def set(self, key, words):
        reply = super().set(key, words)
        if self.now():
            raise RequestError("UNAVAILABLE", nothing_done=True)
        return reply


class OftenSilent(Store):
    """Every third request has no answer; every other of those writes takes effect all the same."""

    def __init__(self):
        super().__init__()
        self.silent = Every(3)
        self.works = Every(2)

    def call(self, command, key, *rest):
        if not self.silent():
            return super().call(command, key, *rest)
        if self.works():
            super().call(command, key, *rest)
        raise RequestError("timeout")


class Stubborn(Store):
    def call(self, *_):
        raise RequestError("ERR", "ERR syntax error")


class ClientTests(unittest.TestCase):
    def run_on(self, store, steps=400):
        book = Book()
        node = types.SimpleNamespace(name="n1", host="127.0.0.1", resp=1)
        clients = [Client(i, [node], book, 1, time.monotonic()) for i in range(2)]
        for client in clients:
            client.connections = {"n1": store}
            client.pause = lambda: None
        for _ in range(steps):
            for client in clients:
                for step in (client.step_register, client.step_set, client.step_delete):
                    step()
        return book, add_up(clients)

    def test_an_honest_store_passes_and_everything_is_tried(self):
        book, total = self.run_on(Store(), steps=600)
        self.assertEqual(book.complaints, [])
        self.assertEqual(set(total.errors), {"CONFLICT"})
        self.assertGreater(total.writes["acknowledged"], 1000)
        self.assertGreater(total.reads, 500)
        self.assertGreater(len(book.sets), 6)
        self.assertTrue(any(history.dead for history in book.causals))
        self.assertEqual(total.requests, len(total.successes) + sum(total.errors.values()))

    def test_silence_is_never_a_complaint(self):
        book, total = self.run_on(OftenSilent())
        self.assertEqual(book.complaints, [])
        self.assertGreater(total.writes["unanswered"], 100)

    def test_each_wrong_is_found(self):
        for store, complaint in (
            (LosesSets(), "read "),
            (LosesSiblings(), "acknowledged elements are missing"),
            (LosesDeletes(), "came back"),
            (WritesWhatItRefuses(), "read "),
            (Stubborn(), "ERR syntax error"),
        ):
            book, _ = self.run_on(store)
            self.assertTrue(any(complaint in text for text in book.complaints), type(store).__name__)


class ExaminerTests(unittest.TestCase):
    def test_it_finds_what_was_lost_after_the_run(self):
        store = Store()
        book, _ = ClientTests().run_on(store, steps=100)
        cluster = types.SimpleNamespace(nodes=[])
        examiner = Examiner(cluster, book)
        self.assertEqual(book.complaints, [])
        for kind, command in (("registers", "GET"), ("sets", "HENGE.GET"), ("causals", "HENGE.GET")):
            histories = getattr(book, kind)
            self.assertEqual(len(list(examiner.read(store, command, histories, "ALL"))), len(histories))
        growing = book.sets[0]
        store.values[growing.key].pop()
        ((_, reply),) = examiner.read(store, "HENGE.GET", [growing], "ALL")
        self.assertIn("missing", growing.saw(union(value[0] for value in reply[1]), growing.due()))


if __name__ == "__main__":
    unittest.main()
