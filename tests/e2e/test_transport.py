#!/usr/bin/env python3
"""The transport as any HTTP program meets it, plain and by TLS: RFC 9112, word for word, and nothing smuggled.

Usage: test_transport.py PATH_OF_SWARMBED
"""
import json
import socket
import ssl
import unittest
import warnings

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from served import Served, account, main

STATS = b'{"version":"2.0.7"}'
GET = b"GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /storage_rpc/v1 HTTP/1.1\r\nHost: a\r\n"
NO_METHOD = b"invalid json: no `method` field"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def context(version=None):
    made = ssl._create_unverified_context()
    if version:
        with warnings.catch_warnings():  # of old versions, which are here to be refused
            warnings.simplefilter("ignore")
            made.minimum_version = made.maximum_version = version
    return made


class Caller:
    """A connection, and what it hears."""

    def __init__(self, node, tls=None, session=None):
        self.socket = socket.create_connection(node)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="node.snode", session=session)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def say(self, text):
        self.socket.sendall(text)

    def head(self):
        """(status, headers); None: the connection has ended."""
        line = self.file.readline()
        if line == b"":
            return None
        headers = {}
        while (header := self.file.readline()) != b"\r\n":
            name, value = header.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), headers

    def hear(self):
        """(status, body), None at the end."""
        head = self.head()
        return head and (head[0], self.file.read(int(head[1]["content-length"])))

    def hear_all(self):
        answers = []
        while (answer := self.hear()) is not None:
            answers.append(answer)
        return answers


