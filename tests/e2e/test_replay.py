#!/usr/bin/env python3
"""What enters from outside is all that a served network depends on: its journal runs again to the same digest.

Usage: test_replay.py PATH_OF_SWARMBED
"""
import json
import os
import random
import socket
import subprocess
import tempfile
import unittest

from served import PROGRAM, Served, account, main, replay, store_params


class Replays(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def serve_some(self, *arguments):
        served = Served(*arguments, folder=self.folder.name)
        self.addCleanup(served.kill)
        owner = account(5)
        swarm = served.swarm(owner)
        for number in range(5):
            self.assertEqual(served.rpc(swarm[number % 3], "store", store_params(owner, b"%d" % number))[0], 200)
        for node in swarm:
            served.rpc(node, "retrieve", {"pubKey": owner, "lastHash": ""})
        body = json.dumps({"method": "retrieve", "params": {"pubKey": account(6), "lastHash": ""}})
        with socket.create_connection(served.swarm(account(6))[0]) as held:
            held.sendall(f"POST /storage_rpc/v1 HTTP/1.1\r\nHost: x\r\nX-Loki-Long-Poll: true\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            served.nodes()
        served.nodes()
        return served

    def test_what_a_journal_cannot_hold_is_refused(self):
        scenario, journal = (os.path.join(self.folder.name, name) for name in ("latin.lua", "journal"))
        with open(scenario, "wb") as out:
            out.write(b"world { nodes = 12 } -- caf\xe9\n")
        done = subprocess.run([PROGRAM, "serve", scenario, "--journal", journal], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("UTF-8", done.stderr)
        self.assertFalse(os.path.exists(journal))

    def test_a_journal_ends_with_the_same_digest_on_any_number_of_threads(self):
        served = self.serve_some("--threads", "2")
        report = served.stop()
        with open(served.journal, encoding="utf-8") as journal:
            text = journal.read()
        self.assertIn('"hang_up"', text)
        self.assertIn(report["digest"], text.splitlines()[-1])
        for threads in ("1", "4"):
            done = replay(served.journal, "--threads", threads)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["digest"], report["digest"])

    def test_ten_thousand_requests_from_many_callers(self):
        """Stores, retrieves, lookups and errors over connections that are open at the same time."""
        served = Served("--lan", folder=self.folder.name)
        self.addCleanup(served.kill)
        owner = account(9)
        swarm = served.swarm(owner)
        bodies = [json.dumps({"method": "store", "params": store_params(owner, b"%d" % n)}) for n in range(40)]
        bodies += [json.dumps({"method": "retrieve", "params": {"pubKey": owner, "lastHash": ""}}),
                   json.dumps({"method": "get_snodes_for_pubkey", "params": {"pubKey": owner}}), "{}", "{"]
        callers = [socket.create_connection(random.choice(swarm)) for _ in range(50)]
        for number, caller in enumerate(callers):
            self.addCleanup(caller.close)
            chosen = (bodies[(number * 7 + n) % len(bodies)] for n in range(200))
            caller.sendall(b"".join(f"POST /storage_rpc/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                                    .encode() for body in chosen) + b"GET / HTTP/1.0\r\n\r\n")
        for caller in callers:
            with caller.makefile("rb") as answers:
                statuses = [answer[:3] for answer in answers.read().split(b"HTTP/1.1 ")[1:]]
            self.assertEqual((len(statuses), set(statuses)), (201, {b"200", b"400", b"404"}))
        report = served.stop()
        with open(served.journal, encoding="utf-8") as journal:
            self.assertGreater(sum('"call"' in line for line in journal), 10000)
        for threads in ("1", "4"):
            done = replay(served.journal, "--threads", threads)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["digest"], report["digest"])

    def test_a_scenario_is_served_and_replayed(self):
        path = os.path.join(self.folder.name, "s.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write("""
                local nodes = param("nodes", 12, "how many")
                local net = world { nodes = nodes }
                local alice, bob = net:client "Alice", net:client "Bob"
                local m = alice:befriend(bob, "hello")
                net:at("2s", function() net:register() end)
                net:wait_for("2m", function() return m.state == "stored" end)
                expect(true, "it gets there")
            """)
        served = self.serve_some(path, "--set", "nodes=15", "--speed", "20", "--seed", "9")
        report = served.stop()
        self.assertEqual((report["seed"], report["clients"]), (9, 2))
        done = replay(served.journal, "--threads", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["digest"], report["digest"])

    def test_a_changed_journal_is_told_apart(self):
        served = self.serve_some()
        served.stop()
        with open(served.journal, encoding="utf-8") as journal:
            lines = journal.read().splitlines()
        broken = os.path.join(self.folder.name, "broken.jsonl")

        def replay_of(changed):
            with open(broken, "w", encoding="utf-8") as file:
                file.write("\n".join(changed) + "\n")
            return replay(broken)

        self.assertEqual(replay_of(lines[:1] + lines[2:]).returncode, 1)    # a call is missing
        self.assertEqual(replay_of(lines[:-1]).returncode, 0)               # no digest to compare with
        self.assertEqual(replay_of(lines[1:]).returncode, 2)                # no header
        self.assertEqual(replay_of([lines[0], lines[-1], "x"]).returncode, 1)
        for line in ("x", "{}", '{"at_us":-1,"hang_up":1}', '{"at_us":9e15,"hang_up":1}',
                     '{"at_us":1,"call":1}', '{"at_us":1,"digest":"xyz"}'):
            done = replay_of([lines[0], line])
            self.assertEqual(done.returncode, 2, line)
            self.assertIn("broken.jsonl:2:", done.stderr)


if __name__ == "__main__":
    main()
