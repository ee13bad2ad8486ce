#!/usr/bin/env python3
"""Push of new messages, the file store, and onions for outside servers: what a served network adds to the storage RPC.

Usage: test_push.py PATH_OF_SWARMBED
"""
import base64
import hashlib
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
from nacl.signing import SigningKey

from served import Served, main, onions, replay

LIKE_DESKTOP = pathlib.Path(__file__).resolve().parents[2] / "scripts/like_session_desktop.py"


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:" % len(value) + value
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def bdecode(text):
    value, rest = bdecode_one(text)
    assert rest == b""
    return value


def bdecode_one(text):
    kind, rest = text[:1], text[1:]
    if kind == b"i":
        digits, rest = rest.split(b"e", 1)
        return int(digits), rest
    if kind in (b"l", b"d"):
        items = []
        while rest[:1] != b"e":
            item, rest = bdecode_one(rest)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2]))), rest[1:]
    length, rest = text.split(b":", 1)
    return rest[:int(length)], rest[int(length):]


class User:
    def __init__(self, name):
        self.key = SigningKey(hashlib.sha256(name.encode()).digest())
        self.ed25519 = bytes(self.key.verify_key)
        self.raw = b"\5" + crypto_sign_ed25519_pk_to_curve25519(self.ed25519)
        self.id = self.raw.hex()

    def subscription(self, namespaces, data, **changes):
        seconds = int(time.time())
        text = f"MONITOR{self.id}{seconds}{data}{','.join(map(str, namespaces))}"
        return {b"P": self.ed25519, b"d": data, b"n": namespaces, b"t": seconds,
                b"s": self.key.sign(text.encode()).signature} | {name.encode(): value for name, value in changes.items()}


