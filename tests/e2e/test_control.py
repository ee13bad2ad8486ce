#!/usr/bin/env python3
"""The control interface: time, changes, who may, what it says of itself.

Usage: test_control.py PATH_OF_SWARMBED
"""
import http.client
import json
import os
import pathlib
import tempfile
import unittest

from served import Served, main, replay

MAINNET = pathlib.Path(__file__).resolve().parents[2] / "sim/data/mainnet.txt"


class Controls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.served = Served("--lan", folder=self.folder.name)
        self.addCleanup(self.served.kill)

    def state(self):
        return json.loads(self.served.control("GET", "/control/state")[1])

    def test_time_pauses_steps_and_goes_on(self):
        self.assertEqual(self.served.control("POST", "/control/pause")[0], 200)
        before = self.state()
        self.assertTrue(before["paused"])
        self.assertEqual(self.state()["virtual_us"], before["virtual_us"])
        self.assertEqual(self.served.control("POST", "/control/step", {"ms": 3600000})[0], 200)
        self.served.control("GET", "/control")
        while self.state()["virtual_us"] < before["virtual_us"] + 3600000000:
            pass
        self.assertEqual(self.state()["virtual_us"], before["virtual_us"] + 3600000000)
        self.assertEqual(self.served.control("POST", "/control/speed", {"speed_milli": 60000})[0], 200)
        self.assertEqual(self.served.control("POST", "/control/resume")[0], 200)
        self.assertEqual((self.state()["paused"], self.state()["speed_milli"]), (False, 60000))

    def test_changes_are_made_told_and_replayed(self):
        events = http.client.HTTPConnection("127.0.0.1", self.served.control_port)
        self.addCleanup(events.close)
        events.request("GET", "/events")
        stream = events.getresponse()
        self.assertEqual(stream.getheader("Content-Type"), "text/event-stream")
        victim = ("127.1.4.7", self.served.node_port)
        self.assertEqual(self.served.control("POST", "/control/change", {"change": "kill", "node": 3})[0], 200)
        told = stream.readline()
        self.assertTrue(told.startswith(b"data: {"), told)
        self.assertEqual(json.loads(told[6:])["kind"], "crash")
        self.assertFalse(self.state()["nodes"][3]["alive"])
        self.assertEqual(self.served.request("GET", victim, "/get_stats/v1")[0].status, 502)
        for change in ({"change": "restart", "node": 3}, {"change": "cut_off", "node": 5, "value": 1},
                       {"change": "clock_skew", "node": 6, "value": -5000}, {"change": "difficulty", "value": 2},
                       {"change": "exit", "node": 7}, {"change": "decommission", "node": 8},
                       {"change": "register"}, {"change": "block"}, {"change": "recommission", "node": 8}):
            status, text = self.served.control("POST", "/control/change", change)
            self.assertEqual(status, 200, text)
        self.assertEqual(self.served.request("GET", victim, "/get_stats/v1")[0].status, 200)
        self.assertEqual(len(self.state()["nodes"]), 61)
        self.assertEqual(self.served.request("GET", ("127.1.61.7", victim[1]), "/get_stats/v1")[0].status, 200)
        report = self.served.stop()
        done = replay(self.served.journal, "--threads", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["digest"], report["digest"])

    def test_real_history_is_made_and_replayed(self):
        """What net:history() reads for a scenario: nodes of the next snapshot arrive, others leave."""
        path = os.path.join(self.folder.name, "real.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write("world { snapshot = 2055136 }")
        with open(MAINNET, encoding="utf-8") as file:
            first, second = [part.splitlines()[1:] for part in file.read().split("snapshot ")[1:3]]
        known = [int(line.split()[1]) for line in first]
        arrivals = [(int(node), int(host)) for sign, node, _, host in (line.split() for line in second if line[0] == "+")
                    if int(node) not in known]
        departures = [known.index(int(line.split()[1])) for line in second if line[0] == "-"]
        self.served.kill()
        self.served = Served(path, "--lan", folder=self.folder.name)
        self.addCleanup(self.served.kill)
        self.assertEqual(len(self.state()["nodes"]), len(known))
        for node, host in arrivals:
            self.change("arrival", identity=node, host=host)
        for node in departures:
            self.change("exit", node=node)
        self.change("block")
        self.assertEqual(len(self.state()["nodes"]), len(known) + len(arrivals))
        # what a node answers, and with it the digest, names all of them by key and host
        self.served.control("POST", "/control/speed", {"speed_milli": 60000})
        address, listed = ("127.1.1.7", self.served.node_port), 0
        while listed != len(known) + len(arrivals) - len(departures):
            status, text = self.served.rpc(address, "oxend_request", {
                "endpoint": "get_service_nodes", "params": {"fields": {"pubkey_ed25519": True, "public_ip": True}}})
            self.assertEqual(status, 200, text)
            listed = len(json.loads(text)["result"]["service_node_states"])
        for wrong in ({"identity": known[0], "host": 0}, {"identity": arrivals[0][0], "host": 0},
                      {"identity": 1700, "host": 1000001}):
            self.assertEqual(self.served.control("POST", "/control/change", {"change": "arrival", **wrong})[0], 400)
        report = self.served.stop()
        done = replay(self.served.journal, "--threads", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["digest"], report["digest"])

    def change(self, change, **members):
        status, text = self.served.control("POST", "/control/change", {"change": change, **members})
        self.assertEqual(status, 200, text)

    def clients(self):
        return json.loads(self.served.control("GET", "/control/clients")[1])

    def until_received(self, client, count):
        while self.clients()[client]["received"] < count:
            pass

    def test_users_are_told_what_to_do_and_replayed(self):
        self.assertEqual(self.served.control("POST", "/control/speed", {"speed_milli": 20000})[0], 200)
        for name in ("Alice", "Bob"):
            self.change("client", text=name)
        self.assertEqual([client["name"] for client in self.clients()], ["Alice", "Bob"])
        alice, bob = 0, 1
        self.change("client_listen", client=alice, value=1)
        self.change("client_listen", client=bob, value=1)
        self.change("client_drop_calls", client=bob, value=1)
        self.change("client_befriend", client=alice, to=bob, text="Hi, this is Alice")
        # what a client refuses is told, and happened all the same
        self.assertEqual(self.served.control("POST", "/control/change", {
            "change": "client_befriend", "client": alice, "to": bob, "text": "again"})[0], 400)
        self.until_received(bob, 1)
        self.change("client_accept", client=bob, to=alice)
        self.change("client_send", client=bob, to=alice, text="hi")
        self.until_received(alice, 1)
        self.change("client_send", client=alice, to=bob, text="hello \u00e9\U0001f600")
        self.until_received(bob, 2)
        self.change("client_kill", client=bob)
        self.assertFalse(self.clients()[bob]["alive"])
        for change, members in (("client_poll", {}), ("client_send", {"to": alice, "text": "I am dead"})):
            self.assertEqual(self.served.control("POST", "/control/change",
                                                 {"change": change, "client": bob, **members})[0], 400)
        self.change("client_send", client=alice, to=bob, text="are you there?")
        self.change("client_restart", client=bob)
        self.change("client_online", client=bob)
        self.change("client_listen", client=bob, value=0)
        self.until_received(bob, 3)
        self.change("client_stop", client=bob)
        self.change("client_poll", client=bob)
        self.change("client_offline", client=bob)
        self.change("client_cut_off", client=alice, value=1)
        self.change("client_clock_skew", client=alice, value=-5000)
        report = self.served.stop()
        for threads in ("1", "4"):
            done = replay(self.served.journal, "--threads", threads)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["digest"], report["digest"])

    def test_only_who_may_gets_in(self):
        host = f"127.0.0.1:{self.served.control_port}"
        for status, verb, path, headers in (
                (200, "GET", "/control", {}),
                (200, "GET", "/control", {"Host": f"localhost:{self.served.control_port}"}),
                (200, "GET", "/control", {"Origin": "http://" + host}),
                (403, "GET", "/control", {"Origin": "http://example.org"}),
                (403, "GET", "/control", {"Origin": "null"}),
                (403, "GET", "/control", {"Host": "example.org"}),
                (401, "POST", "/control/pause", {"Authorization": "Bearer " + "0" * 32}),
                (401, "POST", "/control/pause", {"Authorization": ""}),
                (403, "POST", "/control/pause", {"Origin": "http://example.org"}),
                (404, "POST", "/control/none", {}),
                (404, "GET", "/none", {}),
                (405, "DELETE", "/control", {})):
            self.assertEqual(self.served.control(verb, path, **headers)[0], status, (verb, path, headers))
        self.assertFalse(self.state()["paused"])

    def test_wrong_changes_are_refused(self):
        for path, body in (("/control/change", {}), ("/control/change", {"change": "fly"}),
                           ("/control/change", {"change": "kill"}), ("/control/change", {"change": "kill", "node": 60}),
                           ("/control/change", {"change": "kill", "node": -1}),
                           ("/control/change", {"change": "kill", "node": "1"}),
                           ("/control/change", {"change": "cut_off", "node": 1, "value": 2}),
                           ("/control/change", {"change": "difficulty", "value": 0}),
                           ("/control/change", {"change": "client_kill", "client": 0}),
                           ("/control/change", {"change": "client_send", "client": 0, "to": 0, "text": "x"}),
                           ("/control/change", {"change": "client"}), ("/control/change", {"change": "client", "text": 7}),
                           ("/control/change", {"change": "client", "text": "x" * 64}),
                           ("/control/step", {"ms": 0}), ("/control/speed", {"speed_milli": 0}), ("/control/step", [])):
            self.assertEqual(self.served.control("POST", path, body)[0], 400, (path, body))

    def test_it_describes_itself_and_counts(self):
        description = json.loads(self.served.control("GET", "/control")[1])
        self.assertTrue(description["openapi"].startswith("3."))
        for path, methods in description["paths"].items():
            if "get" in methods and path != "/events":
                self.assertEqual(self.served.control("GET", path)[0], 200, path)
        metrics = self.served.control("GET", "/metrics")[1]
        for line in metrics.splitlines():
            self.assertRegex(line, r'^(# TYPE swarmbed_\w+ (counter|gauge)|swarmbed_\w+(\{kind="\w+"\})? \d+)$')


if __name__ == "__main__":
    main()
