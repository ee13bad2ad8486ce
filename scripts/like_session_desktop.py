#!/usr/bin/python3
"""Does what Session desktop does after it starts, against a served network, and checks every answer as that client does.

    build/release/sim/swarmbed serve --lan &
    scripts/like_session_desktop.py                       # or --seed-url http://127.0.0.1:22080/

Its order of events: node list from the seed; guards, each tested by TLS; paths of three nodes, one per /24; everything after that
in onions: the own swarm, a poll of five namespaces by two members, a push of config messages with a delete of what they
replace, a message to oneself, a poll that finds it, an expiry extended with every member's signature verified, the node list
again from three nodes, which must agree; and an onion for the file server, which must not count against the path. Prints a
line per step; ends with 1 at the first that a real client would stumble over. Shares no code with swarmbed; onions are those
of scripts/onion_request.py.
"""
import argparse
import base64
import json
import os
import pathlib
import random
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import onion_request  # noqa: E402

try:
    from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
    from nacl.exceptions import BadSignatureError
    from nacl.signing import SigningKey, VerifyKey
except ImportError:
    sys.exit("scripts/like_session_desktop.py: apt-get install python3-nacl python3-cryptography")

FIELDS = ("public_ip", "storage_port", "pubkey_x25519", "pubkey_ed25519", "requested_unlock_height", "height")
POLLED = (0, 2, 3, 5, 4)
NODES_MIN = 24  # three nodes must agree on so many
SWARM_MIN = 3
TTL_MS = 14 * 86400000


class Stumbled(Exception):
    """A real client would not go on here."""


def check(condition, text):
    if not condition:
        raise Stumbled(text)


def now():
    return int(time.time() * 1000)


def b64(data):
    return base64.b64encode(data).decode()


