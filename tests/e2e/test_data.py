#!/usr/bin/env python3
"""`serve --data DIR`: what is kept, what is refused at start, and what happens when the disk is full or gone.

Usage: test_data.py PATH_OF_SWARMBED PATH_OF_KILL_TEST
"""
import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

PROGRAM, KILL_TEST = sys.argv[1:3]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(KILL_TEST)))
import storage_client  # noqa: E402: its network and its accounts are ours, too

TTL_MS = 86400000


class Data(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.base = folder.name
        self.folder = os.path.join(folder.name, "data")
        self.file = os.path.join(self.folder, "swarmbed.sqlite")
        self.network = storage_client.Network(PROGRAM, self.folder)
        self.addCleanup(self.stop)

    def stop(self):
        if self.network.process is not None and self.network.process.poll() is None:
            self.network.end(signal.SIGKILL)

    def serve(self, *arguments, data=None):
        """(exit status, standard error) of a start that should be refused."""
        ports = [str(port) for port in storage_client.free_ports(3)]
        done = subprocess.run([PROGRAM, "serve", "--data", data or self.folder, "--node-port", ports[0], "--seed-port", ports[1],
                               "--control-port", ports[2], *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def store(self, count, seed=1):
        """(an account, what it has stored: so many messages)"""
        rng = random.Random(seed)
        account = storage_client.EraAccount(self.network, rng)
        prepared = [account.prepare(rng.randbytes(100), TTL_MS) for _ in range(count)]
        connection = http.client.HTTPConnection(*account.node)
        for message in prepared:
            self.assertEqual(account.store(message, connection), [account.node])
        connection.close()
        return account, {message[1] for message in prepared}

    def assert_kept(self, stored):
        account, hashes = stored
        self.assertEqual(hashes - set(account.retrieve_all(account.node)), set())

    def test_kills_lose_nothing(self):
        for mode in (["--kills", "4"], ["--full"]):
            done = subprocess.run([KILL_TEST, *mode, "--dialect", "both", PROGRAM], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("0 missing, 0 expired but served, 0 undone", done.stdout)

    def test_a_journal_begins_with_what_was_kept(self):
        journal = os.path.join(self.base, "journal.jsonl")
        self.network.start()
        stored = self.store(5)
        self.network.end(signal.SIGKILL)
        self.network.start("--journal", journal)
        self.assert_kept(stored)
        self.store(5, seed=2)
        self.assertEqual(self.network.end(signal.SIGINT), 0)
        for threads in ("1", "4"):
            done = subprocess.run([PROGRAM, "replay", journal, "--threads", threads, "--json"], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(journal, encoding="utf-8") as lines:
            self.assertGreaterEqual(json.loads(lines.readline())["records"], 5)

    def test_the_world_is_the_same_again(self):
        self.network.start("--seed", "7")
        stored = self.store(3)
        self.network.end(signal.SIGINT)
        self.network.start()
        self.assert_kept(stored)
        self.network.end(signal.SIGINT)
        for option in (["--seed", "8"], ["tour"], ["--crypto", "modelled"], ["--set", "a=b"]):
            status, said = self.serve(*option)
            self.assertEqual(status, 2, said)
            self.assertIn("another", said)

    def test_a_scenario_is_kept_with_its_parameters(self):
        path = os.path.join(self.base, "small.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write('world { nodes = param("nodes", 12, "how many") }\n')
        self.network.start(path, "--set", "nodes=15")
        stored = self.store(3)
        self.network.end(signal.SIGKILL)
        self.network.start()
        self.assertTrue(any("ready: 15 nodes" in line for line in self.network.said))
        self.assert_kept(stored)

    def test_one_process_has_it(self):
        self.network.start()
        status, said = self.serve()
        self.assertEqual(status, 3)
        self.assertIn("another running process", said)

    def test_what_cannot_be_used_is_refused(self):
        self.network.start()
        self.store(1)
        self.network.end(signal.SIGINT)
        for number, text in ((60, "its format is"), (68, "another program's file"), (0, "no SQLite file")):
            with open(self.file, "r+b") as file:
                file.seek(number)
                was = file.read(4)
                file.seek(number)
                file.write(b"\0\0\0\7")
            status, said = self.serve()
            self.assertEqual(status, 3, said)
            self.assertIn(text, said)
            with open(self.file, "r+b") as file:
                file.seek(number)
                file.write(was)
        self.network.start()
        self.network.end(signal.SIGINT)
        self.assertEqual(self.serve(data=self.file)[0], 3)
        self.assertEqual(self.serve(data="/proc/none/none")[0], 3)

    @unittest.skipIf(os.geteuid() == 0, "nothing is forbidden to root")
    def test_a_right_that_is_missing_is_told(self):
        self.network.start()
        self.network.end(signal.SIGINT)
        os.chmod(self.file, 0o400)
        status, said = self.serve()
        self.assertEqual(status, 3)
        self.assertIn("right to write", said)

    def test_a_file_that_goes_away_ends_the_stores(self):
        journal = os.path.join(self.base, "journal.jsonl")
        self.network.start("--journal", journal)
        account, hashes = self.store(3)
        os.unlink(self.file)
        again = account.prepare(b"the same bytes twice", TTL_MS)
        for _ in range(2):
            with self.assertRaises(storage_client.Refused) as refused:
                account.store(again)
            self.assertEqual(refused.exception.status, 503)
        self.assertEqual(set(account.retrieve_all(account.node)), hashes)
        self.assertEqual(self.network.end(signal.SIGINT), 3)
        self.assertTrue(any("moved or deleted" in line for line in self.network.said))
        done = subprocess.run([PROGRAM, "replay", journal, "--json"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_clock_never_goes_back(self):
        """A world may have been ahead of the clock: what ended in it stays ended."""
        self.network.start()
        stored = self.store(1)
        self.network.end(signal.SIGINT)
        with sqlite3.connect(self.file) as database:
            kept = int.from_bytes(database.execute("SELECT value FROM setting WHERE name = 'time_ms'").fetchone()[0], "big")
            ahead = kept + 10 * TTL_MS
            database.execute("UPDATE setting SET value = ? WHERE name = 'time_ms'", (ahead.to_bytes(8, "big"),))
        database.close()
        self.network.start()
        self.assertEqual(stored[0].retrieve_all(stored[0].node), {})

    def control(self, verb, path, body=None):
        token = next(line.split()[-1] for line in self.network.said if line.startswith("control:"))
        connection = http.client.HTTPConnection("127.0.0.1", self.network.control_port)
        connection.request(verb, path, body, {"Authorization": "Bearer " + token})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def test_the_control_interface_counts_and_leaves_the_membership(self):
        self.network.start()
        self.store(3)
        _, text = self.control("GET", "/metrics")
        counts = dict(line.split() for line in text.splitlines() if line.startswith("swarmbed_disk"))
        self.assertGreaterEqual(int(counts["swarmbed_disk_records_total"]), 3)
        self.assertGreaterEqual(int(counts["swarmbed_disk_commits_total"]), 3)
        self.assertEqual(counts["swarmbed_disk_failed"], "0")
        for change in ("exit", "decommission", "recommission", "register"):
            self.assertEqual(self.control("POST", "/control/change", json.dumps({"change": change, "node": 1}))[0], 409)
        self.assertEqual(self.control("POST", "/control/change", json.dumps({"change": "kill", "node": 1}))[0], 200)

    def test_full_disks_can_be_played(self):
        """As a fault, by the control interface: in virtual time alone."""
        self.network.start()
        account, hashes = self.store(2)
        for value, status in ((1, 503), (2, 500)):
            self.assertEqual(self.control("POST", "/control/change", json.dumps({"change": "disks", "value": value}))[0], 200)
            with self.assertRaises(storage_client.Refused) as refused:
                account.store(account.prepare(b"more", TTL_MS))
            self.assertEqual(refused.exception.status, status)
        self.control("POST", "/control/change", '{"change": "disks", "value": 0}')
        self.assert_kept((account, hashes))
        account.store(account.prepare(b"again", TTL_MS))
        self.assertEqual(self.network.end(signal.SIGINT), 0)

    def test_without_it_memory_is_named(self):
        ports = [str(port) for port in storage_client.free_ports(3)]
        with subprocess.Popen([PROGRAM, "serve", "--node-port", ports[0], "--seed-port", ports[1], "--control-port", ports[2]],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            said = ""
            while "ready:" not in said:
                said += process.stderr.readline()
            process.send_signal(signal.SIGINT)
            process.stderr.read()
        self.assertIn("memory:", said)
        self.assertEqual(self.serve("--data-limit", "0")[0], 2)
        done = subprocess.run([PROGRAM, "serve", "--data-limit", "5"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--data DIR", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
