#!/usr/bin/python3
"""Makes the seeds of the fuzzers' corpora out of the test vectors: tests/fuzz/corpus/NAME/seed_*.

Seeds of before are replaced; other files stay: reach_* are the few that together reach most of what long runs reached
beyond the seeds, the rest inputs that once found something, named by what it was.
Usage: tests/fuzz/make_corpus.py
"""
import json
import pathlib
import random
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CORPUS = ROOT / "tests/fuzz/corpus"
VECTORS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests/vectors").glob("*.json"))}

ACCOUNT = "05" + "0123456789abcdef" * 4
HASH = "0f" * 64
STORE = {"method": "store", "params": {"pubKey": ACCOUNT, "ttl": "86400000", "nonce": "AAAAAAAAAKQ=", "timestamp": "1567296000000", "data": "R3LDvMOfZQ=="}}
RETRIEVE = {"method": "retrieve", "params": {"pubKey": ACCOUNT, "lastHash": HASH}}
SNODES = {"method": "get_snodes_for_pubkey", "params": {"pubKey": ACCOUNT}}
NODE = {"address": "abcdefghijkmnopqrstuwxyz13456789abcdefghijkmnopqrsty.snode", "ip": "127.1.1.7", "port": "22021",
        "pubkey_x25519": "ab" * 32, "pubkey_ed25519": "cd" * 32}
SEED_NODE = {"public_ip": "127.1.1.7", "storage_port": 22021, "pubkey_x25519": "ab" * 32, "pubkey_ed25519": "cd" * 32,
             "service_node_pubkey": "ef" * 32, "swarm_id": 4611686018427387904, "requested_unlock_height": 0}


def text(value):
    return json.dumps(value, separators=(",", ":")).encode()


def counted(value):
    return struct.pack("<Q", len(value)) + value


def batch(*bodies):
    """Messages between nodes: account, hash, data, ttl, timestamp, nonce; lengths in front of what varies."""
    out = b""
    for body in bodies:
        nonce = b"AAAAAAAAAKQ="
        out += ACCOUNT.encode() + counted(HASH.encode()) + counted(body) + struct.pack("<QQ", 86400000, 1567296000000) + counted(nonce)
    return out


def seeds_bencode():
    return [b"de", b"i-42e", b"4:spam", b"l4:spami7ee", b"d4:data3:abc8:enc_type7:aes-gcm1:ni5e4:deepd1:al1:b2:cdeee"]


