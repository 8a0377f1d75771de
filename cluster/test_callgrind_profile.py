"""Tests of callgrind_profile."""

import unittest

from callgrind_profile import Profile

WRITTEN = """\
# callgrind format
events: Ir
fl=(1) ???
fn=(1) outer
16 100
cfi=(2) other.c
cfn=(2) inner
calls=3 20
+4 60
+1 10

fn=(2)
20 45
cfn=(2)
calls=2 20
* 15

totals: 155
"""


class ProfileTests(unittest.TestCase):
    def setUp(self):
        self.profile = Profile(WRITTEN.splitlines(keepends=True))

    def test_own_instructions_are_those_without_calls(self):
        self.assertEqual(dict(self.profile.own), {"outer": 110, "inner": 45})
        self.assertEqual(self.profile.total, 155)

    def test_a_call_of_itself_is_counted_and_its_cost_is_not(self):
        self.assertEqual(self.profile.calls["inner"], 5)
        self.assertEqual(self.profile.inclusive["inner"], 60)

    def test_ranks(self):
        self.assertEqual([row[3] for row in self.profile.ranked("own")], ["outer", "inner"])
        self.assertEqual(self.profile.ranked("inclusive")[0], (45, 60, 5, "inner"))


if __name__ == "__main__":
    unittest.main()
