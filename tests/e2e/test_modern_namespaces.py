#!/usr/bin/env python3
"""Namespaces, expiries and revocations of today's dialect, as every member of a swarm sees them afterwards.

Written from the protocol's text alone (PROTOCOL 10.5 to 10.13), over HTTP and HTTPS in turn.

Usage: test_modern_namespaces.py PATH_OF_SWARMBED
"""
import base64
import hashlib
import itertools
import json
import time
import unittest

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
from nacl.signing import SigningKey, VerifyKey

from served import Served, main

DAY_MS = 86400000


def now():
    return int(time.time() * 1000)


class User:
    def __init__(self, name):
        self.key = SigningKey(hashlib.sha256(name.encode()).digest())
        self.ed25519 = bytes(self.key.verify_key)
        self.id = "05" + crypto_sign_ed25519_pk_to_curve25519(self.ed25519).hex()

    def signed(self, *parts, **fields):
        text = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
        return {"pubkey": self.id, "pubkey_ed25519": self.ed25519.hex(),
                "signature": base64.b64encode(self.key.sign(text).signature).decode(), **fields}


class Namespaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)
        cls.tls = itertools.cycle((False, True))

    def good(self, node, method, params):
        status, text = self.served.rpc(node, method, params, tls=next(self.tls))
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def store(self, user, node, data, namespace=0, ttl=DAY_MS, sign=True):
        timestamp = now()
        fields = {"timestamp": timestamp, "ttl": ttl, "namespace": namespace, "data": base64.b64encode(data).decode()}
        params = user.signed("store", namespace or "", timestamp, **fields) if sign else {"pubkey": user.id, **fields}
        return self.good(node, "store", params)

    def read(self, user, node, namespace=0, sign=True):
        """The data that this member gives."""
        timestamp = now()
        params = user.signed("retrieve", namespace or "", timestamp, timestamp=timestamp, namespace=namespace) if sign else \
            {"pubkey": user.id, "namespace": namespace}
        return [base64.b64decode(message["data"]) for message in self.good(node, "retrieve", params)["messages"]]

    def expiries(self, user, node, hashes):
        timestamp = now()
        answer = self.good(node, "get_expiries",
                           user.signed("get_expiries", timestamp, *hashes, timestamp=timestamp, messages=hashes))
        self.assertEqual(set(answer), {"expiries"})
        return answer["expiries"]

    def check_signatures(self, answer, text):
        for key, entry in answer["swarm"].items():
            VerifyKey(bytes.fromhex(key)).verify(text(entry), base64.b64decode(entry["signature"]))

    def test_an_outbox_holds_one_message_that_anybody_reads(self):
        user = User("outbox")
        swarm = self.served.swarm(user.id)
        for namespace in (-1, -21):
            self.store(user, swarm[0], b"old", namespace)
            first = self.store(user, swarm[1], b"new", namespace, ttl=DAY_MS)["hash"]
            for node in swarm:
                self.assertEqual(self.read(user, node, namespace, sign=False), [b"new"])
            later = self.store(user, swarm[2], b"new", namespace, ttl=2 * DAY_MS)
            self.assertTrue(all(entry["already"] for entry in later["swarm"].values()))
            self.assertEqual(later["hash"], first)
            for node in swarm:
                self.assertEqual(self.read(user, node, namespace, sign=False), [b"new"])
                self.assertGreater(self.expiries(user, node, [first])[first], now() + DAY_MS * 3 // 2)

    def test_old_groups_need_no_signature_and_other_namespaces_keep_apart(self):
        user = User("old group")
        swarm = self.served.swarm(user.id)
        names = {}
        for namespace in (-10, 0, 10, 2, -11, 32767, -32768):
            names[namespace] = self.store(user, swarm[0], b"same", namespace, sign=namespace % 10 != 0)["hash"]
        self.assertEqual(len(set(names.values())), len(names))
        for node in swarm:
            self.assertEqual(self.read(user, node, -10, sign=False), [b"same"])
            for namespace in names:
                self.assertEqual(self.read(user, node, namespace), [b"same"])

    def test_expiries_go_where_they_may(self):
        user = User("expiries")
        swarm = self.served.swarm(user.id)
        early, late = sorted(self.store(user, swarm[0], data)["hash"] for data in (b"1", b"2"))
        hashes, base = [early, late], now()

        def expire(kind, *expiries):
            params = user.signed("expire" + kind, *expiries, *hashes, messages=hashes, expiry=list(expiries))
            return self.good(swarm[1], "expire", {**params, kind: True} if kind else params)

        answer = expire("", base + 40000000, base + 50000000)
        for entry in answer["swarm"].values():
            self.assertEqual((entry["updated"], entry["expiry"]), (hashes, [base + 40000000, base + 50000000]))
            self.assertNotIn("unchanged", entry)
        answer = expire("shorten", base + 45000000)
        for entry in answer["swarm"].values():
            self.assertEqual((entry["updated"], entry["unchanged"], entry["expiry"]),
                             ([late], {early: base + 40000000}, base + 45000000))
        self.check_signatures(answer, lambda entry: f"{user.id}{base + 45000000}{early}{late}{late}{early}{base + 40000000}".encode())
        answer = expire("extend", base + 42000000)
        for entry in answer["swarm"].values():
            self.assertEqual((entry["updated"], entry["unchanged"]), ([early], {late: base + 45000000}))
        answer = expire("", base + 100 * DAY_MS)
        for entry in answer["swarm"].values():
            self.assertLess(abs(entry["expiry"] - now() - 30 * DAY_MS), 60000)  # as far as it reaches
        params = user.signed("expire", base + 60000, "A" * 43, messages=["A" * 43], expiry=base + 60000)
        for entry in self.good(swarm[0], "expire", params)["swarm"].values():
            self.assertEqual((entry["updated"], entry["expiry"]), ([], base + 60000))

    def test_delete_before_takes_what_is_not_later(self):
        user = User("before")
        swarm = self.served.swarm(user.id)
        self.store(user, swarm[0], b"first")
        before = now()
        while now() == before:  # the next message is of another millisecond
            pass
        self.store(user, swarm[0], b"second")
        answer = self.good(swarm[1], "delete_before", user.signed("delete_before", before, before=before))
        self.assertTrue(all(len(entry["deleted"]) == 1 for entry in answer["swarm"].values()))
        for node in swarm:
            self.assertEqual(self.read(user, node), [b"second"])

    def test_the_newest_fifty_revocations_count(self):
        user, holder = User("revoker"), User("holder")
        swarm = self.served.swarm(user.id)
        tokens = [bytes([5, 3, 0, number]) + holder.ed25519 for number in range(60)]
        for start in (0, 30):
            timestamp, part = now(), tokens[start:start + 30]
            answer = self.good(swarm[0], "revoke_subaccount",
                               user.signed("revoke_subaccount", timestamp, *part, timestamp=timestamp, revoke=[t.hex() for t in part]))
            self.check_signatures(answer, lambda entry, t=timestamp, p=part: f"{user.id}{t}".encode() + b"".join(p))
        timestamp = now()
        for node in swarm:
            for token, status in ((tokens[9], 200), (tokens[10], 401), (tokens[59], 401)):
                params = holder.signed("retrieve", timestamp, timestamp=timestamp) | {
                    "pubkey": user.id, "pubkey_ed25519": user.ed25519.hex(), "subaccount": token.hex(),
                    "subaccount_sig": base64.b64encode(user.key.sign(token).signature).decode()}
                self.assertEqual(self.served.rpc(node, "retrieve", params)[0], status)
        part = tokens[:20]
        answer = self.good(swarm[0], "unrevoke_subaccount",
                           user.signed("unrevoke_subaccount", timestamp, *part, timestamp=timestamp, unrevoke=[t.hex() for t in part]))
        self.assertEqual([entry["count"] for entry in answer["swarm"].values()], [10] * len(swarm))

    def test_conditions(self):
        node = sorted(self.served.nodes().values())[0]
        info = {"method": "info", "params": {}}
        for condition, holds in (({"hf_at_least": [19, 4]}, True), ({"hf_at_least": 19}, True), ({"hf_before": [19]}, False),
                                 ({"hf_before": [20]}, True), ({"v_at_least": [2, 8, 0]}, True), ({"v_before": [2, 8]}, False),
                                 ({"height_at_least": 1000000000}, False), ({"height_before": 1000000000}, True),
                                 ({"hf_at_least": [19, 4], "v_before": [2]}, False)):
            with self.subTest(condition=condition):
                answer = self.good(node, "ifelse", {"if": condition, "then": info})
                self.assertEqual(set(answer), {"hf", "v", "height", "condition"} | ({"result"} if holds else set()))
                self.assertEqual(answer["condition"], holds)
                answer = self.good(node, "ifelse", {"if": condition, "then": info, "else": {"method": "get_swarm", "params": {
                    "pubkey": User("x").id}}})
                self.assertEqual("snodes" in answer["result"]["body"], not holds)


if __name__ == "__main__":
    main()
