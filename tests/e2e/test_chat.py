#!/usr/bin/env python3
"""Two `swarmbed chat` on a served network, each on a terminal of its own: a conversation over both routings, kills, and
what is refused.

Usage: test_chat.py PATH_OF_SWARMBED
"""
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

from served import PROGRAM, Served, main

LIMIT_S = 600  # for whatever is awaited: far more than it ever takes


class Chat:
    """`swarmbed chat` on a pseudo-terminal. `text` is all that it has printed, `at` how much of it was expected."""

    def __init__(self, name, url, folder, *arguments):
        self.terminal, inside = pty.openpty()
        self.process = subprocess.Popen(
            [PROGRAM, "chat", "--as", name, "--seed-url", url, "--state", os.path.join(folder, name), *arguments],
            stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
        os.close(inside)
        self.text, self.at = "", 0

    def read(self, until):
        """False: it has ended, or said nothing until then."""
        ready, _, _ = select.select([self.terminal], [], [], max(0, until - time.monotonic()))
        try:
            piece = os.read(self.terminal, 65536) if ready else b""
        except OSError:
            piece = b""
        self.text += piece.decode(errors="replace")
        return piece != b""

    def expect(self, pattern):
        until = time.monotonic() + LIMIT_S
        while True:
            found = re.compile(pattern).search(self.text, self.at)
            if found:
                self.at = found.end()
                return found
            if not self.read(until):
                raise AssertionError(f"{pattern!r} did not come after:\n{self.text[self.at:]}\nall:\n{self.text}")

    def expect_all(self, patterns):
        """In any order: what nodes answer to polls, they answer each in their own time."""
        start, ends = self.at, []
        for pattern in patterns:
            self.at = start
            ends.append(self.expect(pattern).end())
        self.at = max(ends)

    def say(self, line):
        os.write(self.terminal, line.encode() + b"\n")

    def wait(self):
        until = time.monotonic() + LIMIT_S
        while self.read(until):
            pass
        os.close(self.terminal)
        return self.process.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.wait()

    def saved(self):
        """Everything it has shown is on its disk: what it shows again after a kill is then a fault."""
        while True:
            self.say("/status")
            if self.expect(r" is (saved|being written)")[1] == "saved":
                return


class Conversation(unittest.TestCase):
    def setUp(self):
        self.served = Served("--lan")
        self.addCleanup(self.served.kill)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def chat(self, name, *arguments, scheme="http"):
        chat = Chat(name, f"{scheme}://127.0.0.1:{self.served.seed_port}", self.folder, *arguments)
        self.addCleanup(chat.kill)
        chat.id = chat.expect(r"your account id: (05[0-9a-f]{64})")[1]
        return chat

    def befriend(self, alice, bob):
        alice.say(f"/add {bob.id} Hi, this is Alice")
        bob.expect(r"alice \([0-9a-f]{8}\) asks to be your contact: Hi, this is Alice")
        bob.say("/accept")
        bob.expect("you are friends")
        alice.expect("you are friends")

    def test_both_routings_and_kills(self):
        alice, bob = self.chat("alice"), self.chat("bob", scheme="https")
        shown = []
        self.befriend(alice, bob)

        alice.say("first, by the swarm")
        alice.expect(r"#\d+ to .*: stored at 1 of 3")
        bob.expect(r"alice \([0-9a-f]{8}\): first, by the swarm   \[by the swarm\]")
        bob.say("an answer")
        alice.expect(r"bob \([0-9a-f]{8}\): an answer   \[by the swarm\]")

        # Alice dies with texts that were accepted, wherever they are by then.
        for number in range(5):
            alice.say(f"text {number} of five")
        for _ in range(5):
            alice.expect(r"#\d+ to bob \([0-9a-f]{8}\): queued")
        alice.kill()
        again = self.chat("alice")
        self.assertEqual(again.id, alice.id)
        bob.expect_all([rf"alice \([0-9a-f]{{8}}\): text {number} of five" for number in range(5)])

        # Bob dies, and is told nothing twice.
        bob.saved()
        shown.append(bob.text)
        bob.kill()
        bob = self.chat("bob", scheme="https")
        again.say("after the kill")
        bob.expect(r"alice \([0-9a-f]{8}\): after the kill")

        # Both are online: texts go synchronously, both ways.
        again.say("/online")
        again.expect("you are online")
        bob.say("/online")
        bob.expect("you are online")
        bob.say("I am online")
        again.expect(r"bob \([0-9a-f]{8}\): I am online")
        bob.expect(r"alice \([0-9a-f]{8}\) is online")
        bob.say("synchronous from bob")
        again.expect(r"bob \([0-9a-f]{8}\): synchronous from bob   \[synchronous\]")
        bob.expect(r"#\d+ to .*: delivered synchronously")
        bob.expect(r"#\d+ to .*: acknowledged")
        again.say("synchronous from alice")
        bob.expect(r"alice \([0-9a-f]{8}\): synchronous from alice   \[synchronous\]")

        bob.say("/quit")
        self.assertEqual(bob.wait(), 0)
        again.say("\x04")  # the end of the terminal's input
        self.assertEqual(again.wait(), 0)
        shown.append(bob.text)
        for text in ("first, by the swarm", *(f"text {n} of five" for n in range(5)), "after the kill",
                     "synchronous from alice"):
            self.assertEqual("".join(shown).count("): " + text), 1, text)
        self.assertNotIn("perhaps shown before", "".join(shown))

    def test_in_a_pipe(self):
        alice, bob = self.chat("alice"), self.chat("bob")
        self.befriend(alice, bob)
        alice.say("/quit")
        self.assertEqual(alice.wait(), 0)
        done = subprocess.run([PROGRAM, "chat", "--as", "alice", "--seed-url", f"http://127.0.0.1:{self.served.seed_port}", "--state",
                               os.path.join(self.folder, "alice")], input="\x1b[31mby pipe\n/nothing\nno end of line",
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("stored at 3 of 3", done.stdout)
        self.assertIn("no such command", done.stdout)
        bob.expect_all([r"alice \([0-9a-f]{8}\): \?\[31mby pipe", r"alice \([0-9a-f]{8}\): no end of line"])

    def test_what_waits_goes_on_later(self):
        alice, bob = self.chat("alice"), self.chat("bob")
        self.befriend(alice, bob)
        os.kill(self.served.process.pid, signal.SIGSTOP)  # a network that says nothing
        alice.say("patience")
        alice.expect("queued")
        os.kill(alice.process.pid, signal.SIGINT)
        alice.expect(r"\d+ messages are in .*: they go on at the next start")
        self.assertEqual(alice.wait(), 0)
        os.kill(self.served.process.pid, signal.SIGCONT)
        self.chat("alice")
        bob.expect(r"alice \([0-9a-f]{8}\): patience")


class Refuses(unittest.TestCase):
    def run_chat(self, *arguments):
        done = subprocess.run([PROGRAM, "chat", *arguments], input="/quit\n", capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_options(self):
        for arguments, words in ((["--as", ""], "1 to 100 bytes"), ([], "--as NAME is needed"),
                                 (["--as", "a/b"], "name one with --state"), (["--as", "a", "b"], "only options"),
                                 (["--as", "a", "--sede-url"], "did you mean --seed-url?"),
                                 (["--as", "a", "--seed-url", "ftp://x"], "is wanted"),
                                 (["--as", "a", "--seed-url", "http://127.0.0.1:0"], "is wanted"),
                                 (["--as", "a", "--seed-url", "http://127.0.0.1:1/x"], "is wanted")):
            status, err = self.run_chat(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(words, err)

    def test_state_files(self):
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "alice")
            start = ["--as", "alice", "--seed-url", "http://127.0.0.1:9", "--state", state]
            self.assertEqual(self.run_chat(*start), (0, ""))
            with open(state, "rb") as file:
                good = file.read()
            for bad, words in ((good[:-1], "is damaged"), (b"something else" * 10, "is no state of swarmbed chat")):
                with open(state, "wb") as file:
                    file.write(bad)
                status, err = self.run_chat(*start)
                self.assertEqual(status, 2)
                self.assertIn(words, err)
                with open(state, "rb") as file:
                    self.assertEqual(file.read(), bad)
            with open(state, "wb") as file:
                file.write(good)
            first = Chat("alice", "http://127.0.0.1:9", folder)
            first.expect("your account id")
            status, err = self.run_chat(*start)
            self.assertEqual(status, 2)
            self.assertIn("in use by another process", err)
            first.kill()


if __name__ == "__main__":
    main()
