#!/usr/bin/env python3
"""The seed (PROTOCOL 3.11) as clients check it: one entry that breaks a rule would cost them the whole list.

Usage: test_seed.py PATH_OF_SWARMBED
"""
import json
import unittest

from nacl import bindings

from served import Served, main

MEMBERS = {"public_ip": str, "storage_port": int, "storage_lmq_port": int, "pubkey_x25519": str, "pubkey_ed25519": str,
           "service_node_pubkey": str, "requested_unlock_height": int, "swarm": str, "swarm_id": int, "active": bool, "funded": bool,
           "storage_server_version": list}
# What a client of today asks for, and without an id.
CLIENT = {"jsonrpc": "2.0", "method": "get_n_service_nodes", "params": {"active_only": True, "fields": {
    "public_ip": True, "storage_port": True, "pubkey_x25519": True, "pubkey_ed25519": True, "requested_unlock_height": True,
    "height": True}}}


class Seed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)

    def ask(self, question, **kwargs):
        answer, text = self.served.request("POST", ("127.0.0.1", self.served.seed_port), "/json_rpc",
                                           json.dumps(question), **kwargs)
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "application/json"))
        self.assertEqual(answer.getheader("Content-Length"), str(len(text)))
        return json.loads(text)

    def test_what_clients_check(self):
        for headers in ({}, {"User-Agent": "WhatsApp", "Accept-Language": "en-us"},
                        {"Host": "seed1.getsession.org", "Accept-Encoding": "gzip"}):
            for tls in (False, True):
                reply = self.ask(CLIENT, headers=headers, tls=tls)
                self.assertEqual((reply["jsonrpc"], reply["id"]), ("2.0", 0))
                self.assertEqual(reply["result"]["status"], "OK")
                self.assertIsInstance(reply["result"]["height"], int)
                states = reply["result"]["service_node_states"]
                self.assertEqual(len(states), 60)
                for state in states:
                    self.assertIs(type(state["storage_port"]), int)
                    self.assertEqual((type(state["requested_unlock_height"]), state["requested_unlock_height"]), (int, 0))
                    self.assertRegex(state["pubkey_ed25519"], "^[0-9a-f]{64}$")
                    self.assertRegex(state["pubkey_x25519"], "^[0-9a-f]{64}$")
                    self.assertRegex(state["public_ip"], r"^127\.\d+\.\d+\.7$")

    def test_every_member_without_fields(self):
        result = self.ask({"method": "get_service_nodes"})["result"]
        for member in ("height", "target_height", "hardfork", "snode_revision"):
            self.assertIs(type(result[member]), int, member)
        for state in result["service_node_states"]:
            self.assertEqual({name: type(value) for name, value in state.items()}, MEMBERS)
            self.assertEqual(int(state["swarm"], 16), state["swarm_id"])
            self.assertTrue(state["active"] and state["funded"])

    def test_nodes_are_in_order_and_apart(self):
        states = self.served.states()
        keys = [state["pubkey_ed25519"] for state in states]
        self.assertEqual(keys, sorted(set(keys)))
        self.assertEqual(len({state["public_ip"].rsplit(".", 1)[0] for state in states}), 60)
        for state in states:
            converted = bindings.crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(state["pubkey_ed25519"]))
            self.assertEqual(converted.hex(), state["pubkey_x25519"])

    def test_methods_are_two_names_for_one(self):
        self.assertEqual(self.ask({"method": "get_service_nodes", "id": 1}),
                         self.ask({"method": "get_n_service_nodes", "id": 1}))

    def test_the_id_comes_back(self):
        for identity in ("x", 7, "0"):
            self.assertEqual(self.ask({"method": "get_service_nodes", "id": identity})["id"], identity)
            self.assertEqual(self.ask({"method": "fly", "id": identity})["id"], identity)

    def test_limit_and_fields(self):
        def states(**params):
            return self.ask({"method": "get_n_service_nodes", "params": params})["result"]["service_node_states"]

        self.assertEqual([len(states(limit=limit)) for limit in (1, 3, 60, 1000)], [1, 3, 60, 60])
        for fields in (["public_ip", "storage_port"], {"public_ip": True, "storage_port": True},
                       {"public_ip": True, "storage_port": True, "swarm": False}, ["storage_port", "public_ip", "none"]):
            self.assertEqual([sorted(state) for state in states(limit=2, fields=fields)],
                             [["public_ip", "storage_port"]] * 2, fields)

    def test_other_methods_are_unknown(self):
        for method in ("get_block", "get_service_node_status", ""):
            self.assertEqual(self.ask({"method": method}),
                             {"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": "Method not found"}})

    def test_what_is_refused(self):
        for status, verb, path, body in ((400, "POST", "/json_rpc", "{"), (400, "POST", "/json_rpc", ""),
                                         (400, "POST", "/json_rpc", "{}"), (400, "POST", "/json_rpc", "[]"),
                                         (400, "POST", "/json_rpc", '{"method":7}'), (404, "GET", "/json_rpc", None),
                                         (404, "POST", "/", "{}"), (404, "POST", "/storage_rpc/v1", "{}"),
                                         (404, "POST", "/json_rpc?a", "{}"), (400, "DELETE", "/json_rpc", None)):
            answer, text = self.served.request(verb, ("127.0.0.1", self.served.seed_port), path, body)
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (status, "text/plain"), (verb, path, body, text))

    def test_who_is_decommissioned_is_left_out(self):
        before = self.served.nodes()
        address = json.loads(self.served.control("GET", "/control/state")[1])["nodes"][5]["address"]
        ip, port = address.split(":")
        self.assertEqual(self.served.control("POST", "/control/change", {"change": "decommission", "node": 5})[0], 200)
        self.assertEqual(self.served.control("POST", "/control/change", {"change": "block"})[0], 200)
        after = self.served.nodes()
        self.assertEqual(set(before.values()) - set(after.values()), {(ip, int(port))})
        self.assertEqual(self.served.control("POST", "/control/change", {"change": "recommission", "node": 5})[0], 200)
        self.assertEqual(self.served.control("POST", "/control/change", {"change": "block"})[0], 200)
        self.assertEqual(self.served.nodes(), before)


if __name__ == "__main__":
    main()