class Desktop:
    def __init__(self, seed_url):
        self.seed_url = seed_url.rstrip("/")
        self.key = SigningKey(os.urandom(16) + bytes(16))  # 16 random bytes, padded: as the recovery phrase has it
        self.ed25519 = bytes(self.key.verify_key).hex()
        self.id = "05" + crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(self.ed25519)).hex()
        self.nodes, self.paths, self.swarm = [], [], []

    def signed(self, *parts, **fields):
        signature = self.key.sign("".join(map(str, parts)).encode()).signature
        return {"pubkey": self.id, "pubkey_ed25519": self.ed25519, "signature": b64(signature), **fields}

    # ---- in the order of events ----

    def fetch_node_list(self):
        params = {"active_only": True, "fields": dict.fromkeys(FIELDS, True)}
        body = json.dumps({"jsonrpc": "2.0", "method": "get_n_service_nodes", "params": params}).encode()
        request = urllib.request.Request(self.seed_url + "/json_rpc", body, {"User-Agent": "WhatsApp", "Accept-Language": "en-us"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            check(answer.headers["Content-Type"] == "application/json", "the seed's Content-Type is not exactly application/json")
            result = json.loads(answer.read())["result"]
        check(isinstance(result["height"], int), "height is no number")
        for node in result["service_node_states"]:
            for name, kind in (("public_ip", str), ("storage_port", int), ("pubkey_ed25519", str), ("pubkey_x25519", str),
                               ("requested_unlock_height", int)):
                check(isinstance(node.get(name), kind), f"{name} of a node is not of {kind}")
        self.nodes = [node for node in result["service_node_states"] if node["public_ip"] not in ("", "0.0.0.0")]
        check(len(self.nodes) >= NODES_MIN, f"fewer than {NODES_MIN} nodes")
        return f"{len(self.nodes)} nodes at height {result['height']}"

    def choose_guards(self):
        guards = random.sample(self.nodes, 2)
        for guard in guards:
            body = onion_request.rpc("get_swarm", {"pubkey": self.id})
            url = f"https://{guard['public_ip']}:{guard['storage_port']}/storage_rpc/v1"
            status, text = onion_request.http_post(url, body)
            check(status == 200 and json.loads(text)["snodes"], f"a guard's test ended with {status}")
        for guard in guards:
            path = [guard]
            for node in random.sample(self.nodes, len(self.nodes)):
                if len(path) < 3 and all(node["public_ip"].rsplit(".", 1)[0] != hop["public_ip"].rsplit(".", 1)[0] for hop in path):
                    path.append(node)
            check(len(path) == 3, "not enough subnets for a path")
            self.paths.append(path)
        return "two guards by TLS, two paths"

    def onion(self, target, method, params):
        path = next(path for path in self.paths if target not in path) if any(target not in path for path in self.paths) else \
            random.sample([node for node in self.nodes if node is not target], 3)
        body = onion_request.rpc(method, params)
        headers = {"Content-Type": "application/json"}
        status, text = onion_request.send_onion([*path, target], ("aes-gcm",) * 4, body, "https", headers)
        check(status == 200, f"{method}: {status} {text}")
        check(isinstance(text, str), f"{method}: the answer's body is no text")
        return json.loads(text)

    def batch(self, target, parts, method="batch"):
        answer = self.onion(target, method, {"requests": [{"method": name, "params": params} for name, params in parts]})
        for (name, _), result in zip(parts, answer["results"], strict=True):
            check(result["code"] == 200, f"{name}: {result['code']} {result['body']}")
        return [result["body"] for result in answer["results"]]

    def find_swarm(self):
        params = {"pubkey": self.id, "params": {"pubkey": self.id}}  # the stray inner object is the client's own
        body, = self.batch(random.choice(self.nodes), [("get_swarm", params)])
        by_key = {node["pubkey_ed25519"]: node for node in self.nodes}
        self.swarm = [by_key[node["pubkey_ed25519"]] for node in body["snodes"] if node["pubkey_ed25519"] in by_key]
        check(len(self.swarm) >= SWARM_MIN, f"fewer than {SWARM_MIN} members are in the node list")
        check(abs(body["t"] - now()) < 60000, "the network's time is far from this machine's")
        return f"{len(self.swarm)} members"

    def poll(self):
        """The messages of namespace 0, by two members."""
        found = []
        for member in random.sample(self.swarm, 2):
            timestamp = now()
            parts = [("retrieve", self.signed("retrieve", namespace or "", timestamp, namespace=namespace, timestamp=timestamp,
                                              last_hash="", max_size=-8)) for namespace in POLLED]
            bodies = self.batch(member, parts)
            for body in bodies:
                check({"messages", "more", "t", "hf"} <= set(body), "a retrieve's answer lacks a field")
            found.append(bodies[0]["messages"])
        return found

    def poll_nothing(self):
        check(self.poll() == [[], []], "a new account has messages")
        return "five namespaces at two members: nothing"

    def push_configs(self):
        timestamp, parts = now(), []
        for namespace in POLLED[1:]:
            parts.append(("store", self.signed("store", namespace, timestamp, namespace=namespace, timestamp=timestamp, ttl=TTL_MS,
                                               data=b64(os.urandom(300)))))
        bodies = self.batch(self.swarm[0], parts, "sequence")
        old = [bodies[0]["hash"]]
        body, = self.batch(self.swarm[0], [("delete", self.signed("delete", *old, messages=old))], "sequence")
        self.verify(body, lambda entry: self.id + old[0] + "".join(entry["deleted"]))
        return "four stored, one deleted again"

    def send_to_self(self):
        params = {"pubkey": self.id, "timestamp": now(), "namespace": 0, "ttl": TTL_MS, "data": b64(b"hello")}
        body, = self.batch(random.choice(self.swarm), [("store", params)])
        self.sent = body["hash"]
        for messages in self.poll():
            check([message["hash"] for message in messages] == [self.sent], "a member does not have what was stored")
            check(base64.b64decode(messages[0]["data"]) == b"hello", "what was stored came back changed")
        return "stored unsigned, found at two members"

    def verify(self, body, text):
        for key, entry in body["swarm"].items():
            check("failed" not in entry, f"a member failed: {entry}")
            try:
                VerifyKey(bytes.fromhex(key)).verify(text(entry).encode(), base64.b64decode(entry["signature"]))
            except BadSignatureError:
                raise Stumbled("a member's signature does not verify") from None
        check(len(body["swarm"]) == len(self.swarm), "a member is missing in the answer")

    def extend(self):
        expiry = now() + TTL_MS + 1000
        params = self.signed("expireextend", expiry, self.sent, messages=[self.sent], expiry=expiry, extend=True)
        body, = self.batch(self.swarm[-1], [("expire", params)])
        self.verify(body, lambda entry: f"{self.id}{entry['expiry']}{self.sent}{''.join(entry['updated'])}" +
                    "".join(name + str(entry["unchanged"][name]) for name in sorted(entry["unchanged"])))
        return f"{len(body['swarm'])} signatures verified"

    def ask_for_nodes_again(self):
        params = {"endpoint": "get_service_nodes", "params": {"active_only": True, "fields": dict.fromkeys(FIELDS, True)}}
        lists = []
        for node in random.sample(self.nodes, 3):
            body, = self.batch(node, [("oxend_request", params)])
            lists.append({(node["public_ip"], node["storage_port"]) for node in body["result"]["service_node_states"]})
        common = set.intersection(*lists)
        check(len(common) >= NODES_MIN, f"three nodes agree on {len(common)} nodes only")
        return f"three nodes agree on {len(common)}"

    def ask_a_file_server(self):
        guard, middle, last = self.paths[0]
        layers = [onion_request.Layer(node, "aes-gcm") for node in (guard, middle, last)]
        onion = layers[2].seal(onion_request.combine(os.urandom(200), {
            "host": "filev2.getsession.org", "target": "/oxen/v4/lsrpc", "method": "POST", "protocol": "http", "port": 80,
            "ephemeral_key": os.urandom(32).hex()}))
        onion = layers[1].seal(onion_request.combine(onion, {"destination": last["pubkey_ed25519"], **layers[2].names()}))
        onion = layers[0].seal(onion_request.combine(onion, {"destination": middle["pubkey_ed25519"], **layers[1].names()}))
        url = f"https://{guard['public_ip']}:{guard['storage_port']}/onion_req/v2"
        status, _ = onion_request.http_post(url, onion_request.combine(onion, layers[0].names()))
        check(status == 200, f"{status}: three of these, and the client drops its guard")
        return "200: one request fails, the path is kept"


STEPS = (("node list", Desktop.fetch_node_list), ("guards", Desktop.choose_guards), ("own swarm", Desktop.find_swarm),
         ("first poll", Desktop.poll_nothing), ("config push", Desktop.push_configs), ("message", Desktop.send_to_self),
         ("expire", Desktop.extend), ("node list again", Desktop.ask_for_nodes_again), ("file server", Desktop.ask_a_file_server))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed-url", default="http://127.0.0.1:22080/")
    desktop = Desktop(parser.parse_args().seed_url)
    for name, step in STEPS:
        try:
            print(f"{name:16} {step(desktop)}")
        except (Stumbled, OSError, KeyError, TypeError, ValueError) as error:
            print(f"{name:16} a real client stumbles here: {type(error).__name__}: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
