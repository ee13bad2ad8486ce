"""What scripts that load a served network share: a running `swarmbed serve`, and an account in either dialect.

Independent of swarmbed's own code, but for the program that is run.
"""
import base64
import hashlib
import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time


def free_ports(count):
    """Ports below those that the system gives to callers."""
    ports = set()
    while len(ports) < count:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
        ports.add(port)
    return sorted(ports)


def post(address, path, body, connection=None):
    """(status, body); over a connection of its own unless one is given."""
    made = connection or http.client.HTTPConnection(*address)
    try:
        made.request("POST", path, json.dumps(body))
        answer = made.getresponse()
        return answer.status, answer.read()
    finally:
        if connection is None:
            made.close()


def rpc(address, method, params, connection=None):
    return post(address, "/storage_rpc/v1", {"jsonrpc": "2.0", "id": "0", "method": method, "params": params}, connection)


def now_ms():
    return time.time_ns() // 1000000


class Network:
    """`swarmbed serve` with the same nodes' port, and with one folder if that is given, started as often as wanted."""

    def __init__(self, program, folder=None):
        self.program = program
        self.folder = folder
        self.node_port, self.seed_port, self.control_port = free_ports(3)
        self.process = None
        self.said = []
        self.reader = None

    def start(self, *options):
        """Where another program took a port meanwhile, the seed and the control interface get others."""
        for _ in range(5):
            self.launch(options)
            if any(line.startswith("ready:") for line in self.said):
                return
            self.process.wait()
            if not any("address already in use" in line for line in self.said):
                break
            self.seed_port, self.control_port = free_ports(2)
        sys.exit("it did not start: " + "".join(self.said))

    def launch(self, options):
        command = [self.program, "serve", "--lan", "--json", "--node-port", str(self.node_port),
                   "--seed-port", str(self.seed_port), "--control-port", str(self.control_port), *options]
        if self.folder:
            command += ["--data", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        ready = threading.Event()
        self.reader = threading.Thread(target=self.read, args=(self.process.stderr, ready))
        self.reader.start()
        ready.wait()

    def read(self, stream, ready):
        with stream:
            for line in stream:
                self.said.append(line)
                if line.startswith("ready:"):
                    ready.set()
        ready.set()

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.reader.join()
        return self.process.returncode

    def now_ms(self):
        """The world's time, by which messages end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port)
        connection.request("GET", "/control/state")
        state = json.loads(connection.getresponse().read())
        connection.close()
        return state["unix_ms"]

    def nodes(self):
        """{ed25519 key: (ip, port)} of all."""
        _, text = post(("127.0.0.1", self.seed_port), "/json_rpc",
                       {"method": "get_n_service_nodes", "params": {"active_only": True}})
        return {state["pubkey_ed25519"]: (state["public_ip"], state["storage_port"])
                for state in json.loads(text)["result"]["service_node_states"]}

    def swarm(self, account):
        """(ip, port) of the account's swarm."""
        _, text = rpc(sorted(self.nodes().values())[0], "get_snodes_for_pubkey", {"pubKey": account})
        return [(node["ip"], int(node["port"])) for node in json.loads(text)["snodes"]]


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text.decode(errors='replace')}")
        self.status, self.text = status, text


def call(node, method, params, connection):
    status, text = rpc(node, method, params, connection)
    if status != 200:
        raise Refused(status, text)
    return json.loads(text)


class EraAccount:
    """Stores with a proof of work; the node that answers is the only one that promises. PROTOCOL 3.5, 3.6, 5."""

    def __init__(self, network, rng):
        self.id = "05" + rng.randbytes(32).hex()
        self.node = rng.choice(network.swarm(self.id))

    @staticmethod
    def prove(timestamp, ttl, account, data):
        """(nonce in base64, hash in hex) at difficulty 1."""
        payload = (timestamp + ttl + account + data).encode()
        length = len(payload) + 8
        target = (2**64 - 1) // (length + int(ttl) // 1000 * length // 65535)
        inner = hashlib.sha512(payload).digest()
        nonce = 0
        while True:
            number = nonce.to_bytes(8, "big")
            digest = hashlib.sha512(number + inner).digest()
            if int.from_bytes(digest[:8], "big") < target:
                return base64.b64encode(number).decode(), digest.hex()
            nonce += 1

    def prepare(self, data, ttl_ms):
        """(params of a store, what it is known by, when it ends)"""
        timestamp, text = now_ms(), base64.b64encode(data).decode()
        nonce, digest = self.prove(str(timestamp), str(ttl_ms), self.id, text)
        return ({"pubKey": self.id, "ttl": str(ttl_ms), "nonce": nonce, "timestamp": str(timestamp), "data": text}, digest,
                timestamp + ttl_ms)

    def store(self, prepared, connection=None):
        """The nodes that have promised to keep it."""
        call(self.node, "store", prepared[0], connection)
        return [self.node]

    def retrieve(self, node, last="", connection=None):
        """(a page of messages, whether there are more)"""
        page = call(node, "retrieve", {"pubKey": self.id, "lastHash": last}, connection)["messages"]
        return page, len(page) == 10

    def retrieve_all(self, node):
        """{hash: when it ends} of all that the node serves."""
        served, last, more = {}, "", True
        while more:
            page, more = self.retrieve(node, last)
            served.update((message["hash"], message["expiration"]) for message in page)
            last = page[-1]["hash"] if page else last
        return served