class Transport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served("--lan")
        cls.addClassCleanup(cls.served.kill)
        cls.node = sorted(cls.served.nodes().values())[0]

    def callers(self):
        """One for each way to connect."""
        for tls in (None, context(ssl.TLSVersion.TLSv1_2), context(ssl.TLSVersion.TLSv1_3)):
            with Caller(self.node, tls) as caller:
                yield caller

    def answers(self, text, tls=None):
        """All that a caller hears who says that, until the node closes."""
        with Caller(self.node, tls) as caller:
            caller.say(text)
            return caller.hear_all()

    def test_a_connection_stays_until_told(self):
        for caller in self.callers():
            for _ in range(3):
                caller.say(GET)
                self.assertEqual(caller.hear(), (200, STATS))
            caller.say(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            status, headers = caller.head()
            self.assertEqual((status, headers["connection"], caller.file.read()), (200, "close", STATS))

    def test_old_callers(self):
        self.assertEqual(self.answers(b"GET /get_stats/v1 HTTP/1.0\r\n\r\n" + GET), [(200, STATS)])
        with Caller(self.node) as caller:
            for _ in range(2):
                caller.say(b"GET /get_stats/v1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                self.assertEqual(caller.hear(), (200, STATS))

    def test_pipelined_requests_are_answered_in_order(self):
        many = [GET if number % 3 else b"GET /none%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(60)]
        wanted = [(200, STATS) if number % 3 else (404, b"unknown target for GET: /none%d" % number)
                  for number in range(60)]
        for caller in self.callers():
            caller.say(b"".join(many))
            self.assertEqual([(status, text.rstrip(b"\n")) for status, text in (caller.hear() for _ in many)], wanted)

    def test_a_held_request_holds_those_behind_it(self):
        owner = account(200)
        body = json.dumps({"method": "retrieve", "params": {"pubKey": owner, "lastHash": ""}}).encode()
        poll = POST + b"X-Loki-Long-Poll: 1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        with Caller(self.served.swarm(owner)[0]) as caller:
            caller.say(poll + GET)
            self.assertEqual(self.served.control("POST", "/control/speed", {"speed_milli": 100000})[0], 200)
            self.assertEqual([caller.hear(), caller.hear()], [(200, b'{"messages":[]}'), (200, STATS)])
        self.assertEqual(self.served.control("POST", "/control/speed", {"speed_milli": 1000})[0], 200)

    def test_bodies_sized_and_chunked_in_any_pieces(self):
        sized = POST + b"Content-Length: 2\r\n\r\n{}"
        chunked = CHUNKED + b"1;name=value\r\n{\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n"
        for caller in self.callers():
            for text in (sized, chunked):
                for step in (1, 7, len(text)):
                    for at in range(0, len(text), step):
                        caller.say(text[at:at + step])
                    self.assertEqual(caller.hear(), (400, NO_METHOD))

    def test_a_sender_may_ask_before_its_body(self):
        for caller in self.callers():
            caller.say(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            self.assertEqual(caller.head(), (100, {}))
            caller.say(b"{}")
            self.assertEqual(caller.hear(), (400, NO_METHOD))
            caller.say(POST + b"Expect: 100-continue\r\nContent-Length: 10485761\r\n\r\n")
            self.assertEqual(caller.hear_all(), [(413, b"Request body too large")])
        self.assertEqual(self.answers(POST + b"Expect: magic\r\nContent-Length: 2\r\n\r\n{}"),
                         [(417, b"unknown expectation")])

    def test_heads_and_bodies_are_bounded(self):
        for status, text in ((431, GET[:-2] + b"A: " + b"x" * 17000 + b"\r\n\r\n"),
                             (431, GET[:-2] + b"A: b\r\n" * 65 + b"\r\n"),
                             (414, b"GET /" + b"x" * 4096 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
                             (414, b"GET /" + b"x" * 20000),
                             (413, POST + b"Content-Length: 10485761\r\n\r\n"),
                             (413, CHUNKED + b"a00001\r\n" + b"x" * 0xa00001 + b"\r\n0\r\n\r\n"),
                             (431, CHUNKED + b"0;" + b"x" * 17000 + b"\r\n\r\n"),
                             (501, b"BREW /pot HTTP/1.1\r\n"), (505, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n")):
            self.assertEqual([answer[0] for answer in self.answers(text)], [status], text[:60])
        largest = b"x" * (10 * 1024 * 1024)
        with Caller(self.node) as caller:
            caller.say(POST + b"Content-Length: %d\r\n\r\n" % len(largest) + largest)
            self.assertEqual(caller.hear(), (400, b"invalid json"))

    def test_nothing_is_smuggled(self):
        hidden = GET  # what a server that reads the length otherwise would take for a request
        for status, text in (
                (400, POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
                (400, POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
                (400, POST + b"Content-Length: 2, 3\r\n\r\n{}"), (400, POST + b"Content-Length: -2\r\n\r\n{}"),
                (400, POST + b"Content-Length: +2\r\n\r\n{}"), (400, POST + b"Content-Length: 0x2\r\n\r\n{}"),
                (400, POST + b"Content-Length : 2\r\n\r\n{}"), (400, POST + b"Content-Length: 2\n\r\n{}"),
                (400, POST + b"Content-Length:\r\n 2\r\n\r\n{}"), (400, POST + b"A: b\rContent-Length: 2\r\n\r\n{}"),
                (400, POST + b"A: b\0c\r\nContent-Length: 2\r\n\r\n{}"),
                (501, POST + b"Transfer-Encoding: identity\r\n\r\n"),
                (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
                (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                (400, CHUNKED + b"-1\r\n"), (400, CHUNKED + b"g\r\n"), (400, CHUNKED + b"2\n{}\r\n0\r\n\r\n"),
                (400, CHUNKED + b"2\r\n{}x0\r\n\r\n"), (400, CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
                (400, b"GET / HTTP/1.1\r\n\r\n"), (400, GET[:-2] + b"Host: b\r\n\r\n"),
                (400, b"GET / HTTP/1.1\nHost: a\n\n")):
            for tls in (None, context()):
                answers = self.answers(GET + text + hidden, tls)
                self.assertEqual(answers[0], (200, STATS))
                self.assertEqual([answer[0] for answer in answers[1:]], [status], text)

    def test_slow_senders_are_told_and_others_served(self):
        slow = [Caller(self.node, tls) for tls in (None, context()) for _ in range(20)]
        for number, caller in enumerate(slow):
            caller.say((GET[:-2] if number % 2 else POST + b"Content-Length: 9\r\n\r\n{")[:40 + number])
        with Caller(self.node) as other:
            other.say(GET)
            self.assertEqual(other.hear(), (200, STATS))
        for caller in slow:
            with caller:
                self.assertEqual(caller.hear_all(), [(408, b"request timed out")])

    def requests_so_far(self):
        metrics = self.served.control("GET", "/metrics")[1].splitlines()
        return next(int(line.split()[1]) for line in metrics if line.startswith("swarmbed_http_requests_total "))

    def test_a_slow_reader_is_not_read_from_and_gets_all_of_it(self):
        question = b'{"method":"get_service_nodes"}'
        request = b"POST /json_rpc HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(question) + question
        count = 2000  # node lists: far more than the buffers of both kernels hold
        for tls in (None, context()):
            with Caller(("127.0.0.1", self.served.seed_port), tls) as caller:
                before = self.requests_so_far()
                caller.say(request * count)
                for _ in range(200):
                    self.served.request("GET", self.node, "/get_stats/v1")
                self.assertLess(self.requests_so_far() - before, count)
                self.assertEqual({caller.hear()[0] for _ in range(count)}, {200})

    def test_tls_of_today_only(self):
        for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            made = context(old)
            made.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                Caller(self.node, made)

    def test_the_certificate_is_the_nodes_own(self):
        with Caller(self.node, context()) as caller:
            made = x509.load_der_x509_certificate(caller.socket.getpeercert(binary_form=True))
        self.assertEqual(made.issuer, made.subject)
        self.assertIsInstance(made.public_key().curve, ec.SECP256R1)

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made = context(version)
            with Caller(self.node, made) as caller:
                caller.say(GET)  # tickets come with the first answer
                self.assertEqual(caller.hear(), (200, STATS))
                session = caller.socket.session
                self.assertFalse(caller.socket.session_reused)
            with Caller(self.node, made, session) as caller:
                caller.say(GET)
                self.assertEqual(caller.hear(), (200, STATS))
                self.assertTrue(caller.socket.session_reused)

    def test_noise_ends_its_own_connection_only(self):
        for noise in (b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x03\x01", bytes(100)):
            with Caller(self.node) as caller:
                caller.say(noise)
                try:
                    caller.socket.shutdown(socket.SHUT_WR)
                    caller.file.read()
                except OSError:
                    pass  # expected: it may be cut off at once
        with Caller(self.node, context()) as caller:
            caller.say(GET)
            self.assertEqual(caller.hear(), (200, STATS))


if __name__ == "__main__":
    main()
