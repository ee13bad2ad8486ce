#!/usr/bin/env python3
"""Onions from outside (PROTOCOL 4), made by scripts/onion_request.py: both ciphers along one path, and what goes wrong on it.

Usage: test_onions.py PATH_OF_SWARMBED
"""
import base64
import json
import random
import subprocess
import unittest

from served import ONION_REQUEST, Served, account, main, onions, store_params

CIPHERS = ("aes-gcm", "xchacha20")
MIXED = CIPHERS * 2


class Script(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)

    def onion(self, *arguments):
        done = subprocess.run([ONION_REQUEST, "--seed", f"http://127.0.0.1:{self.served.seed_port}", *arguments],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.rstrip("\n"), done.stderr

    def test_both_ciphers_mixed_along_one_path(self):
        owner = account(10)
        params = json.dumps(store_params(owner))
        for ciphers in (MIXED, MIXED[::-1]):
            for tls in ([], ["--tls"]):
                self.assertEqual(self.onion("--ciphers", ",".join(ciphers), *tls, "store", params)[:2],
                                 (0, '{"difficulty":1}'))
        key = next(key for key, node in self.served.nodes().items() if node == self.served.swarm(owner)[0])
        status, text, _ = self.onion("--to", key, "get_snodes_for_pubkey", json.dumps({"pubKey": owner}))
        self.assertEqual(status, 0)
        self.assertEqual(len(json.loads(text)["snodes"]), len(self.served.swarm(owner)))

    def test_errors_of_the_target_are_told(self):
        owner = account(11)
        status, _, err = self.onion("store", json.dumps(store_params(owner, nonce="AAAAAAAAAAA=")))
        self.assertEqual((status, err.rstrip("\n")), (1, "status 432"))


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)
        cls.states = cls.served.states()

    def path(self, length):
        return random.sample(self.states, length)

    def post(self, node, path, body, tls=False):
        answer, text = self.served.request("POST", (node["public_ip"], node["storage_port"]), path, body, tls=tls)
        return answer.status, text.decode()


class FirstVersion(Nodes):
    """Onions of 2020 (PROTOCOL 4.3): JSON in every layer, AES-GCM alone."""

    def wrap(self, path, plain):
        """(what to post to path[0], the target's keys)."""
        target = layer = onions.Layer(path[-1], "aes-gcm")
        sealed = target.seal(json.dumps(plain).encode())
        for hop in range(len(path) - 2, -1, -1):
            inner = {"destination": path[hop + 1]["pubkey_ed25519"], "ciphertext": base64.b64encode(sealed).decode(),
                     "ephemeral_key": layer.public.hex()}
            layer = onions.Layer(path[hop], "aes-gcm")
            sealed = layer.seal(json.dumps(inner).encode())
        return json.dumps({"ciphertext": base64.b64encode(sealed).decode(), "ephemeral_key": layer.public.hex()}), target

    def ask(self, path, plain, tls=False):
        onion, keys = self.wrap(path, plain)
        status, text = self.post(path[0], "/onion_req", onion, tls)
        if status != 200:
            return status, text
        inner = json.loads(keys.open(base64.b64decode(text)))
        return inner["status"], inner["body"]

    def test_every_method(self):
        owner = account(30)
        swarm = self.served.swarm(owner)
        member = next(state for state in self.states if (state["public_ip"], state["storage_port"]) == swarm[0])
        others = [state for state in self.states if state is not member]
        for method, params, answer in (("store", store_params(owner), '{"difficulty":1}'),
                                       ("retrieve", {"pubKey": owner, "lastHash": ""}, '{"messages":[{"hash"'),
                                       ("get_snodes_for_pubkey", {"pubKey": owner}, '{"snodes":[')):
            for headers in ({}, ""):
                for length, tls in ((1, False), (3, True), (4, False)):
                    plain = {"body": onions.rpc(method, params).decode(), "headers": headers}
                    status, text = self.ask(random.sample(others, length - 1) + [member], plain, tls)
                    self.assertEqual((status, text[:len(answer)]), (200, answer))
        status, text = self.ask(self.path(4), {"body": onions.rpc("fly", {}).decode(), "headers": {}})
        self.assertEqual((status, text.rstrip("\n")), (400, "no method fly"))

    def test_errors(self):
        guard, = self.path(1)
        for body in ("", "{", "{}", '{"ciphertext":"x","ephemeral_key":"' + "ab" * 32 + '"}', '{"ciphertext":"AAAA"}'):
            status, text = self.post(guard, "/onion_req", body)
            self.assertEqual(status, 400, (body, text))
        onion, _ = self.wrap([guard], {"body": "{}", "headers": {}})
        broken = json.loads(onion)
        broken["ciphertext"] = base64.b64encode(bytes(64)).decode()
        self.assertEqual(self.post(guard, "/onion_req", json.dumps(broken)), (400, "Invalid ciphertext"))
        path = self.path(3)
        path[-1] = dict(path[-1], pubkey_ed25519="ab" * 32)
        self.assertEqual(self.ask(path, {"body": "{}", "headers": {}}), (502, "Next node not found: " + "ab" * 32))


