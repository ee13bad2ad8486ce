#!/usr/bin/env python3
"""The program as its user meets it: what it prints, how it ends, what it says of wrong input.

Usage: test_run.py PATH_OF_SWARMBED PATH_OF_VECTORS
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM, VECTORS = sys.argv[1:3]
SMALL = """
local net = world { nodes = 12 }
local alice, bob = net:client "Alice", net:client "Bob"
local m = alice:befriend(bob, "hello")
net:wait_for("2m", function() return m.state == "stored" end)
net:run "2s"
bob:poll()
expect(net:wait_for("2m", function() return m.delivered end), "it arrives")
"""


def swarmbed(*arguments, **kwargs):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, **kwargs)


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def scenario(self, text, name="s.lua"):
        path = os.path.join(self.folder.name, name)
        pathlib.Path(path).write_text(text, encoding="utf-8")
        return path

    def report(self, *arguments):
        done = swarmbed("run", *arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


class Runs(Base):
    def test_the_tour_holds_and_tells_its_story(self):
        done = swarmbed("run")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("position", "guard", "trials of SHA-512", "replicas", "double ratchet", "listening node", "battery", "acknowledged it in time", "found each other again",
                      "No node holds it any more", "digest"):
            self.assertIn(words, done.stdout)

    def test_same_seed_same_digest_on_any_number_of_threads(self):
        path = self.scenario(SMALL)
        reports = [self.report(path, "--seed", "7", "--threads", n) for n in ("1", "2", "4")]
        self.assertEqual(len({r["digest"] for r in reports}), 1)
        self.assertEqual(len({r["events"] for r in reports}), 1)
        self.assertNotEqual(reports[0]["digest"], self.report(path, "--seed", "8")["digest"])

    def test_tour_and_mainnet_do_not_depend_on_threads(self):
        small_graph = ["friend_graph", "--set", "users=40", "--set", "chats=6", "--crypto", "modelled"]
        for arguments in (["tour"], ["mainnet", "--set", "users=50"], small_graph):
            one, four = (self.report(*arguments, "--seed", "7", "--threads", n) for n in ("1", "4"))
            for report in (one, four):
                del report["wall_ms"], report["threads"]
            self.assertEqual(one, four)

    def test_figures_do_not_depend_on_the_crypto_suite(self):
        for arguments in (["tour"], ["mainnet", "--set", "users=50"]):
            real, modelled = (self.report(*arguments, "--seed", "7", "--crypto", c) for c in ("real", "modelled"))
            for report in (real, modelled):
                del report["wall_ms"], report["crypto"], report["digest"]
            self.assertEqual(real, modelled)

    def test_guard_and_target_learn_together_what_neither_learns_alone(self):
        def links(*nodes):
            observed = self.report("tour", "--seed", "7", "--observe", ",".join(map(str, nodes)))["observed"]
            return {(row["address"], row["account"], row["method"], row["seen_by"], row["read_by"])
                    for row in observed["links"]}

        everything = links(*range(30))
        stores = [link for link in everything if link[2] == "store"]
        self.assertTrue(stores)
        for link in stores:
            guard, target = link[3:]
            self.assertNotEqual(guard, target)
            self.assertIn(link, links(guard, target))
            for alone in (guard, target):
                self.assertFalse([row for row in links(alone) if row[2] == "store"])

    def test_observing_changes_nothing(self):
        path = self.scenario(SMALL)
        plain, one, four = self.report(path), self.report(path, "--observe", "0,5,7", "--threads", "1"), \
            self.report(path, "--observe", "7,0,5", "--threads", "4")
        self.assertEqual(plain["digest"], one["digest"])
        self.assertEqual(one["observed"], four["observed"])
        self.assertNotIn("observed", plain)
        self.assertGreater(one["observed"]["requests"], 0)
        table = swarmbed("run", path, "--quiet", "--observe", "0,5,7").stdout
        self.assertIn("learned by node 0, 5, 7\n", table)
        for arguments, words in ((["--observe", "12"], "no node 12"), (["--observe", "1,,2"], "3,17")):
            done = swarmbed("run", path, *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)

    def test_json_has_what_scripts_rely_on(self):
        report = self.report("tour")
        for member in ("digest", "seed", "sent", "delivered", "lost", "duplicates", "events", "virtual_ms", "wall_ms"):
            self.assertIn(member, report)
        self.assertEqual((report["sent"], report["delivered"], report["lost"], report["duplicates"]), (6, 6, 0, 0))

    def test_a_trace_is_json_lines_in_order_and_the_same_on_any_number_of_threads(self):
        path, texts = self.scenario(SMALL), []
        for threads in ("1", "3"):
            trace = os.path.join(self.folder.name, f"t{threads}.jsonl")
            self.report(path, "--trace", trace, "--threads", threads)
            texts.append(pathlib.Path(trace).read_text(encoding="utf-8"))
        records = [json.loads(line) for line in texts[0].splitlines()]
        self.assertGreater(len(records), 100)
        self.assertEqual([r["at_us"] for r in records], sorted(r["at_us"] for r in records))
        self.assertLessEqual({"stored", "shown", "onion_done", "relay"}, {r["kind"] for r in records})
        self.assertEqual(texts[0], texts[1])

    def test_a_failed_expectation_names_place_seed_time_and_replay(self):
        path = self.scenario(SMALL + 'expect(false, "pigs fly")\n')
        done = swarmbed("run", path, "--seed", "5")
        self.assertEqual(done.returncode, 1)
        for words in ("s.lua:9:", "pigs fly", "seed 5", "virtual time", f"swarmbed run {path} --seed 5"):
            self.assertIn(words, done.stderr)

    def test_parameters_are_listed_and_changed(self):
        path = self.scenario('describe "A test."\nlocal n = param("nodes", 12, "how many")\n'
                             'local net = world { nodes = n }\nsay("nodes:", #net.nodes)\n')
        listed = swarmbed("run", path, "--help")
        self.assertEqual(listed.returncode, 0)
        self.assertIn("A test.", listed.stdout)
        self.assertIn("nodes=12", listed.stdout)
        self.assertIn("how many", listed.stdout)
        self.assertIn("nodes: 20", swarmbed("run", path, "--set", "nodes=20").stdout)


class Interrupted(Base):
    def test_a_signal_ends_a_run_with_its_summary_and_a_whole_trace(self):
        path = self.scenario('local net = world { nodes = 12 }\nnet:client("A"):listen(false)\nnet:run "1000d"\n')
        for number in (signal.SIGINT, signal.SIGTERM):
            trace = pathlib.Path(self.folder.name, f"t{number}.jsonl")
            with subprocess.Popen([PROGRAM, "run", path, "--trace", trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) as process:
                while not trace.exists() or trace.stat().st_size < 100000:  # until the run is under way
                    self.assertIsNone(process.poll())
                process.send_signal(number)
                out, err = process.communicate()
            self.assertEqual((process.returncode, err), (1, ""))
            for words in ("interrupted", "digest", "virtual time"):
                self.assertIn(words, out)
            json.loads(trace.read_text(encoding="utf-8").splitlines()[-1])  # no half line


class WrongInput(Base):
    def refused(self, words, *arguments, **kwargs):
        done = swarmbed(*arguments, **kwargs)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_options_and_commands_name_the_nearest(self):
        self.refused(["--sed", "--seed"], "run", "--sed", "7")
        self.refused(["rum", "run"], "rum")
        self.refused(["toor", "tour"], "run", "toor")
        self.refused(["--seed x"], "run", "--seed", "x")
        self.refused(["--threads 0", "1 to 64"], "run", "--threads", "0")
        self.refused(["--crypto"], "run", "--crypto", "none")
        self.refused(["wants a value"], "run", "--seed")

    def test_a_scenario_with_an_error_is_named_with_its_line(self):
        self.refused(["s.lua:2:"], "run", self.scenario("local x = 1\nlocal = 2\n"))
        self.refused(["s.lua:1:", "did you mean \"nodes\""], "run", self.scenario("world { node = 5 }"))
        self.refused(["s.lua:2:", "befriend"], "run",
                     self.scenario('local n = world { nodes = 5 }\nn:client("A"):befiend(nil, "x")'))
        self.refused(["builds no world"], "run", self.scenario("local x = 1"))
        self.refused(["user", "users"], "run", "mainnet", "--set", "user=5")
        self.refused(["a number is wanted"], "run", "mainnet", "--set", "users=many")
        self.refused(["NAME=VALUE"], "run", "mainnet", "--set", "users")

    def test_the_sandbox_is_closed_and_bounded(self):
        for text in ("io.write('x')", "os.exit(0)", "require 'x'", "load('x')()"):
            self.refused(["s.lua:1:"], "run", self.scenario(text))
        self.refused(["instructions"], "run", self.scenario("while true do end"))
        self.refused(["instructions"], "run", self.scenario("while true do pcall(function() while true do end end) end"))
        self.refused(["not enough memory"], "run", self.scenario("local t = string.rep('x', 2^31 - 1)"))
        self.refused(["__gc"], "run", self.scenario("setmetatable({}, { __gc = print })"))
        self.refused(["%p"], "run", self.scenario("string.format('%p', {})"))

    def test_files_that_can_not_be_read(self):
        self.refused(["nowhere.lua"], "run", "nowhere.lua")
        self.refused(["none.txt"], "run", "tour", "--costs", "none.txt")
        costs = os.path.join(self.folder.name, "costs.txt")
        pathlib.Path(costs).write_text("x25519 forty 1\n", encoding="utf-8")
        self.refused([costs, "1"], "run", "tour", "--costs", costs)
        self.refused(["--trace", ".jsonl"], "run", self.scenario(SMALL), "--trace", "x.txt")
        self.refused(["--trace"], "run", self.scenario(SMALL), "--trace", "/nowhere/x.jsonl")


class Verify(Base):
    def test_all_vectors_pass(self):
        files = sorted(str(p) for p in pathlib.Path(VECTORS).glob("*.json"))
        done = swarmbed("verify", *files)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ passed, 0 failed$")

    def test_what_can_not_be_read_is_an_error(self):
        path = os.path.join(self.folder.name, "v.json")
        for text in ("{", '{"about": "x"}', '{"about": "x", "news": []}'):
            pathlib.Path(path).write_text(text, encoding="utf-8")
            done = swarmbed("verify", path)
            self.assertEqual(done.returncode, 2)
            self.assertIn("v.json", done.stderr)
        self.assertEqual(swarmbed("verify").returncode, 2)
        self.assertEqual(swarmbed("verify", "nowhere.json").returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
