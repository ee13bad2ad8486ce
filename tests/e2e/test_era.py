#!/usr/bin/env python3
"""Every method of the era and every refusal (PROTOCOL 3, 4.7), asked by HTTP, by HTTPS and through onions of nodes that
speak that dialect alone.

Onions are made by scripts/onion_request.py, which shares no code with the nodes.

Usage: test_era.py PATH_OF_SWARMBED
"""
import json
import random
import unittest

from served import Served, TTL_MS, account, main, onions, store_params

WAYS = ("http", "https", "onion", "onion by https")
MIXED = ("aes-gcm", "xchacha20", "aes-gcm", "xchacha20")


class Era(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan", "--dialect", "era")
        cls.addClassCleanup(cls.served.kill)
        cls.states = cls.served.states()

    def state(self, node):
        return next(state for state in self.states if (state["public_ip"], state["storage_port"]) == node)

    def path_to(self, target, length=4):
        """Other nodes, then the target."""
        return random.sample([state for state in self.states if state is not target], length - 1) + [target]

    def ask(self, way, node, body, long_poll=False):
        """(status, text) of `body` at a node."""
        headers = {"X-Loki-Long-Poll": "true"} if long_poll else {}
        if way.startswith("onion"):
            ciphers = random.choice((MIXED, MIXED[::-1], MIXED[:1] * 4, MIXED[1:2] * 4))
            return onions.send_onion(self.path_to(self.state(node)), ciphers, body.encode(),
                                     "https" if "https" in way else "http", headers)
        answer, text = self.served.request("POST", node, "/storage_rpc/v1", body, headers, tls=way == "https")
        return answer.status, text.decode()

    def rpc(self, way, node, method, params, **kwargs):
        return self.ask(way, node, json.dumps({"jsonrpc": "2.0", "id": "0", "method": method, "params": params}),
                        **kwargs)

    def test_a_message_stored_at_one_member_is_retrieved_at_another(self):
        for number, way in enumerate(WAYS):
            with self.subTest(way):
                owner = account(100 + number)
                swarm = self.served.swarm(owner)
                self.assertGreaterEqual(len(swarm), 5)
                params = store_params(owner)
                self.assertEqual(self.rpc(way, swarm[0], "store", params), (200, '{"difficulty":1}'))
                # the others get it with the next flush; a long poll waits for that
                status, text = self.rpc(way, swarm[1], "retrieve", {"pubKey": owner, "lastHash": ""}, long_poll=True)
                self.assertEqual(status, 200)
                message, = json.loads(text)["messages"]
                self.assertEqual(sorted(message), ["data", "expiration", "hash"])
                self.assertEqual(message["data"], params["data"])
                self.assertEqual(message["expiration"], int(params["timestamp"]) + int(TTL_MS))
                self.assertEqual(len(message["hash"]), 128)
                last = {"pubKey": owner, "lastHash": message["hash"]}
                self.assertEqual(self.rpc(way, swarm[1], "retrieve", last), (200, '{"messages":[]}'))

    def test_a_retrieve_gives_ten_at_a_time(self):
        owner = account(110)
        node = self.served.swarm(owner)[0]
        stored = [store_params(owner, b"%02d" % number) for number in range(12)]
        for params in stored:
            self.assertEqual(self.rpc("http", node, "store", params)[0], 200)
        for way in WAYS:
            with self.subTest(way):
                first = json.loads(self.rpc(way, node, "retrieve", {"pubKey": owner, "lastHash": ""})[1])["messages"]
                rest = json.loads(self.rpc(way, node, "retrieve", {"pubKey": owner, "lastHash": first[-1]["hash"]})[1])
                self.assertEqual((len(first), len(rest["messages"])), (10, 2))
                self.assertEqual([message["data"] for message in first + rest["messages"]],
                                 [params["data"] for params in stored])
                unknown = json.loads(self.rpc(way, node, "retrieve", {"pubKey": owner, "lastHash": "0" * 128})[1])
                self.assertEqual(unknown["messages"], first)

    def test_a_store_that_is_known_changes_nothing(self):
        owner = account(111)
        node = self.served.swarm(owner)[0]
        params = store_params(owner)
        for way in WAYS:
            self.assertEqual(self.rpc(way, node, "store", params), (200, '{"difficulty":1}'))
        messages = json.loads(self.rpc("http", node, "retrieve", {"pubKey": owner, "lastHash": ""})[1])["messages"]
        self.assertEqual(len(messages), 1)

    def test_any_node_names_the_swarm(self):
        owner = account(112)
        swarm = self.served.swarm(owner)
        for way in WAYS:
            with self.subTest(way):
                node = random.choice(sorted(self.served.nodes().values()))
                status, text = self.rpc(way, node, "get_snodes_for_pubkey", {"pubKey": owner})
                self.assertEqual(status, 200)
                snodes = json.loads(text)["snodes"]
                self.assertEqual([(snode["ip"], int(snode["port"])) for snode in snodes], swarm)
                for snode in snodes:
                    self.assertLessEqual({"address", "ip", "port", "pubkey_x25519", "pubkey_ed25519"}, set(snode))
                    self.assertRegex(snode["address"], r"^[a-z0-9]{52}\.snode$")
                    self.assertIsInstance(snode["port"], str)
                    state = self.state((snode["ip"], int(snode["port"])))
                    self.assertEqual(state["pubkey_x25519"], snode["pubkey_x25519"])
                keys = [snode["pubkey_ed25519"] for snode in snodes]
                self.assertEqual(keys, sorted(keys))

    def test_another_swarm_answers_421_with_the_right_one(self):
        owner = account(2)
        swarm = self.served.swarm(owner)
        other = next(a for a in sorted(self.served.nodes().values()) if a not in swarm)
        for way in WAYS:
            for method, params in (("retrieve", {"pubKey": owner, "lastHash": ""}),
                                   ("store", store_params(owner, nonce="AAAAAAAAAAA="))):
                with self.subTest(way, method=method):
                    status, text = self.rpc(way, other, method, params)
                    self.assertEqual(status, 421)
                    self.assertEqual([(n["ip"], int(n["port"])) for n in json.loads(text)["snodes"]], swarm)

    def check_refusals(self, node, method, good, rows):
        for way in WAYS:
            for status, text, change in rows:
                params = {name: value for name, value in {**good, **change}.items() if value is not None}
                with self.subTest(way, change=str(change)[:60]):
                    got = self.rpc(way, node, method, params)
                    self.assertEqual((got[0], got[1].rstrip("\n")), (status, text))

    def test_every_refusal_of_a_store(self):
        owner = account(3)
        good = store_params(owner, nonce="AAAAAAAAAAA=")
        now = int(good["timestamp"])
        self.check_refusals(self.served.swarm(owner)[0], "store", good, [
            *((400, f"invalid json: no `{name}` field", {name: None})
              for name in ("pubKey", "ttl", "nonce", "timestamp", "data")),
            *((400, f"invalid json: `{name}` is not a string", {name: 7})
              for name in ("pubKey", "ttl", "nonce", "timestamp", "data")),
            (400, "Pubkey must be 66 characters long", {"pubKey": owner[2:]}),
            (400, "Pubkey must be hexadecimal", {"pubKey": "05" + "g" * 64}),
            (400, "Message body exceeds maximum allowed length of 102400", {"data": "A" * 102404}),
            (400, "ttl must not have leading zeros", {"ttl": "086400000"}),
            (403, "Provided TTL is not valid.", {"ttl": "9999"}),
            (403, "Provided TTL is not valid.", {"ttl": "345600001"}),
            (403, "Provided TTL is not valid.", {"ttl": "soon"}),
            (400, "timestamp must not have leading zeros", {"timestamp": "0" + str(now)}),
            (406, "Timestamp error: check your clock", {"timestamp": str(now + 60000)}),
            (406, "Timestamp error: check your clock", {"timestamp": str(now - 2 * int(TTL_MS))}),
            (432, '{"difficulty":1}', {"nonce": "AAAAAAAAAAA="})])

    def test_every_refusal_of_a_retrieve_and_of_a_swarms_name(self):
        owner = account(4)
        node = self.served.swarm(owner)[0]
        for method, good, field in (("retrieve", {"pubKey": owner, "lastHash": ""}, "lastHash"),
                                    ("get_snodes_for_pubkey", {"pubKey": owner}, "pubKey")):
            self.check_refusals(node, method, good, [
                (400, f"invalid json: no `{field}` field", {field: None}),
                (400, f"invalid json: `{field}` is not a string", {field: 7}),
                (400, "Pubkey must be 66 characters long", {"pubKey": ""}),
                (400, "Pubkey must be hexadecimal", {"pubKey": "05" + "g" * 64})])

    def test_every_refusal_of_a_request(self):
        node = sorted(self.served.nodes().values())[0]
        for way in WAYS:
            for text, body in (("invalid json", "{"), ("invalid json", "{} {}"), ("invalid json", '{"method":"\\u0000"}'),
                               ("invalid json: no `method` field", "{}"), ("invalid json: no `method` field", "[]"),
                               ("invalid json: no `method` field", '{"method":7,"params":{}}'),
                               ("invalid json: no `params` field", '{"method":"store"}'),
                               ("invalid json: no `params` field", '{"method":"store","params":[]}'),
                               ("no method fly", '{"method":"fly","params":{}}')):
                with self.subTest(way, body=body):
                    got = self.ask(way, node, body)
                    self.assertEqual((got[0], got[1].rstrip("\n")), (400, text))


class Unready(unittest.TestCase):
    """A node in no swarm refuses clients in every way (PROTOCOL 3.2, 4.7), but tells who it is."""

    def test_it_says_so(self):
        served = Served("--lan")
        self.addCleanup(served.kill)
        states = served.states()
        ip, port = json.loads(served.control("GET", "/control/state")[1])["nodes"][5]["address"].split(":")
        node = next(state for state in states if (state["public_ip"], str(state["storage_port"])) == (ip, port))
        others = [state for state in states if state is not node]
        for change in ({"change": "decommission", "node": 5}, {"change": "block"}):
            self.assertEqual(served.control("POST", "/control/change", change)[0], 200)
        answer = b""
        while b"not ready" not in answer:  # it hears of the block a moment later
            _, answer = served.request("POST", (ip, int(port)), "/storage_rpc/v1", "{}")
        self.assertEqual(answer, b"Service node is not ready: not in any swarm; \n")
        for tls in (False, True):
            answer, text = served.request("POST", (ip, int(port)), "/none", "{}", tls=tls)
            self.assertEqual((answer.status, text), (503, b"Service node is not ready: not in any swarm; \n"))
        self.assertEqual(served.request("GET", (ip, int(port)), "/get_stats/v1")[0].status, 200)
        body = onions.rpc("get_snodes_for_pubkey", {"pubKey": account(1)})
        not_ready = (503, "Snode not ready: " + node["pubkey_ed25519"])
        guard, = random.sample(others, 1)
        self.assertEqual(onions.send_onion([node, guard], MIXED[:2], body), not_ready)
        self.assertEqual(onions.send_onion([guard, node], MIXED[:2], body), (503, "Snode not ready"))
        for change in ({"change": "recommission", "node": 5}, {"change": "block"}):
            self.assertEqual(served.control("POST", "/control/change", change)[0], 200)
        while served.rpc((ip, int(port)), "get_snodes_for_pubkey", {"pubKey": account(1)})[0] != 200:
            pass


if __name__ == "__main__":
    main()