class ModernAccount(EraAccount):
    """Stores with every member's promise; retrieves with a signature. PROTOCOL 10."""

    def __init__(self, network, rng):
        from nacl import bindings  # python3-nacl; the era needs none
        self.sign = bindings.crypto_sign
        public, self.secret = bindings.crypto_sign_seed_keypair(rng.randbytes(32))
        self.ed25519 = public.hex()
        self.id = "05" + bindings.crypto_sign_ed25519_pk_to_curve25519(public).hex()
        self.members = network.nodes()
        self.node = rng.choice(network.swarm(self.id))

    def prepare(self, data, ttl_ms):
        timestamp, text = now_ms(), base64.b64encode(data).decode()
        digest = hashlib.blake2b(bytes.fromhex(self.id) + data, digest_size=32).digest()
        return ({"pubkey": self.id, "ttl": ttl_ms, "timestamp": timestamp, "data": text},
                base64.b64encode(digest).decode().rstrip("="), timestamp + ttl_ms)

    def signature(self, text, secret=None):
        return base64.b64encode(self.sign(text, secret or self.secret)[:64]).decode()

    def by_members(self, method, params, connection):
        """{node: what it answered, also that it failed}"""
        answer = call(self.node, method, {"pubkey": self.id, **params}, connection)
        return {self.members[key]: entry for key, entry in answer["swarm"].items()}

    def store(self, prepared, connection=None):
        entries = self.by_members("store", prepared[0], connection)
        kept = [node for node, entry in entries.items() if entry.get("hash") == prepared[1]]
        if not kept:
            raise Refused(503, b"no member keeps it: " + json.dumps(entries[self.node]).encode())
        return kept

    def retrieve(self, node, last="", connection=None):
        timestamp = now_ms()
        answer = call(node, "retrieve", {"pubkey": self.id, "pubkey_ed25519": self.ed25519, "timestamp": timestamp,
                                         "signature": self.signature(f"retrieve{timestamp}".encode()), "last_hash": last},
                      connection)
        return answer["messages"], answer["more"]

    def signed(self, method, text, params, connection):
        return self.by_members(method, {"pubkey_ed25519": self.ed25519, "signature": self.signature(text), **params}, connection)

    def delete(self, hashes, connection=None):
        return self.signed("delete", ("delete" + "".join(hashes)).encode(), {"messages": hashes}, connection)

    def delete_all(self, connection=None):
        timestamp = now_ms()
        return self.signed("delete_all", f"delete_all{timestamp}".encode(), {"timestamp": timestamp}, connection)

    def expire(self, hashes, ends_ms, connection=None):
        return self.signed("expire", f"expire{ends_ms}{''.join(hashes)}".encode(), {"messages": hashes, "expiry": ends_ms},
                           connection)

    def token(self, rng):
        """(a subaccount's token that may read, its secret key)"""
        from nacl import bindings
        public, secret = bindings.crypto_sign_seed_keypair(rng.randbytes(32))
        return bytes([0x05, 1, 0, 0]) + public, secret

    def revoke(self, token, taken_back, connection=None):
        timestamp, method = now_ms(), "unrevoke" if taken_back else "revoke"
        return self.signed(method + "_subaccount", f"{method}_subaccount{timestamp}".encode() + token[0],
                           {"timestamp": timestamp, method: [token[0].hex()]}, connection)

    def may_read(self, node, token):
        timestamp = now_ms()
        status, text = rpc(node, "retrieve",
                           {"pubkey": self.id, "pubkey_ed25519": self.ed25519, "timestamp": timestamp,
                            "subaccount": token[0].hex(), "subaccount_sig": self.signature(token[0]),
                            "signature": self.signature(f"retrieve{timestamp}".encode(), token[1])})
        if status not in (200, 401):
            raise Refused(status, text)
        return status == 200


ACCOUNTS = {"era": EraAccount, "modern": ModernAccount}
