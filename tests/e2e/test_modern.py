#!/usr/bin/env python3
"""Every method of today's dialect (PROTOCOL 10) as today's clients ask for it, by HTTP, by HTTPS and through onions.

Signatures are made and checked by PyNaCl, hashes by hashlib; onions by scripts/onion_request.py. None of them shares code with
the nodes.

Usage: test_modern.py PATH_OF_SWARMBED
"""
import base64
import hashlib
import json
import random
import time
import unittest

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
from nacl.signing import SigningKey, VerifyKey

from served import Served, main, onions

WAYS = ("http", "https", "onion", "onion by https")
CIPHERS = ("aes-gcm", "xchacha20", "aes-gcm", "xchacha20")


def now():
    return int(time.time() * 1000)


def b64(data):
    return base64.b64encode(data).decode()


class User:
    """A Session account: its id is the X25519 conversion of its Ed25519 key."""

    def __init__(self, name):
        self.key = SigningKey(hashlib.sha256(name.encode()).digest())
        self.ed25519 = bytes(self.key.verify_key)
        self.id = "05" + crypto_sign_ed25519_pk_to_curve25519(self.ed25519).hex()

    def sign(self, *parts):
        return b64(self.key.sign("".join(map(str, parts)).encode()).signature)

    def params(self, *signed, **fields):
        return {"pubkey": self.id, "pubkey_ed25519": self.ed25519.hex(), "signature": self.sign(*signed), **fields}


def message_hash(account, namespace, data):
    text = bytes.fromhex(account) + (str(namespace).encode() if namespace else b"") + data
    return b64(hashlib.blake2b(text, digest_size=32).digest()).rstrip("=")