class Stream:
    """An open answer of POST /monitor/v1, over a bare socket."""

    def __init__(self, node, body, tls):
        self.socket = socket.create_connection(node)
        if tls:
            self.socket = ssl._create_unverified_context().wrap_socket(self.socket)
        self.socket.sendall(b"POST /monitor/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value

    def frame(self):
        """The next one, decoded; None at the end."""
        head = self.file.read(4)
        return bdecode(self.file.read(struct.unpack(">I", head)[0])) if head else None

    def close(self):
        self.file.close()
        self.socket.close()


class Push(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)

    def open(self, node, request, tls=False):
        stream = Stream(node, request if isinstance(request, bytes) else bencode(request), tls)
        self.addCleanup(stream.close)
        return stream

    def exchanges(self, served):
        metrics = served.control("GET", "/metrics")[1]
        return next(int(line.split()[1]) for line in metrics.splitlines() if line.startswith("swarmbed_http_exchanges "))

    def store(self, user, node, data, namespace=0, served=None):
        timestamp = int(time.time() * 1000)
        params = {"pubkey": user.id, "timestamp": timestamp, "ttl": 60000, "data": base64.b64encode(data).decode(),
                  "namespace": namespace, "pubkey_ed25519": user.ed25519.hex(),
                  "signature": base64.b64encode(user.key.sign(f"store{namespace or ''}{timestamp}".encode()).signature).decode()}
        status, text = (served or self.served).rpc(node, "store", params)
        self.assertEqual(status, 200, text)
        return json.loads(text)["hash"].encode(), timestamp

    def test_every_member_tells_of_every_message(self):
        user = User("told")
        swarm = self.served.swarm(user.id)
        streams = [self.open(node, user.subscription([0, 7], 1), tls=number % 2 == 1) for number, node in enumerate(swarm)]
        for stream in streams:
            self.assertEqual((stream.status, stream.headers["content-type"], stream.headers["connection"]),
                             (200, "application/octet-stream", "close"))
            self.assertNotIn("content-length", stream.headers)
            self.assertNotIn("transfer-encoding", stream.headers)
            self.assertEqual(stream.frame(), {b"success": 1})
        stored = [(data, namespace, *self.store(user, swarm[0], data, namespace))
                  for data, namespace in ((b"first", 0), (b"unseen", 9), (b"\0\xff" * 9000, 7))]
        for stream in streams:
            for data, namespace, name, timestamp in (stored[0], stored[2]):
                self.assertEqual(stream.frame(), {b"@": user.raw, b"h": name, b"n": namespace, b"t": timestamp,
                                                  b"z": timestamp + 60000, b"~": data})

    def test_without_data_and_for_several_accounts(self):
        users = [User("several %d" % number) for number in range(3)]
        node = self.served.swarm(users[0].id)[0]
        stream = self.open(node, [user.subscription([0], 0) for user in users])
        self.assertEqual(stream.frame(), [{b"success": 1}] * 3)
        name, timestamp = self.store(users[0], node, b"x")
        self.assertEqual(stream.frame(), {b"@": users[0].raw, b"h": name, b"n": 0, b"t": timestamp, b"z": timestamp + 60000})

    def test_a_subaccount_that_may_read(self):
        user, helper = User("giver"), SigningKey(hashlib.sha256(b"reader").digest())
        node = self.served.swarm(user.id)[0]
        for rights, answer in ((1, {b"success": 1}), (2, None)):
            token = bytes([5, rights, 0, 0]) + bytes(helper.verify_key)
            request = user.subscription([0], 0, T=token, S=user.key.sign(token).signature)
            text = f"MONITOR{user.id}{request[b't']}00"
            request[b"s"] = helper.sign(text.encode()).signature
            frame = self.open(node, request).frame()
            self.assertEqual(frame if answer else frame[b"errcode"], answer or 5)

    def test_refusals(self):
        user = User("refused")
        node = self.served.swarm(user.id)[0]
        good = user.subscription([0], 1)
        for code, request in ((1, {}), (1, good | {b"p": user.raw}), (1, {k: v for k, v in good.items() if k != b"P"}),
                              (1, {k: v for k, v in good.items() if k != b"t"}), (1, good | {b"T": b"x" * 36}),
                              (2, good | {b"P": b"short"}), (3, user.subscription([1, 0], 1)), (3, user.subscription([], 1)),
                              (3, user.subscription([5, 5], 1)), (4, good | {b"t": good[b"t"] + 2 * 86400}),
                              (4, good | {b"t": good[b"t"] - 15 * 86400}), (5, good | {b"s": bytes(64)}),
                              (5, good | {b"n": [1]})):
            with self.subTest(code=code, request=request):
                stream = self.open(node, request)
                frame = stream.frame()
                self.assertEqual((set(frame), frame[b"errcode"]), ({b"errcode", b"error"}, code))
                self.assertIsNone(stream.frame())  # nothing to wait for: it is closed
        for body in (b"", b"5:hello", b"d", b"{}"):
            self.assertEqual(self.open(node, body).status, 400)

    def test_who_goes_is_forgotten_and_the_others_are_told(self):
        user = User("goes")
        node = self.served.swarm(user.id)[0]
        streams = [self.open(node, user.subscription([0], 0)) for _ in range(3)]
        for stream in streams:
            stream.frame()
        streams[1].close()
        name, _ = self.store(user, node, b"still")
        for stream in (streams[0], streams[2]):
            self.assertEqual(stream.frame()[b"h"], name)

    def test_a_server_that_ends_closes_the_streams_and_its_journal_runs_again(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        served = Served("--lan", "--threads", "2", folder=folder.name)
        self.addCleanup(served.kill)
        user = User("ends")
        node = served.swarm(user.id)[0]
        streams = [self.open(node, user.subscription([0], 0)) for _ in range(2)]
        for stream in streams:
            stream.frame()
        served.rpc(node, "store", {"pubkey": user.id, "timestamp": int(time.time() * 1000), "ttl": 60000, "data": "YWJj"})
        streams[0].frame()
        streams[0].close()
        self.assertIn(b"h", streams[1].frame())
        report = served.stop()
        self.assertIsNone(streams[1].frame())
        for threads in ("1", "4"):
            done = replay(served.journal, "--threads", threads)
            self.assertEqual((done.returncode, json.loads(done.stdout)["digest"]), (0, report["digest"]), done.stderr)

    def test_who_reads_too_slowly_is_hung_up_on(self):
        """Between whole frames, and long before all that was stored: what waits for him is bounded."""
        served = Served("--lan")
        self.addCleanup(served.kill)
        user = User("slow")
        node = served.swarm(user.id)[0]
        stream = self.open(node, user.subscription([0], 1))
        self.assertEqual(stream.frame(), {b"success": 1})
        count = 0
        while self.exchanges(served) > 1:  # this question itself is one
            self.store(user, node, os.urandom(76800), served=served)
            count += 1
            self.assertLess(count, 1000, "nothing bounds what waits")
        seen = 0
        while stream.frame() is not None:
            seen += 1
        self.assertLess(seen, count + 1)


class Beside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)

    def test_files(self):
        seed = ("127.0.0.1", self.served.seed_port)
        content = os.urandom(300000)
        for tls in (False, True):
            answer, text = self.served.request("POST", seed, "/file", content, tls=tls)
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "application/json"))
            name = json.loads(text)["id"]
            self.assertIsInstance(name, str)
            answer, text = self.served.request("GET", seed, "/file/" + name, tls=tls)
            self.assertEqual((answer.status, answer.getheader("Content-Type"), text),
                             (200, "application/octet-stream", content))
            self.assertEqual(self.served.request("GET", seed, "/file/999", tls=tls)[0].status, 404)
            self.assertEqual(self.served.request("POST", seed, "/file", bytes(10000001), tls=tls)[0].status, 413)

    def relay_to_a_server(self, served):
        guard = served.states()[0]
        layer = onions.Layer(guard, "xchacha20")
        inner = onions.combine(b"sealed for the server", {"host": "filev2.getsession.org", "target": "/oxen/v4/lsrpc",
                                                         "method": "POST", "protocol": "http", "port": 80,
                                                         "ephemeral_key": "00" * 32})
        return onions.http_post(f"http://{guard['public_ip']}:{guard['storage_port']}/onion_req/v2",
                                onions.combine(layer.seal(inner), layer.names()))

    def test_outside_servers_are_never_asked(self):
        self.assertEqual(self.relay_to_a_server(self.served), (200, b""))
        refusing = Served("--lan", "--relay-hosts", "refuse")
        self.addCleanup(refusing.kill)
        self.assertEqual(self.relay_to_a_server(refusing), (502, b"Loki Server error"))
        done = self.like_desktop(refusing)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1].split()[:2]), (1, ["file", "server"]), done)

    def like_desktop(self, served):
        return subprocess.run([sys.executable, LIKE_DESKTOP, "--seed-url", f"http://127.0.0.1:{served.seed_port}/"],
                              capture_output=True, text=True, check=False)

    def test_what_session_desktop_does_first_works(self):
        done = self.like_desktop(self.served)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(len(done.stdout.splitlines()), 9)

    def test_a_network_of_the_era_knows_nothing_newer(self):
        served = Served("--lan", "--dialect", "era")
        self.addCleanup(served.kill)
        node = sorted(served.nodes().values())[0]
        for path in ("/monitor/v1", "/ping_test/v1"):
            answer, text = served.request("POST", node, path, "de")
            self.assertEqual((answer.status, text), (404, b"unknown target for POST: " + path.encode()))
        self.assertEqual(served.rpc(node, "info", {}), (400, b"no method info"))


if __name__ == "__main__":
    main()
