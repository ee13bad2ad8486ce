#!/usr/bin/env python3
"""Onions from outside (PROTOCOL 4), made by scripts/onion_request.py: both ciphers along one path, and what goes wrong on it.

Usage: test_onions.py PATH_OF_SWARMBED
"""
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


class Errors(unittest.TestCase):
    """Told in clear by who finds them, or sealed for the sender by who could open its layer (PROTOCOL 4.7)."""

    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)
        cls.states = cls.served.states()

    def path(self, length):
        return random.sample(self.states, length)

    def post(self, node, path, body):
        answer, text = self.served.request("POST", (node["public_ip"], node["storage_port"]), path, body)
        return answer.status, text.decode()

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

    def test_outside_servers(self):
        inner = onions.Layer(self.states[0], "aes-gcm").names()
        for target in ("/", "/loki/v3", "/lsrpc", "/loki/v3/lsrpc?a", "/other/v3/lsrpc"):
            plain = onions.combine(b"x", {"host": "example.org", "target": target, "method": "POST", **inner})
            self.assertEqual(self.sealed(plain), (400, "Invalid url"), target)


if __name__ == "__main__":
    main()