class Modern(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)
        cls.states = cls.served.states()

    def ask(self, way, node, method, params):
        """(status, body): a body of JSON is parsed."""
        body = json.dumps({"method": method, "params": params})
        if way.startswith("onion"):
            target = next(state for state in self.states if (state["public_ip"], state["storage_port"]) == node)
            path = random.sample([state for state in self.states if state is not target], 3) + [target]
            status, text = onions.send_onion(path, CIPHERS, body.encode(), "https" if "https" in way else "http", {})
        else:
            answer, text = self.served.request("POST", node, "/storage_rpc/v1", body, tls=way == "https")
            status, text = answer.status, text.decode()
        return status, json.loads(text) if text[:1] == "{" else text

    def good(self, way, node, method, params):
        status, body = self.ask(way, node, method, params)
        self.assertEqual(status, 200, body)
        return body

    def check_members(self, answer, swarm, keys, signed):
        """Every member's entry has exactly these keys, and its signature covers what `signed` makes of it."""
        self.assertLessEqual({"swarm", "t", "hf"}, set(answer))
        self.assertEqual(answer["hf"], [19, 4])
        self.assertEqual(len(answer["swarm"]), len(swarm))
        for key, entry in answer["swarm"].items():
            self.assertEqual(set(entry) - {"already", "t"}, keys | {"signature"}, entry)
            VerifyKey(bytes.fromhex(key)).verify(signed(entry).encode(), base64.b64decode(entry["signature"]))

    def store(self, way, user, data, namespace=0, **more):
        timestamp = now()
        params = {"pubkey": user.id, "timestamp": timestamp, "ttl": 3600000, "data": b64(data), "namespace": namespace, **more}
        if namespace % 10:
            params |= user.params("store", namespace, timestamp)
        answer = self.good(way, self.served.swarm(user.id)[0], "store", params)
        self.assertEqual(answer["hash"], message_hash(user.id, namespace, data))
        return answer

    def retrieve(self, way, node, user, namespace=0, **more):
        timestamp = now()
        return self.good(way, node, "retrieve",
                         user.params("retrieve", namespace or "", timestamp, timestamp=timestamp, namespace=namespace, **more))

    def test_a_store_is_held_by_all_members_when_it_is_answered(self):
        for way in WAYS:
            with self.subTest(way):
                user = User("store " + way)
                swarm = self.served.swarm(user.id)
                for namespace in (0, 3, -21):
                    answer = self.store(way, user, b"any bytes", namespace)
                    self.check_members(answer, swarm, {"hash", "expiry"}, lambda entry: entry["hash"])
                    self.assertFalse(any("already" in entry for entry in answer["swarm"].values()))
                    for node in swarm:
                        got = self.retrieve("http", node, user, namespace)
                        self.assertEqual(set(got), {"messages", "more", "t", "hf"})
                        self.assertEqual([set(message) for message in got["messages"]],
                                         [{"hash", "timestamp", "expiration", "data"}])
                        self.assertEqual(got["messages"][0]["hash"], answer["hash"])
                        self.assertEqual(base64.b64decode(got["messages"][0]["data"]), b"any bytes")
                again = self.store(way, user, b"any bytes")
                self.assertTrue(all(entry["already"] is True for entry in again["swarm"].values()))

    def test_pages(self):
        user = User("pages")
        node = self.served.swarm(user.id)[0]
        hashes = [self.store("http", user, b"%02d" % number)["hash"] for number in range(5)]
        first = self.retrieve("http", node, user, max_count=3)
        self.assertEqual(([m["hash"] for m in first["messages"]], first["more"]), (hashes[:3], True))
        rest = self.retrieve("http", node, user, last_hash=hashes[2], max_size=-2)
        self.assertEqual(([m["hash"] for m in rest["messages"]], rest["more"]), (hashes[3:], False))

    def test_deleting(self):
        for way in WAYS:
            with self.subTest(way):
                user = User("delete " + way)
                swarm = self.served.swarm(user.id)
                hashes = [self.store("http", user, b"%d" % number, number)["hash"] for number in (0, 1, 2)]
                answer = self.good(way, swarm[1], "delete", user.params("delete", hashes[1], messages=[hashes[1]]))
                self.check_members(answer, swarm, {"deleted"}, lambda entry: user.id + hashes[1] + hashes[1])
                params = user.params("delete", hashes[1], messages=[hashes[1]], required=True)
                status, answer = self.ask(way, swarm[1], "delete", params)
                self.assertEqual(status, 404)
                self.check_members(answer, swarm, {"deleted"}, lambda entry: user.id + hashes[1])
                timestamp = now()
                answer = self.good(way, swarm[2], "delete_before",
                                   user.params("delete_before", timestamp, before=timestamp))
                self.check_members(answer, swarm, {"deleted"}, lambda entry: user.id + str(timestamp) + hashes[0])
                answer = self.good(way, swarm[0], "delete_all",
                                   user.params("delete_all", "all", timestamp, timestamp=timestamp, namespace="all"))
                self.check_members(answer, swarm, {"deleted"}, lambda entry: user.id + str(timestamp) + hashes[2])
                self.assertTrue(all(entry["deleted"] == {"2": [hashes[2]]} for entry in answer["swarm"].values()))

    def test_expiring(self):
        for way in WAYS:
            with self.subTest(way):
                user = User("expire " + way)
                swarm = self.served.swarm(user.id)
                hashes = sorted(self.store("http", user, b"%d" % number)["hash"] for number in range(2))
                expiry = now() + 7200000
                answer = self.good(way, swarm[0], "expire",
                                   user.params("expireextend", expiry, *hashes, messages=hashes, expiry=expiry, extend=True))
                self.check_members(answer, swarm, {"updated", "unchanged", "expiry"},
                                   lambda entry: user.id + str(expiry) + "".join(hashes) + "".join(hashes))
                answer = self.good(way, swarm[0], "expire",
                                   user.params("expireextend", expiry, expiry + 5, *hashes, messages=hashes,
                                               expiry=[expiry, expiry + 5], extend=True))
                self.check_members(answer, swarm, {"updated", "unchanged", "expiry"},
                                   lambda entry: f"{user.id}{expiry + 5}{hashes[0]}{hashes[1]}{hashes[1]}{hashes[0]}{expiry}")
                timestamp = now()
                got = self.good(way, swarm[1], "get_expiries",
                                user.params("get_expiries", timestamp, *hashes, timestamp=timestamp, messages=hashes))
                self.assertEqual(got, {"expiries": {hashes[0]: expiry, hashes[1]: expiry + 5}})
                expiry = now() + 60000
                answer = self.good(way, swarm[0], "expire_all", user.params("expire_all", expiry, expiry=expiry))
                self.check_members(answer, swarm, {"updated"}, lambda entry: user.id + str(expiry) + "".join(hashes))

    def test_subaccounts(self):
        for way in WAYS:
            with self.subTest(way):
                user, other = User("owner " + way), User("holder " + way)
                swarm = self.served.swarm(user.id)
                token = bytes([5, 3, 0, 0]) + other.ed25519
                held = {"subaccount": b64(token), "subaccount_sig": b64(user.key.sign(token).signature)}

                def by_token(*signed, **fields):
                    return user.params() | {"signature": other.sign(*signed)} | held | fields

                timestamp = now()
                data = by_token("store", 7, timestamp, timestamp=timestamp, ttl=60000, namespace=7, data="YWJj")
                self.good(way, swarm[0], "store", data)
                status, text = self.ask(way, swarm[0], "delete_all", by_token("delete_all", timestamp, timestamp=timestamp))
                self.assertEqual((status, text), (401, "delete_all signature verification failed"))
                signed = b"revoke_subaccount%d" % timestamp + token
                params = user.params() | {"signature": b64(user.key.sign(signed).signature), "timestamp": timestamp, "revoke": token.hex()}
                answer = self.good(way, swarm[0], "revoke_subaccount", params)
                for key, entry in answer["swarm"].items():
                    VerifyKey(bytes.fromhex(key)).verify(f"{user.id}{timestamp}".encode() + token, base64.b64decode(entry["signature"]))
                for node in swarm:
                    self.assertEqual(self.ask(way, node, "store", data), (401, "store signature verification failed"))
                signed = b"un" + signed
                params = user.params() | {"signature": b64(user.key.sign(signed).signature), "timestamp": timestamp, "unrevoke": [b64(token)]}
                answer = self.good(way, swarm[0], "unrevoke_subaccount", params)
                self.assertEqual([entry["count"] for entry in answer["swarm"].values()], [1] * len(swarm))
                self.good(way, swarm[-1], "store", data)

    def test_what_one_node_knows(self):
        user = User("reader")
        node = self.served.swarm(user.id)[0]
        for way in WAYS:
            with self.subTest(way):
                info = self.good(way, node, "info", {})
                self.assertEqual((info["version"], info["hf"], set(info)), ([2, 8, 0], [19, 4], {"version", "timestamp", "t", "hf"}))
                swarm = self.good(way, node, "get_swarm", {"pubkey": user.id, "params": {"pubkey": user.id}})
                self.assertEqual(set(swarm), {"snodes", "swarm", "t", "hf"})
                self.assertEqual(set(swarm["snodes"][0]), {"address", "ip", "port", "port_https", "port_omq", "port_quic",
                                                           "pubkey_legacy", "pubkey_x25519", "pubkey_ed25519"})
                other = next(state for state in self.states if state["swarm"] != swarm["swarm"])
                status, wrong = self.ask(way, (other["public_ip"], other["storage_port"]), "retrieve", {"pubkey": user.id})
                self.assertEqual((status, wrong["snodes"], wrong["swarm"]), (421, swarm["snodes"], swarm["swarm"]))
                listed = self.good(way, node, "oxend_request", {
                    "endpoint": "get_service_nodes", "params": {"active_only": True, "fields": {"public_ip": True, "storage_port": True}}})
                self.assertEqual([(n["public_ip"], n["storage_port"]) for n in listed["result"]["service_node_states"]],
                                 [(n["public_ip"], n["storage_port"]) for n in self.states])
                self.assertEqual(self.good(way, node, "oxend_request", {"endpoint": "ons_resolve", "params": {}})["result"], {})

    def test_calls_that_hold_calls(self):
        for way in WAYS:
            with self.subTest(way):
                user = User("batch " + way)
                node = self.served.swarm(user.id)[0]
                timestamp = now()
                polls = [{"method": "retrieve", "params": user.params("retrieve", n or "", timestamp, timestamp=timestamp, namespace=n)}
                         for n in (0, 2, 3, 5, 4)]
                answer = self.good(way, node, "batch", {"requests": polls})
                self.assertEqual([result["code"] for result in answer["results"]], [200] * 5)
                bad = {"method": "retrieve", "params": {"pubkey": user.id}}
                answer = self.good(way, node, "sequence", {"requests": [polls[0], bad, polls[1]]})
                self.assertEqual([result["code"] for result in answer["results"]], [200, 401])
                self.assertEqual(answer["results"][1]["body"], "retrieve: request signature required")
                store = {"method": "store", "params": {"pubkey": user.id, "timestamp": timestamp, "ttl": 60000, "data": "YWJj"}}
                answer = self.good(way, node, "ifelse", {"if": {"hf_at_least": [19, 4], "v_at_least": [2, 2], "height_at_least": 1},
                                                         "then": {"method": "sequence", "params": {"requests": [store, polls[0]]}}})
                self.assertEqual((set(answer), answer["condition"]), ({"hf", "v", "height", "condition", "result"}, True))
                results = answer["result"]["body"]["results"]
                self.assertEqual(results[1]["body"]["messages"][0]["hash"], results[0]["body"]["hash"])

    def test_both_dialects_see_what_is_in_namespace_0(self):
        user = User("both")
        node = self.served.swarm(user.id)[1]
        self.store("http", user, b"of today")
        _, answer = self.ask("http", node, "retrieve", {"pubKey": user.id, "lastHash": ""})
        self.assertEqual([set(message) for message in answer["messages"]], [{"hash", "expiration", "data"}])
        self.assertEqual(len(answer["messages"][0]["hash"]), 128)

    def test_refusals(self):
        user = User("refused")
        node = self.served.swarm(user.id)[0]
        for way in WAYS:
            for status, text, method, params in (
                    (400, "invalid request: Required field 'signature' missing", "delete_all", {"pubkey": user.id}),
                    (400, "invalid request: Required field 'expiry' or 'ttl' missing", "store", {"pubkey": user.id, "timestamp": "5"}),
                    (401, "retrieve: request signature required", "retrieve", {"pubkey": user.id, "lastHash": "", "max_size": -1}),
                    (403, "Provided expiry/TTL is not valid.", "store", {"pubkey": user.id, "timestamp": now(), "ttl": 5, "data": ""}),
                    (406, "delete_all timestamp too far from current time", "delete_all", user.params("x", timestamp=now() - 100000)),
                    (401, "delete_all signature verification failed", "delete_all", user.params("x", timestamp=now())),
                    (400, "invalid request: Invalid batch request: no valid \"requests\" field", "batch", {}),
                    (400, "no method fly", "fly", {})):
                with self.subTest(way, text=text):
                    self.assertEqual(self.ask(way, node, method, params), (status, text))
        answer, text = self.served.request("POST", node, "/storage_rpc/v1", '{"method":"info","params":{}}', {"X-Loki-Long-Poll": "true"})
        self.assertEqual((answer.status, text), (410, b"long polling is no longer supported, client upgrade required"))


if __name__ == "__main__":
    main()