def http(*lines, body=b""):
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def requests():
    """What callers send, and what is smuggled: every way to say a length twice, or a line's end otherwise."""
    store = text(STORE)
    post = ("POST /storage_rpc/v1 HTTP/1.1", "Host: 127.1.1.7:22021")
    chunked = (*post, "Transfer-Encoding: chunked")
    good = [http("GET /get_stats/v1?a=b HTTP/1.1", "Host: a", "X-Loki-Long-Poll: true", "Accept: */*"),
            http(*post, "Content-Type: application/json", f"Content-Length: {len(store)}", body=store),
            http(*post, "Expect: 100-continue", f"Content-Length: {len(store)}", body=store),
            http(*chunked, "Trailer: T", body=b"%x;name=\"v\"\r\n%s\r\n0\r\nT: t\r\n\r\n" % (len(store), store)),
            http("GET / HTTP/1.0", "Connection: keep-alive"), http("OPTIONS * HTTP/1.1", "Host: a"),
            http("GET http://127.1.1.7:22021/x HTTP/1.1", "Host: a", "Connection: close")]
    bad = [http(*post, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
           http(*post, "Content-Length: 5", "Content-Length: 6", body=b"hello!"), http(*post, "Content-Length: -1"),
           http(*post, "Content-Length : 5", body=b"hello"), http(*post, "Transfer-Encoding: gzip, chunked"),
           http("GET / HTTP/1.1", "Host: a", "A: b", " c: d"), b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\rHost: a\r\r",
           http(*chunked, body=b"-1\r\n"), http(*chunked, body=b"5\nhello\r\n"), http(*chunked, body=b"fffffffffffffffff\r\n")]
    beyond = [http(*post, "Content-Length: 10485761"), http(*post, "Content-Length: "), http(*chunked, body=b"a00001\r\n"), http("CONNECT a:1 HTTP/1.1", "Host: a"),
              http("GET / HTTP/1.1", "Host: a", *(f"A{n}: b" for n in range(64))), http("GET /" + "a" * 4096 + " HTTP/1.1", "Host: a"), http("GET / HTTP/2.0", "Host: a"),
              http("GET / HTTP/1.1", "Host: \t a \t", "Expect: 200-ok"), http("GET / HTTP/1.1", "Host: a", "Host: a")]
    bad += beyond
    return good + [b"".join(good[:4])] + bad


def seeds_http():
    """The first byte chooses the size of the pieces, as in fuzz_http.c."""
    return [bytes([6 * number % 256]) + request for number, request in enumerate(requests())]


def answers():
    """What servers answer, and what a hostile one does: lengths where none may be, twice, or none at all."""
    ok, body = "HTTP/1.1 200 OK", text({"snodes": [NODE]})
    sized = (f"Content-Length: {len(body)}", "Content-Type: application/json")
    good = [http(ok, *sized, body=body), http("HTTP/1.1 100 Continue") + http("HTTP/1.1 421 Misdirected Request", *sized, body=body),
            http(ok, "Transfer-Encoding: chunked", "Trailer: T", body=b"%x;name=\"v\"\r\n%s\r\n0\r\nT: t\r\n\r\n" % (len(body), body)),
            http("HTTP/1.1 204 No Content"), http("HTTP/1.1 404 Not Found", "content-type: text/plain; charset=utf-8", "Content-Length: 2", "Connection: close", body=b"no"),
            http("HTTP/1.0 200 OK", body=body), http("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 1", body=b"x"), http(ok, "Transfer-Encoding: gzip", body=b"to the end")]
    bad = [http(ok, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), http(ok, "Content-Length: 1", "Content-Length: 2", body=b"ab"),
           http("HTTP/1.1 100 Continue", "Content-Length: 3", body=b"abc") + http(ok, *sized, body=body), http("HTTP/1.1 204 No Content", "Content-Length: 3", body=b"abc"),
           http("HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), http("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: upgrade", body=b"x"),
           http(ok, "Content-Length: 10485761"), http(ok, "Content-Length: -1"), http(ok, "Content-Length : 1", body=b"x"), http(ok, "Transfer-Encoding: chunked", body=b"ffffffffffffffffff\r\n"),
           http(ok, "Transfer-Encoding: chunked", body=b"5\nhello\r\n"), http(ok, "Content-Type: text/", " plain", "Content-Type: text/plain", body=b"x"), b"HTTP/1.1 200 OK\n\nx",
           http("HTTP/2.0 200 OK"), http("HTTP/1.1 099 ?"), http("HTTP/1.1 1000 OK"), b"ICY 200 OK\r\n\r\n", b"HTTP/1.1 200\r\n\r\n"]
    return good + [b"".join(good[:4])] + bad


def seeds_http_client():
    """The first byte chooses the end; then steps as fuzz_http_client.c reads them: 1 asks, 3 cancels, 0x10 says, 0x30 hangs up."""
    def ask(slot):
        return bytes([1, slot])

    def say(peer, which):
        return bytes([0x10, peer, which, 0])
    shut, reset, idle = b"\x30\0\1", b"\x30\0\0", b"\4"
    return [b"\0" + ask(0) + say(0, which) + idle + ask(1) + say(0, 0) + idle for which in range(7)] + [
        b"\0" + ask(0) + ask(1) + say(1, 0) + b"\1\2" + say(0, 1) + idle + ask(3) + shut + idle, b"\0" + ask(0) + say(0, 4) + shut + idle + ask(0) + reset + idle,
        b"\1" + ask(0) + ask(1) + ask(0x72) + b"\3\1", b"\0" + ask(0) + say(0, 0) + idle + ask(1) + reset + idle + say(0, 0) + idle, b"\0" + ask(0) + say(0, 6) + ask(0x88) + reset,
        b"\0" + ask(0) + b"\x10\0\x07\0\x05HTTP/" + shut + idle] + [bytes([n]) + story for n, story in enumerate(stories("http_client", 4, 120))]


def seeds_http_response():
    """The first byte chooses the size of the pieces, as in fuzz_http_response.c."""
    return [bytes([6 * number % 256]) + answer for number, answer in enumerate(answers())]


def client_hello(*extensions, version=b"\x03\x03"):
    def sized(length_bytes, value):
        return len(value).to_bytes(length_bytes, "big") + value
    listed = b"".join(number.to_bytes(2, "big") + sized(2, value) for number, value in extensions)
    hello = version + bytes(range(32)) + sized(1, b"") + sized(2, bytes.fromhex("130113021303c02bc02f")) + sized(1, b"\0") + sized(2, listed)
    return b"\x16\x03\x01" + sized(2, b"\x01" + sized(3, hello))


def seeds_tls():
    """The first byte chooses noise, a client or a server, as in fuzz_tls.c; the other's story: words, then what is changed of each flight."""
    groups, signatures = (10, bytes.fromhex("0004001d0017")), (13, bytes.fromhex("0006040308040401"))
    share = (51, bytes.fromhex("0026001d0020") + bytes(range(32)))
    hellos = [client_hello(groups, signatures), client_hello(groups, signatures, (43, b"\x02\x03\x04"), share),
              client_hello((43, b"\x04\x03\x04\x03\x03"), groups, signatures, (0, b"\x00\x0c\x00\x00\x09localhost")), client_hello(version=b"\x03\x01")]
    words = http("GET /get_stats/v1 HTTP/1.1", "Host: a")
    said = len(words).to_bytes(2, "big") + words
    answer = http("HTTP/1.1 200 OK", "Content-Length: 2", body=b"{}")
    answered = len(answer).to_bytes(2, "big") + answer
    return ([b"\x00\xff" + hello for hello in hellos] + [b"\x00\x06" + hellos[1], b"\x00\x80\x16\x03\x01\xff\xff" + bytes(300)] +
            [bytes([version]) + b"\x00" * flights + said + b"\x00" + said + change
             for version in (2, 3) for flights in (1, 2) for change in (b"\x00", b"\x01\x00\x07\xff", b"\xfc\x00\x10")] +
            [bytes([version]) + b"\x01\x00\x30\xff" for version in (2, 3)] +
            [b"\x06" + b"\x00" * flights + change + answered + b"\x00" for flights in (0, 1, 2) for change in (b"\x00", b"\x01\x00\x40\xff")] +
            [b"\x04\xff\x16\x03\x03\x00\x04\x0e\x00\x00\x00", b"\x04\x00HTTP/1.1 400 Bad Request\r\n\r\n", b"\x04\x05\x15\x03\x03\x00\x02\x02\x28"])


def seeds_json():
    return [b"{}", b'[0,-1,1.5e3,"\\u00e9\\ud83d\\ude00",true,false,null]', b"[" * 30 + b"]" * 30, b'{"a":9007199254740991,"a":{"b":[""]}}',
            text(STORE), text(RETRIEVE), text({"snodes": [NODE]})]


def seeds_text():
    return [b"0123456789abcdefABCDEF", b"R3LDvMOfZSBhdXMgZGVtIE5ldHo=", b"18446744073709551615", b"1d12h30m15s500ms", b"350ms",
            "Grüße \U0001f600".encode()]


def seeds_onion():
    """The first byte chooses version and reader, as in fuzz_onion.c."""
    onion = VECTORS["onion"]
    seeds = [bytes([0 << 1]) + bytes.fromhex(path["request_wire_hex"]) for path in onion["paths_v2"]]
    seeds += [bytes([0 << 1 | 1]) + path["request"].encode() for path in onion["paths_v1"]]
    for path in onion["paths_v2"]:
        for layer in path["layers_innermost_first"][:2]:
            reader = 3 if layer["enc_type"] == "xchacha20" else 2
            seeds.append(bytes([reader << 1]) + bytes.fromhex(layer["plaintext_hex"]))
    seeds += [bytes([2 << 1 | 1]) + bytes.fromhex(layer["plaintext_hex"]) for layer in onion["paths_v1"][0]["layers_innermost_first"][:2]]
    seeds += [bytes([6 << 1]) + bytes.fromhex(vector["payload_hex"]) for vector in onion["bad_framing"]]
    seeds.append(bytes([5 << 1]) + onion["paths_v2"][0]["response"]["body"].encode())
    seeds.append(bytes([1 << 1]) + b"d4:data3:abc8:enc_type7:aes-gcm13:ephemeral_key32:" + bytes(range(32)) + b"6:hop_noi1ee")
    seeds.append(bytes([1 << 1 | 1]) + b"l64:" + b"ab" * 32 + b"4:AAAAe")
    return [seed for seed in seeds if len(seed) < 4096]


def seeds_protobuf():
    """The first byte chooses the message, as in fuzz_protobuf.c."""
    messages = ["Content", "DataMessage", "Envelope", "WebSocketMessage", "ReceiptMessage", "TypingMessage", "LokiAddressMessage", "PreKeyBundleMessage"]
    seeds, count = [], {}
    for vector in VECTORS["protobuf"]["cases"]:
        name, wire = vector["message"], bytes.fromhex(vector["wire_hex"])
        count[name] = count.get(name, 0) + 1
        if name in messages and count[name] <= 2 and len(wire) < 2000:
            seeds.append(bytes([messages.index(name)]) + wire)
        if name == "WebSocketMessage" and len(wire) < 2000 and count[name] <= 2:
            seeds.append(wire)
    return seeds


def seeds_rpc():
    return [text(STORE), text(RETRIEVE), text(SNODES), text({"snodes": [NODE, NODE]}), text({"difficulty": 10}),
            text({"messages": [{"hash": HASH, "expiration": 1567382400000, "data": "R3LDvMOfZQ=="}]}),
            text({"result": {"service_node_states": [SEED_NODE], "height": 100, "status": "OK"}}),
            text({"jsonrpc": "2.0", "id": "0", "method": "get_n_service_nodes", "params": {"fields": {"public_ip": True}}}),
            text({"method": "listen", "params": {"pubKey": ACCOUNT, "listenId": "0123456789abcdef", "hold": "8000", "ack": "3"}}),
            text({"method": "deliver", "params": {"pubKey": ACCOUNT, "data": "R3LDvMOfZQ=="}}),
            text({"messages": [{"data": "R3LDvMOfZQ=="}, {"data": "eA=="}], "lease": 30000}), text({"delivered": 2}),
            batch(b"R3LDvMOfZQ=="), batch(b"", b"eA==", b"R3LDvMOfZQ==")]


def bencoded(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencoded(key) + bencoded(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(bencoded, value)) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    value = value.encode() if isinstance(value, str) else value
    return b"%d:%s" % (len(value), value)


# The methods of today's dialect in the order of enum modern_method, each with all the fields it knows.
MODERN_HASH = VECTORS["message_hash"]["cases"][0]["hash"]
MODERN_SIGNED = {"pubkey": ACCOUNT, "pubkey_ed25519": "ab" * 32, "signature": "A" * 86, "subaccount": "BQcAAAAB" + "A" * 40, "subaccount_sig": "B" * 85 + "A=="}
MODERN_METHODS = [
    MODERN_SIGNED | {"timestamp": "1700000000000", "ttl": 86400000, "data": "R3LDvMOfZQ==", "namespace": -1, "sig_timestamp": 1700000000000},
    MODERN_SIGNED | {"timestamp": 1700000000000, "last_hash": MODERN_HASH, "max_count": 5, "max_size": -2, "namespace": 3},
    MODERN_SIGNED | {"messages": [MODERN_HASH], "required": True},
    MODERN_SIGNED | {"timestamp": 1700000000000, "namespace": "all"},
    MODERN_SIGNED | {"before": 1700000000000, "namespace": 7},
    MODERN_SIGNED | {"expiry": [1700000000000], "messages": MODERN_HASH, "extend": True},
    MODERN_SIGNED | {"expiry": 1700000000000},
    MODERN_SIGNED | {"timestamp": 1700000000000, "messages": [MODERN_HASH, MODERN_HASH]},
    {"pubKey": ACCOUNT},
    {},
    MODERN_SIGNED | {"timestamp": 1700000000000, "revoke": ["BQcAAAAB" + "A" * 40]},
    MODERN_SIGNED | {"timestamp": 1700000000000, "unrevoke": ["05070000" + "ab" * 32]},
    {"endpoint": "get_service_nodes", "params": {"active_only": True}},
]


def seeds_modern():
    """The first byte chooses, as in fuzz_modern.c: a method in JSON, the same bencoded, a token, a member's result."""
    raw = {"pubkey": bytes.fromhex(ACCOUNT), "pubkey_ed25519": bytes(32), "signature": bytes(range(64)), "subaccount": b"\x05\x07" + bytes(34), "subaccount_sig": bytes(64),
           "revoke": [bytes(36)], "unrevoke": [bytes(36)], "data": b"any", "timestamp": 1700000000000}
    seeds = [bytes([number]) + text(params) for number, params in enumerate(MODERN_METHODS)]
    seeds += [bytes([0x80 + number]) + bencoded({name: raw.get(name, value) for name, value in params.items()}) for number, params in enumerate(MODERN_METHODS)
              if "endpoint" not in params]
    seeds += [b"\xfe" + b"BQcAAAAB" + b"A" * 40, b"\xfe" + b"05070000" + b"ab" * 32]
    seeds.append(b"\xff" + bencoded({"already": 1, "expiry": 1700000000000, "hash": MODERN_HASH, "signature": bytes(range(64))}))
    seeds.append(b"\xff" + bencoded({"deleted": {"-10": [MODERN_HASH]}, "signature": bytes(64), "unchanged": {MODERN_HASH: 5}}))
    return seeds


def seeds_modern_node():
    return stories("modern_node", 8, 200)


def seeds_files():
    """The first byte chooses the kind of file, as in fuzz_files.c."""
    scenarios = ['local net = world { nodes = 10 }\nnet:run "1s"\nexpect(net.nodes == 10, "ten")', 'describe [[x]]\nlocal n = param("users", 5, "how many")\nerror(n)',
                 'local t = {}\nfor i = 1, 9 do t[i] = string.rep("x", i) end\ntable.sort(t)\nsay(table.concat(t, ","):gsub("x+", "%0"))']
    membership = ["swarmbed membership 1", "nodes 4", "snapshot 100 2026-02-27 3 2", "+ 0 b1ffffffffffffff 0", "+ 1 04ffffffffffffff 1", "+ 2 04ffffffffffffff 1",
                  "snapshot 200 2026-03-01 3 2", "- 0", "+ 3 04ffffffffffffff 2"]
    seeds = [b"\x00" + ("\n".join(membership) + "\n").encode(), b"\x01" + (ROOT / "sim/data/costs.txt").read_bytes()] + [b"\x02" + s.encode() for s in scenarios]
    head = {"swarmbed": "0.1.0", "journal": 1, "name": "60 nodes", "scenario": "world { nodes = 60 }\n", "crypto": "real", "parameters": [{"name": "users", "value": "5"}], "seed": "7",
            "costs": (ROOT / "sim/data/costs.txt").read_text(), "epoch_ms": 1795845818666, "node_port": 32021, "lan": True, "rate_limit": False, "refuse_hosts": False, "dialect": 0}
    records = [{"disk": "00000000000000%02x" % disk, "key": "AAE=", "value": "QQ=="} for disk in (1, 2)]
    call = {"at_us": 3143885, "call": 1, "ip": 2130706433, "port": 22080, "post": True, "content": 3, "path": "L2pzb25fcnBj", "headers": ["QQ==", "Qg=="], "body": "e30="}
    entries = [call, {"at_us": 3143886, "hang_up": 1}, {"at_us": 4000000, "change": "kill", "node": 3}, {"at_us": 4000000, "undo": "0000000000000001", "key": "AAE=", "value": ""},
               {"at_us": 4921092, "digest": "a8a9ed8a292cfeb3"}]
    journals = [[head | {"records": 0}, call, entries[-1]], [head | {"records": 2}, *records, *entries], [head | {"records": 3}, *records, call], [head | {"records": 0}, call, entries[0] | {"at_us": 1}]]
    seeds += [b"\x03" + b"\n".join(map(text, journal)) + b"\n" for journal in journals]

    def state(*pairs, count=None):
        content = b"".join(struct.pack("<II", len(key), len(value)) + key + value for key, value in pairs)
        return b"\x04swarmbed state\n\0" + struct.pack("<II", 1, len(pairs) if count is None else count) + content
    return seeds + [state(), state((b"a", b"b"), (b"", b"c"), (b"a", b"")), state((b"key", bytes(100)), count=2), state((b"k", b"v"), count=0), b"\x04swarmbed state\n"]


def seeds_verify():
    """Every section of every kind of file, with its smallest vector."""
    seeds = []
    for document in VECTORS.values():
        for section, vectors in document.items():
            if isinstance(vectors, list) and vectors:
                seeds.append(text({section: [min(vectors, key=lambda vector: len(text(vector)))]}))
            elif isinstance(vectors, dict):
                seeds.append(text({section: vectors}))
    return [seed for seed in seeds if len(seed) < 16000]


def stories(name, count, length):
    """Any bytes are a story: fuzz_snode.c, fuzz_modern_node.c, fuzz_monitor.c and fuzz_client.c read them as steps."""
    draw = random.Random(name)
    return [bytes([n]) + draw.randbytes(length) for n in range(count)]


def seeds_monitor():
    """The first byte chooses a body or a story, as in fuzz_monitor.c."""
    good = {"P": bytes(32), "d": 1, "n": [-10, 0, 5], "s": bytes(64), "t": 1567296000}
    account = {"p": bytes([3]) + bytes(32), "n": [0], "s": bytes(64), "t": 1567296000}
    token = {**good, "P": bytes([9]) + bytes(31), "S": bytes(64), "T": bytes([5, 1, 0, 0]) + bytes(32)}
    bodies = [bencoded(good), bencoded(account), bencoded(token), bencoded([good, account, account]), b"de", b"ldedee", b"i1e", b"",
            bencoded({**good, "n": [5, 5]}), bencoded({**good, "d": 2}), bencoded({**good, "n": list(range(300))})]
    return [b"\0" + body for body in bodies] + [b"\1" + story for story in stories("monitor", 6, 200)]


def seeds_snode():
    return stories("snode", 8, 300)


def seeds_session():
    """Each writes, the other reads; late, twice and by turns; both begin at once; then any story, as fuzz_session.c reads it."""
    talk = bytes([0x1A]) + b"abcdefgh" + bytes([0x84, 0, 0, 0xAA, 0x04, 0, 0, 0x1A, 0x84, 1, 1, 0, 40, 1])
    say, say_back = b"\x02", b"\x82"

    def hear(number):
        return bytes([0x84, number, 0])

    def hear_back(number):
        return bytes([0x04, number, 0])
    begun = say + hear(0) + say_back + hear_back(0)
    late = begun + say * 4 + hear(4) + hear(2) + hear(1) + hear(2) + say_back + hear_back(1) + say * 2 + hear(6) + hear(3) + hear(5)
    by_turns = b"".join(say + hear(n) + say_back + hear_back(n) for n in range(10)) + hear(0) + hear_back(3)
    at_once = b"\x80" + say + say_back + hear(0) + hear_back(0) + say + say_back + hear_back(1) + hear(1) + say + hear(2)
    forgetful = begun + b"\x81" + say + hear(1) + b"\x89" + say + hear(2) + say_back + b"\x80" + say_back + hear_back(1)
    return [talk, talk * 3, bytes([0x82, 0x00, 0x84, 0, 0, 0x80, 0x02, 0x84, 1, 0]), late, by_turns, at_once, forgetful] + stories("session", 6, 120)


def seeds_client():
    return stories("client", 16, 200)


def main():
    for name, make in sorted(globals().items()):
        if not name.startswith("seeds_"):
            continue
        folder = CORPUS / name.removeprefix("seeds_")
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed_*"):
            old.unlink()
        for number, seed in enumerate(make()):
            (folder / f"seed_{number:02}").write_bytes(seed)


if __name__ == "__main__":
    main()
