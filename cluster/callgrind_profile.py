"""Reads what callgrind has counted: instructions of each function, and the calls between functions."""

import collections
import re
import subprocess

# "(12) name" gives the name a number; "(12)" is that name from then on.
NAMED = re.compile(r"\((\d+)\)(?: (.*))?$")


class Profile:
    """One thread of one process. Functions have their symbols as names."""

    def __init__(self, lines):
        """`lines` of a file that callgrind has written with --compress-strings=yes, its default."""
        self.own = collections.Counter()
        self.calls = collections.Counter()
        self.inclusive = collections.Counter()
        names = {}
        caller = callee = None
        count = None
        for line in lines:
            if line.startswith("fn="):
                caller = self._name(line[3:].rstrip("\n"), names)
            elif line.startswith("cfn="):
                callee = self._name(line[4:].rstrip("\n"), names)
            elif line.startswith("calls="):
                count = int(line[6:].split()[0])
            elif line[:1] in "0123456789+-*" and len(line.split()) >= 2:
                cost = int(line.split()[1])
                if count is None:
                    self.own[caller] += cost
                    continue
                # A function that calls itself would be counted in itself again.
                if caller != callee:
                    self.inclusive[callee] += cost
                self.calls[callee] += count
                count = None

    @staticmethod
    def _name(text, names):
        number, name = NAMED.match(text).groups()
        if name is not None:
            names[number] = name
        return names.get(number, number)

    @property
    def total(self):
        return sum(self.own.values())

    def ranked(self, by):
        """(own, inclusive, calls, name) of each function, most first; `by` is "own" or "inclusive"."""
        rows = []
        for name in self.own.keys() | self.inclusive.keys():
            rows.append((self.own[name], self.inclusive[name], self.calls[name], name))
        return sorted(rows, key=lambda row: (row[0] if by == "own" else row[1], row[3]), reverse=True)


def demangled(names):
    """How people read these symbols of Swift; others stay as they are."""
    text = "\n".join(names)
    done = subprocess.run(
        ["swift", "demangle", "--simplified", "--compact"], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()