class Errors(Nodes):
    """Told in clear by who finds them, or sealed for the sender by who could open its layer (PROTOCOL 4.7)."""

    def sealed(self, plain, length=4):
        """What the node that `plain` is for answers, sealed."""
        path = self.path(length)
        onion, keys = onions.wrap(path, MIXED[:length], plain)
        return onions.send(path[0], onion, keys)

    def test_a_node_may_be_guard_and_target(self):
        node = self.path(1)
        for cipher in CIPHERS:
            body = onions.rpc("get_snodes_for_pubkey", {"pubKey": account(1)})
            self.assertEqual(onions.send_onion(node, [cipher], body)[0], 200)
            self.assertEqual(onions.send_onion(node * 3, [cipher] * 3, body)[0], 200)

    def test_what_the_guard_cannot_read(self):
        guard, = self.path(1)
        layer = onions.Layer(guard, "aes-gcm")
        for body in (b"short", b"", onions.combine(b"x" * 64, {}), onions.combine(b"x" * 64, {"ephemeral_key": "ab"}),
                     onions.combine(b"x" * 64, {"ephemeral_key": "g" * 64}),
                     onions.combine(b"x" * 64, layer.names() | {"enc_type": "rot13"}),
                     b"\xff\xff\xff\xff" + onions.combine(b"x" * 64, layer.names())[4:]):
            status, text = self.post(guard, "/onion_req/v2", body)
            self.assertEqual(status, 400, (body, text))
            self.assertTrue(text.startswith("Error parsing outer JSON in onion request: "), (body, text))
        self.assertEqual(self.post(guard, "/onion_req/v2", onions.combine(b"x" * 64, layer.names())),
                         (400, "Invalid ciphertext"))

    def test_paths_end(self):
        path = self.path(2)
        target, guard = onions.Layer(path[1], "aes-gcm"), onions.Layer(path[0], "xchacha20")
        inner = target.seal(onions.combine(onions.rpc("none", {}), {"headers": {}}))
        outer = guard.seal(onions.combine(inner, {"destination": path[1]["pubkey_ed25519"], **target.names()}))
        for hop_no, answer in ((-1, (400, "no method none")), (14, (400, "no method none")),
                               (15, (400, "onion request max path length exceeded"))):
            status, text = onions.send(path[0], onions.combine(outer, guard.names() | {"hop_no": hop_no}), target)
            self.assertEqual((status, text.rstrip("\n")), answer, hop_no)

    def test_a_broken_layer_is_found_by_its_node(self):
        for broken in range(1, 4):
            *path, stranger = self.path(5)
            path[broken] = dict(path[broken], pubkey_x25519=stranger["pubkey_x25519"])
            onion, keys = onions.wrap(path, MIXED, onions.combine(onions.rpc("none", {}), {"headers": {}}))
            self.assertEqual(onions.send(path[0], onion, keys), (400, "Invalid ciphertext"), broken)

    def test_an_unknown_node_is_named(self):
        for length in (2, 3, 4):
            path = self.path(length)
            nobody = "ab" * 32
            path[-1] = dict(path[-1], pubkey_ed25519=nobody)
            onion, keys = onions.wrap(path, MIXED[:length], onions.combine(b"{}", {"headers": {}}))
            self.assertEqual(onions.send(path[0], onion, keys), (502, "Next node not found: " + nobody))

    def test_only_nodes_relay(self):
        guard, = self.path(1)
        for path in ("/sn.onion_req", "/sn.onion_request"):
            self.assertEqual(self.post(guard, path, b"x"), (401, "Unknown service node"))

    def test_what_the_target_cannot_read_is_told_sealed(self):
        inner = onions.Layer(self.states[0], "aes-gcm").names()
        for plain in (b"short", b"\xff\xff\xff\x7fxx", onions.combine(b"x", {})[:-1],
                      onions.combine(b"x", {"destination": "ab", **inner}),
                      onions.combine(b"x", {"destination": "ab" * 32, **inner, "enc_type": "rot13"}),
                      onions.combine(b"x", {"destination": "ab" * 32}),
                      onions.combine(b"x", {"host": "example.org", **inner})):
            for length in (1, 4):
                self.assertEqual(self.sealed(plain, length), (400, "Invalid json"), plain)

    def test_answers_as_the_target_is_asked_to_give_them(self):
        body = onions.rpc("get_snodes_for_pubkey", {"pubKey": account(1)})
        path = self.path(3)
        onion, keys = onions.wrap(path, MIXED[:3], onions.combine(body, {"headers": {}, "json": True}))
        status, snodes = onions.send(path[0], onion, keys)
        self.assertEqual((status, list(snodes)[0]), (200, "snodes"))
        onion, keys = onions.wrap(path, MIXED[:3], onions.combine(body, {"headers": {}, "base64": False}))
        answer, sealed = self.served.request("POST", (path[0]["public_ip"], path[0]["storage_port"]), "/onion_req/v2", onion)
        self.assertEqual((answer.status, json.loads(keys.open(sealed))["status"]), (200, 200))

    def test_outside_servers(self):
        inner = onions.Layer(self.states[0], "aes-gcm").names()
        for target in ("/", "/loki/v3", "/lsrpc", "/loki/v3/lsrpc?a", "/other/v3/lsrpc"):
            plain = onions.combine(b"x", {"host": "example.org", "target": target, "method": "POST", **inner})
            self.assertEqual(self.sealed(plain), (400, "Invalid url"), target)


if __name__ == "__main__":
    main()
