#!/usr/bin/env python3
"""Every refusal of today's dialect, word for word, by HTTP, by HTTPS and through onions.

Written from the protocol's text alone (PROTOCOL 10.2 to 10.13): a client that was told the rules, and breaks them one by one.

Usage: test_modern_refusals.py PATH_OF_SWARMBED
"""
import base64
import hashlib
import json
import random
import time

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
from nacl.signing import SigningKey

import unittest

from served import Served, main, onions

WAYS = ("http", "https", "onion")
DAY_MS = 86400000
HASH = "A" * 43
SIGNATURE = base64.b64encode(b"\1" * 64).decode()
INVALID = "invalid request: "
READ, WRITE, DELETE = 1, 2, 4
OWNER = SigningKey(hashlib.sha256(b"owner").digest())
OWNER_ED25519 = bytes(OWNER.verify_key)
ID = "05" + crypto_sign_ed25519_pk_to_curve25519(OWNER_ED25519).hex()
GROUP = "03" + OWNER_ED25519.hex()
HELPER = SigningKey(hashlib.sha256(b"helper").digest())


def now():
    return int(time.time() * 1000)


def b64(data):
    return base64.b64encode(data).decode()


def signed(key, *parts):
    text = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    return b64(key.sign(text).signature)


def token(rights, prefix=5):
    return bytes([prefix, rights, 0, 0]) + bytes(HELPER.verify_key)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan", "--dialect", "modern")
        cls.addClassCleanup(cls.served.kill)
        cls.states = cls.served.states()
        cls.by_address = {(state["public_ip"], state["storage_port"]): state for state in cls.states}

    def swarm(self, account):
        _, text = self.served.rpc(sorted(self.by_address)[0], "get_swarm", {"pubkey": account})
        return [(node["ip"], node["port_https"]) for node in json.loads(text)["snodes"]]

    def raw(self, way, node, body):
        if way == "onion":
            target = self.by_address[node]
            path = random.sample([state for state in self.states if state is not target], 3) + [target]
            return onions.send_onion(path, ("xchacha20", "aes-gcm", "xchacha20", "aes-gcm"), body, "https", {})
        answer, text = self.served.request("POST", node, "/storage_rpc/v1", body, tls=way == "https")
        return answer.status, text.decode()

    def ask(self, way, node, method, params):
        status, text = self.raw(way, node, json.dumps({"method": method, "params": params}).encode())
        return status, json.loads(text) if text.startswith("{") else text

    def each(self, method, *rows, account=ID):
        """Rows of (status, text, params): every one refused so, in every way."""
        node = self.swarm(account)[0]
        for status, text, params in rows:
            for way in WAYS:
                with self.subTest(method=method, text=text, way=way):
                    self.assertEqual(self.ask(way, node, method, params), (status, text))

    def each_complaint(self, method, *rows):
        self.each(method, *((400, INVALID + text, params) for text, params in rows))

    def test_before_a_method(self):
        node = sorted(self.by_address)[0]
        for body, text in ((b"", "invalid json"), (b"{", "invalid json"), (b"[]", "invalid json: no `method` field"),
                           (b'{"params":{}}', "invalid json: no `method` field"),
                           (b'{"method":"info"}', "invalid json: no `params` field"),
                           (b'{"method":"info","params":[]}', "invalid json: no `params` field"),
                           (b'{"method":"fly","params":{}}', "no method fly"),
                           (b'{"method":"listen2","params":{}}', "no method listen2")):
            for way in WAYS:
                with self.subTest(body=body, way=way):
                    self.assertEqual(self.raw(way, node, body), (400, text))

    def test_transport(self):
        node = sorted(self.by_address)[0]
        for tls in (False, True):
            answer, text = self.served.request("POST", node, "/nowhere", "{}", tls=tls)
            self.assertEqual((answer.status, text), (404, b"post /nowhere Not Found"))
            answer, text = self.served.request("GET", node, "/storage_rpc/v1", tls=tls)
            self.assertEqual((answer.status, text), (404, b"get /storage_rpc/v1 Not Found"))
            answer, text = self.served.request("POST", node, "/storage_rpc/v1", '{"method":"info","params":{}}',
                                               {"X-Loki-Long-Poll": "true"}, tls=tls)
            self.assertEqual((answer.status, text), (410, b"long polling is no longer supported, client upgrade required"))
            answer, text = self.served.request("GET", node, "/get_stats/v1", tls=tls)
            self.assertEqual((answer.status, answer.getheader("Content-Type"), json.loads(text)),
                             (200, "application/json", {"version": "2.8.0"}))
            answer, text = self.served.request("POST", node, "/ping_test/v1", "", tls=tls)
            self.assertEqual((answer.status, text), (200, b""))
            self.assertEqual(base64.b64decode(answer.getheader("X-Oxen-Snode-Pubkey")).hex(),
                             self.by_address[node]["service_node_pubkey"])

    def test_types(self):
        t = now()
        self.each_complaint(
            "retrieve",
            ("Invalid value given for 'pubkey': expected string", {"pubkey": 5}),
            ("Cannot specify both 'pubkey' and 'pubKey'", {"pubkey": ID, "pubKey": ID}),
            ("Required field 'pubkey' missing", {}),
            ("Required field 'pubkey' missing", {"pubkey": None}),
            ("Invalid value given for 'namespace': value out of range", {"pubkey": ID, "namespace": 32768}),
            ("Invalid value given for 'namespace': value out of range", {"pubkey": ID, "namespace": -32769}),
            ("Invalid value given for 'namespace': expected 16-bit integer", {"pubkey": ID, "namespace": "all"}),
            ("Invalid value given for 'max_count': expected integer", {"pubkey": ID, "max_count": "5"}),
            ("Cannot specify both 'last_hash' and 'lastHash'", {"pubkey": ID, "last_hash": HASH, "lastHash": HASH}),
            ("Invalid value given for 'timestamp': expected integer timestamp (in milliseconds)",
             {"pubkey": ID, "timestamp": "x"}),
            ("Invalid timestamp for 'timestamp': timestamp must be in milliseconds", {"pubkey": ID, "timestamp": t // 1000000}),
            ("Pubkey must be 66 hex digits (33 bytes) long", {"pubkey": ID[2:]}),
            ("pubkey_ed25519 is only permitted for 05[...] pubkeys",
             {"pubkey": GROUP, "pubkey_ed25519": OWNER_ED25519.hex(), "signature": SIGNATURE, "timestamp": t}),
            ("invalid pubkey_ed25519: value is not hex",
             {"pubkey": ID, "pubkey_ed25519": "z" * 64, "signature": SIGNATURE, "timestamp": t}),
            ("Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey",
             {"pubkey": ID, "pubkey_ed25519": "ab", "signature": SIGNATURE, "timestamp": t}),
            ("invalid signature: expected base64 encoded Ed25519 signature",
             {"pubkey": ID, "signature": "short", "timestamp": t}),
            ("invalid subaccount: subaccount_sig is required when using subaccount",
             {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "subaccount": b64(token(READ))}),
            ("invalid subaccount: expected base64 or hex-encoded subaccount token",
             {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "subaccount": "ab", "subaccount_sig": SIGNATURE}),
            ("invalid subaccount signature: expected base64 encoded Ed25519 signature",
             {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "subaccount": b64(token(READ)), "subaccount_sig": "ab"}),
            ("Required field 'signature' missing", {"pubkey": ID, "timestamp": t}),
            ("Required field 'signature' missing", {"pubkey": ID, "namespace": 0}),
            ("Required field 'timestamp' missing", {"pubkey": ID, "signature": SIGNATURE}),
            ("Invalid last_hash: expected base64 (43 chars)", {"pubkey": ID, "namespace": -10, "last_hash": "ab"}),
            ("Invalid last_hash: not base64", {"pubkey": ID, "namespace": -10, "last_hash": "!" * 43}))
        self.each_complaint("get_swarm", ("Pubkey must be 66 hex digits/33 bytes long", {"pubkey": "05"}))
        self.each_complaint(
            "delete_all",
            ("Invalid value given for 'namespace': expected integer or \"all\"", {"pubkey": ID, "namespace": "some"}),
            ("Required field 'timestamp' missing", {"pubkey": ID, "signature": SIGNATURE}))
        self.each_complaint(
            "delete",
            ("Invalid value given for 'messages': expected string array", {"pubkey": ID, "messages": 5}),
            ("Invalid value given for 'required': expected boolean", {"pubkey": ID, "required": 5}),
            ("Required field 'messages' missing", {"pubkey": ID, "signature": SIGNATURE}),
            ("messages does not contain any message hashes", {"pubkey": ID, "signature": SIGNATURE, "messages": []}),
            ("invalid message hash: short", {"pubkey": ID, "signature": SIGNATURE, "messages": ["short"]}))

    def test_store(self):
        t = now()
        good = {"pubkey": ID, "timestamp": t, "ttl": 60000, "data": "YWJj"}
        self.each_complaint(
            "store",
            ("Required field 'timestamp' missing", {"pubkey": ID}),
            ("Required field 'expiry' or 'ttl' missing", {"pubkey": ID, "timestamp": t}),
            ("Cannot specify both 'expiry' and 'ttl'", good | {"expiry": t + 60000}),
            ("Required field 'data' missing", {**good, "data": None}),
            ("Invalid 'data' value: not base64 encoded", good | {"data": "!!!!"}),
            ("Message body exceeds maximum allowed length of 76800 bytes", good | {"data": b64(bytes(76801))}))
        self.each(
            "store",
            (403, "Provided expiry/TTL is not valid.", good | {"ttl": 9999}),
            (403, "Provided expiry/TTL is not valid.", good | {"ttl": 14 * DAY_MS + 1}),
            (406, "Timestamp error: check your clock", good | {"timestamp": t + 120000}),
            (406, "Timestamp error: check your clock", good | {"timestamp": t - 120000}),
            (401, "store: signature required to store to namespace 5", good | {"namespace": 5}),
            (401, "store: signature required to store to namespace -1", good | {"namespace": -1}),
            (406, "store signature timestamp too far from current time",
             good | {"namespace": 5, "signature": SIGNATURE, "sig_timestamp": t - 120000, "ttl": DAY_MS}),
            (401, "store signature verification failed", good | {"namespace": 5, "signature": SIGNATURE}))
        with self.subTest("the longest times to live are taken"):
            node = self.swarm(ID)[0]
            self.assertEqual(self.ask("http", node, "store", good | {"ttl": str(14 * DAY_MS)})[0], 200)
            private = good | {"namespace": 5, "ttl": 30 * DAY_MS, "pubkey_ed25519": OWNER_ED25519.hex(),
                              "signature": signed(OWNER, "store", 5, t)}
            self.assertEqual(self.ask("http", node, "store", private)[0], 200)

    def test_expire(self):
        t = now()
        good = {"pubkey": ID, "signature": SIGNATURE, "messages": [HASH], "expiry": t + 60000}
        self.each_complaint(
            "expire",
            ("Invalid value given for 'expiry': expected timestamp array", good | {"expiry": "x"}),
            ("cannot specify both 'shorten' and 'extend'", good | {"shorten": True, "extend": True}),
            ("'expiry' must be a single expiry, or the same length as 'messages'", good | {"expiry": [t, t]}),
            ("'expiry' does not contain any expiration timestamps", good | {"expiry": []}),
            ("messages does not contain any message hashes", good | {"messages": []}))
        self.each("expire",
                  (401, "expire: timestamp should be >= current time", good | {"expiry": t - 120000}),
                  (401, "expire: signature verification failed", good))
        self.each("expire_all",
                  (406, "expire_all timestamp should be >= current time",
                   {"pubkey": ID, "signature": SIGNATURE, "expiry": t - 120000}),
                  (401, "expire_all signature verification failed",
                   {"pubkey": ID, "signature": SIGNATURE, "expiry": t + 60000}))
        self.each("delete_before",
                  (401, "delete_before timestamp too far in the future",
                   {"pubkey": ID, "signature": SIGNATURE, "before": t + 120000}),
                  (401, "delete_before signature verification failed",
                   {"pubkey": ID, "signature": SIGNATURE, "before": t}))
        self.each("get_expiries",
                  (406, "get_expiries timestamp too far from current time",
                   {"pubkey": ID, "signature": SIGNATURE, "messages": [HASH], "timestamp": t - 120000}),
                  (401, "get_expiries signature verification failed",
                   {"pubkey": ID, "signature": SIGNATURE, "messages": [HASH], "timestamp": t}))

    def test_signatures(self):
        t = now()
        other = SigningKey(hashlib.sha256(b"other").digest())
        self.each(
            "retrieve",
            (401, "retrieve: request signature required", {"pubkey": ID}),
            (401, "retrieve signature verification failed", {"pubkey": ID, "signature": SIGNATURE, "timestamp": t}),
            # the right signature, but of an account that the given key does not make
            (401, "retrieve signature verification failed",
             {"pubkey": ID, "pubkey_ed25519": bytes(other.verify_key).hex(), "timestamp": t,
              "signature": signed(other, "retrieve", t)}),
            # another namespace than was signed
            (401, "retrieve signature verification failed",
             {"pubkey": ID, "pubkey_ed25519": OWNER_ED25519.hex(), "timestamp": t, "namespace": 3,
              "signature": signed(OWNER, "retrieve", 2, t)}),
            (406, "retrieve timestamp too far from current time",
             {"pubkey": ID, "pubkey_ed25519": OWNER_ED25519.hex(), "timestamp": t - 120000,
              "signature": signed(OWNER, "retrieve", t - 120000)}))
        self.each("delete", (401, "delete_msgs signature verification failed",
                             {"pubkey": ID, "signature": SIGNATURE, "messages": [HASH]}))
        self.each("delete_all",
                  (406, "delete_all timestamp too far from current time",
                   {"pubkey": ID, "signature": SIGNATURE, "timestamp": t + 120000}),
                  (401, "delete_all signature verification failed", {"pubkey": ID, "signature": SIGNATURE, "timestamp": t}))

    def test_subaccounts(self):
        t = now()

        def held(rights, *signed_text, prefix=5, **fields):
            made = token(rights, prefix)
            return {"pubkey": ID, "pubkey_ed25519": OWNER_ED25519.hex(), "signature": signed(HELPER, *signed_text),
                    "subaccount": b64(made), "subaccount_sig": signed(OWNER, made), **fields}

        def read(rights, **fields):
            return held(rights, "retrieve", t, timestamp=t, **fields)

        node = self.swarm(ID)[0]
        self.assertEqual(self.ask("http", node, "retrieve", read(READ))[0], 200)
        refused = (401, "retrieve signature verification failed")
        self.each("retrieve", (*refused, read(WRITE)), (*refused, read(READ, prefix=3)),
                  (*refused, read(READ) | {"subaccount_sig": SIGNATURE}))
        self.assertEqual(self.ask("http", node, "retrieve", read(READ | 8, prefix=3))[0], 200)
        expiry = t + 60000
        self.each("expire", (400, "expire: shorten parameter cannot be used with this subaccount token (missing delete access)",
                             held(WRITE, "expireshorten", expiry, HASH, messages=[HASH], expiry=expiry, shorten=True)),
                  (401, "expire: signature verification failed",
                   held(READ, "expire", expiry, HASH, messages=[HASH], expiry=expiry)))
        self.each_complaint(
            "revoke_subaccount",
            ("invalid revoke: expected base64 or hex-encoded subaccount tag",
             {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "revoke": "ab"}),
            ("invalid revoke: cannot revoke more than 50 subaccounts at once",
             {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "revoke": [token(READ).hex()] * 51}))
        self.each_complaint("unrevoke_subaccount", ("invalid unrevoke: expected base64 or hex-encoded subaccount tag",
                                                    {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "unrevoke": "ab"}))
        for name in ("revoke_subaccount", "unrevoke_subaccount"):
            fields = {"pubkey": ID, "signature": SIGNATURE, name[:-len("_subaccount")]: token(READ).hex()}
            self.each(name, (401, name + " signature verification failed", fields | {"timestamp": t}),
                      (406, name + " timestamp too far from current time", fields | {"timestamp": t - 120000}))
        gone = token(READ | WRITE)
        revoked = {"pubkey": ID, "pubkey_ed25519": OWNER_ED25519.hex(), "timestamp": t, "revoke": b64(gone),
                   "signature": signed(OWNER, "revoke_subaccount", t, gone)}
        self.assertEqual(self.ask("http", node, "revoke_subaccount", revoked)[0], 200)
        self.each("retrieve", (*refused, read(READ | WRITE)))
        with self.subTest("where it learns of its end, a revoked one still reads"):
            params = held(READ | WRITE, "retrieve", -11, t, timestamp=t, namespace=-11)
            self.assertEqual(self.ask("http", node, "retrieve", params)[0], 200)

    def test_calls_that_hold_calls(self):
        info = {"method": "info", "params": {}}
        self.each_complaint(
            "batch",
            ('Invalid batch request: no valid "requests" field', {}),
            ('Invalid batch request: no valid "requests" field', {"requests": []}),
            ("Invalid batch request: subrequest limit exceeded", {"requests": [info] * 21}),
            ("Invalid batch request: requests must be objects", {"requests": [5]}),
            ("Invalid batch request: subrequests must have method/params keys", {"requests": [{"method": "info"}]}),
            ('Invalid batch subrequest: invalid method "fly"', {"requests": [{"method": "fly", "params": {}}]}),
            ("Invalid batch subrequest: subrequests may not contain meta-requests",
             {"requests": [{"method": "batch", "params": {"requests": [info]}}]}),
            ("Required field 'pubkey' missing", {"requests": [info, {"method": "retrieve", "params": {}}]}))
        start = "Invalid ifelse request"
        self.each_complaint(
            "ifelse",
            (start + ': no valid "if" field', {"then": info}),
            (start + ': must specify at least one "if" condition', {"if": {}, "then": info}),
            (start + ": then must be an object", {"if": {"hf_at_least": [19]}, "then": 5}),
            (start + ": then must have method/params keys", {"if": {"hf_at_least": [19]}, "then": {}}),
            (start + ' method "else"', {"if": {"hf_at_least": [19]}, "else": {"method": "fly", "params": {}}}),
            (start + ': at least one of "then"/"else" required', {"if": {"hf_at_least": [19]}}))
        self.each_complaint("oxend_request", ("Invalid oxend endpoint 'get_info'", {"endpoint": "get_info", "params": {}}))

    def test_the_wrong_swarm(self):
        t = now()
        right = set(self.swarm(ID))
        wrong = sorted(set(self.by_address) - right)[0]
        common = {"pubkey": ID, "signature": SIGNATURE, "timestamp": t, "messages": [HASH], "expiry": t + 60000, "before": t,
                  "data": "YWJj", "revoke": token(READ).hex(), "unrevoke": token(READ).hex()}
        for method in ("store", "retrieve", "delete", "delete_all", "delete_before", "expire", "expire_all", "get_expiries",
                       "revoke_subaccount", "unrevoke_subaccount"):
            for way in WAYS:
                with self.subTest(method=method, way=way):
                    status, body = self.ask(way, wrong, method, common)
                    self.assertEqual((status, set(body)), (421, {"snodes", "swarm", "t", "hf"}))
                    self.assertEqual({(node["ip"], node["port_https"]) for node in body["snodes"]}, right)


if __name__ == "__main__":
    main()
