#!/usr/bin/env python3
"""A served network as real programs meet it: the nodes by HTTP and HTTPS at their own addresses, and its end.

Usage: test_serve.py PATH_OF_SWARMBED
"""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from served import PROGRAM, Served, TTL_MS, account, free_port_of, free_ports, main, store_params


class Serves(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)

    def rpc(self, address, method, params, **kwargs):
        return self.served.rpc(address, method, params, **kwargs)

    def test_other_paths_and_methods_are_refused(self):
        node = sorted(self.served.nodes().values())[0]
        for status, start, verb, path, body in (
                (400, b"invalid json", "POST", "/storage_rpc/v1", "{"),
                (400, b"", "POST", "/onion_req/v2", "short"),
                (401, b"", "POST", "/swarms/push_batch/v1", "x"),
                (404, b"unknown target for POST: /none", "POST", "/none", "x"),
                (404, b"unknown target for GET: /none?a=b", "GET", "/none?a=b", None),
                (400, b"", "PUT", "/storage_rpc/v1", "x")):
            answer, text = self.served.request(verb, node, path, body)
            self.assertEqual(answer.status, status, (path, text))
            self.assertTrue(text.startswith(start), (path, text))
            self.assertEqual(answer.getheader("Content-Type"), "text/plain")
        answer, text = self.served.request("GET", ("127.200.0.1", node[1]), "/")
        self.assertEqual((answer.status, text), (502, b"no node has this address"))

    def test_a_body_that_is_too_large_is_refused_by_its_head(self):
        connection = http.client.HTTPConnection(*sorted(self.served.nodes().values())[0])
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/storage_rpc/v1")
        connection.putheader("Content-Length", str(10 * 1024 * 1024 + 1))
        connection.endheaders()  # and no body: the server reads on for a while only, and then resets a slow sender
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (413, b"Request body too large"))

    def test_a_connection_serves_many_requests_plain_and_by_tls(self):
        node = sorted(self.served.nodes().values())[0]
        for connection in (http.client.HTTPConnection(*node),
                           http.client.HTTPSConnection(*node, context=ssl._create_unverified_context())):
            local = None
            for _ in range(3):
                connection.request("GET", "/get_stats/v1")
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.read()), (200, b'{"version":"2.0.7"}'))
                self.assertIn(local, (None, connection.sock.getsockname()))
                local = connection.sock.getsockname()
            connection.close()

    def test_a_caller_that_hangs_up_leaves_the_rest_alone(self):
        owner = account(4)
        node = self.served.swarm(owner)[0]
        body = json.dumps({"method": "retrieve", "params": {"pubKey": owner, "lastHash": ""}})
        with socket.create_connection(node) as held:
            held.sendall(f"POST /storage_rpc/v1 HTTP/1.1\r\nHost: x\r\nX-Loki-Long-Poll: true\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            self.served.request("GET", node, "/get_stats/v1")
        self.assertEqual(self.rpc(node, "retrieve", {"pubKey": owner, "lastHash": ""})[0], 200)


class Doors(unittest.TestCase):
    """Where a network listens: nowhere but on this machine, unless it is told to."""

    def test_only_loopback_is_listened_at(self):
        served = Served("--lan")
        self.addCleanup(served.kill)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing: the system chooses the address it would call from
                own = probe.getsockname()[0]
            except OSError:
                self.skipTest("this machine has no other address")
        for port in (served.node_port, served.seed_port, served.control_port):
            with self.assertRaises(OSError), socket.create_connection((own, port)) as connection:
                connection.sendall(b"GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n")
                if connection.recv(1) == b"":
                    raise OSError("closed without a word")

    def test_a_socket_for_each_node_does_as_well(self):
        served = Served("--lan", "--socket-per-node")
        self.addCleanup(served.kill)
        for node in served.nodes().values():
            self.assertEqual(served.request("GET", node, "/get_stats/v1")[0].status, 200)
        self.assertEqual(served.control("POST", "/control/change", {"change": "register"})[0], 200)
        newest = json.loads(served.control("GET", "/control/state")[1])["nodes"][-1]["address"].split(":")[0]
        self.assertEqual(served.request("GET", (newest, served.node_port), "/get_stats/v1")[0].status, 200)
        with self.assertRaises(ConnectionRefusedError):
            served.request("GET", ("127.200.0.1", served.node_port), "/get_stats/v1")

    def test_an_open_network_is_one_address_and_many_ports(self):
        first = free_port_of(62)
        served = Served("--lan", "--listen", f"0.0.0.0:{first}", not_ports=range(first, first + 62))
        self.addCleanup(served.kill)
        self.assertIn(f"0.0.0.0:{first}", served.warning)
        self.assertIn(f"{first + 1} to {first + 60}", served.warning)
        answer, text = served.request("POST", ("127.0.0.1", first), "/json_rpc", '{"method":"get_service_nodes"}')
        self.assertEqual((answer.status, len(json.loads(text)["result"]["service_node_states"])), (200, 60))
        addresses = [node["address"] for node in json.loads(served.control("GET", "/control/state")[1])["nodes"]]
        owner = account(20)
        status, text = served.rpc(("127.0.0.1", first + 1), "get_snodes_for_pubkey", {"pubKey": owner})
        self.assertEqual(status, 200)
        swarm = [f"{node['ip']}:{node['port']}" for node in json.loads(text)["snodes"]]
        for number in (0, 1, 30, 59):
            status, _ = served.rpc(("127.0.0.1", first + 1 + number), "retrieve", {"pubKey": owner, "lastHash": ""})
            self.assertEqual(status, 200 if addresses[number] in swarm else 421)
        self.assertEqual(served.control("POST", "/control/change", {"change": "register"})[0], 200)
        served.control("GET", "/control/state")
        self.assertEqual(served.request("GET", ("127.0.0.1", first + 61), "/get_stats/v1")[0].status, 200)


class RateLimit(unittest.TestCase):
    def test_callers_on_this_machine_are_counted_only_if_asked_for(self):
        for arguments, statuses in ((["--lan"], {400}), (["--lan", "--rate-limit"], {400, 429})):
            served = Served(*arguments)
            self.addCleanup(served.kill)
            connection = http.client.HTTPConnection(*sorted(served.nodes().values())[0])
            seen = set()
            began = time.monotonic()
            for _ in range(20000):
                connection.request("POST", "/storage_rpc/v1", "{")
                answer = connection.getresponse()
                answer.read()
                seen.add(answer.status)
                if seen == {400, 429} or (seen == {400} and "--rate-limit" not in arguments and _ == 2000):
                    break
            took_s = time.monotonic() - began
            # a slow machine may send less than what the bucket takes in
            self.assertTrue(seen == statuses or _ < 600 + 300 * took_s, (arguments, seen))
            connection.close()
            served.stop()


class Ends(unittest.TestCase):
    def test_a_signal_lets_open_answers_go_out(self):
        served = Served("--lan", "--speed", "20")
        self.addCleanup(served.kill)
        owner = account(7)
        node = served.swarm(owner)[0]
        connection = http.client.HTTPConnection(*node)
        connection.request("POST", "/storage_rpc/v1",
                           json.dumps({"method": "retrieve", "params": {"pubKey": owner, "lastHash": ""}}),
                           {"X-Loki-Long-Poll": "true"})
        served.nodes()  # answered after the poll has arrived
        served.process.send_signal(signal.SIGTERM)
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (200, b'{"messages":[]}'))
        connection.close()
        out, _ = served.process.communicate()
        self.assertEqual(served.process.returncode, 0)
        self.assertIn("digest", json.loads(out))

    def test_a_signal_ends_streams_and_idle_connections(self):
        served = Served("--lan")
        self.addCleanup(served.kill)
        idle = socket.create_connection(sorted(served.nodes().values())[0])
        self.addCleanup(idle.close)
        events = http.client.HTTPConnection("127.0.0.1", served.control_port)
        self.addCleanup(events.close)
        events.request("GET", "/events")
        stream = events.getresponse()
        served.process.send_signal(signal.SIGTERM)
        stream.read()
        self.assertEqual(idle.recv(1), b"")
        out, err = served.process.communicate()
        self.assertEqual(served.process.returncode, 0, err)
        self.assertIn("digest", json.loads(out))

    def test_a_second_signal_drops_them(self):
        served = Served("--lan", "--speed", "0.001")
        self.addCleanup(served.kill)
        connection = http.client.HTTPConnection(*served.swarm(account(8))[0])
        self.addCleanup(connection.close)
        connection.request("POST", "/storage_rpc/v1",
                           json.dumps({"method": "retrieve", "params": {"pubKey": account(8), "lastHash": ""}}),
                           {"X-Loki-Long-Poll": "true"})
        served.nodes()  # answered after the poll has arrived
        served.process.send_signal(signal.SIGINT)
        while "ending:" not in served.process.stderr.readline():
            pass
        served.process.send_signal(signal.SIGINT)
        out, err = served.process.communicate()
        self.assertEqual(served.process.returncode, 0, err)
        self.assertIn("digest", json.loads(out))

    def test_wrong_usage_is_told(self):
        for arguments, text in ((["serve", "--speed", "fast"], "--speed"), (["serve", "--seed-port", "0"], "--seed-port"),
                                (["serve", "--lann"], "--lan"), (["serve", "--listen", "here"], "--listen"),
                                (["serve", "--listen", "1.2.3.4:0"], "--listen"), (["serve", "/none.lua"], "none.lua"),
                                (["serve", "--relay-hosts", "send"], "--relay-hosts"),
                                (["serve", "--dialect", "old"], "--dialect"),
                                (["replay"], "usage"), (["replay", "/none"], "/none"), (["pow"], "usage"),
                                (["pow", "--timestamp", "1", "--ttl", "1", "a", "b"], "--ttl")):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(text, done.stderr)

    def test_hosts_with_more_nodes_than_ports_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            scenario = os.path.join(folder, "crowded.lua")
            for nodes, text in ((16, "ports"), (15, "built")):
                with open(scenario, "w", encoding="utf-8") as out:
                    out.write(f"world {{ nodes = 30, nodes_per_host = {nodes} }}\nerror('built')\n")
                done = subprocess.run([PROGRAM, "serve", scenario, "--node-port", "65521"], capture_output=True, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn(text, done.stderr)

    def test_a_port_that_is_taken_is_told(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = subprocess.run([PROGRAM, "serve", "--node-port", str(free_ports(1)[0]), "--seed-port", str(port)],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn(str(port), done.stderr)


if __name__ == "__main__":
    main()
