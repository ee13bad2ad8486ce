#!/usr/bin/python3
"""Sends one storage RPC to a served network through an onion: three nodes, then the target; both ciphers along one path.

    scripts/onion_request.py retrieve '{"pubKey": "05...", "lastHash": ""}'
    scripts/onion_request.py --ciphers aes-gcm,xchacha20,aes-gcm,xchacha20 --to ED25519_HEX get_snodes_for_pubkey '{"pubKey": "05..."}'

Independent of swarmbed's own code: PyNaCl does the curve and XChaCha20, python3-cryptography does AES-GCM. Prints the inner
answer's body; the inner status goes to standard error, and is 0 for the exit status if it was 200. Source: PROTOCOL 4.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import ssl
import struct
import sys
import urllib.error
import urllib.request

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from nacl import bindings
except ImportError:
    sys.exit("scripts/onion_request.py: apt-get install python3-nacl python3-cryptography")

CIPHERS = ("aes-gcm", "xchacha20")


def http_post(url, body):
    """(status, body); the certificates of nodes are their own."""
    request = urllib.request.Request(url, data=body, method="POST")
    context = ssl._create_unverified_context() if url.startswith("https") else None
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Layer:
    """The keys between us and one node: fresh for every layer."""

    def __init__(self, node, cipher):
        self.cipher = cipher
        secret = os.urandom(32)
        self.public = bindings.crypto_scalarmult_base(secret)
        node_key = bytes.fromhex(node["pubkey_x25519"])
        shared = bindings.crypto_scalarmult(secret, node_key)
        if cipher == "aes-gcm":
            self.key = hmac.new(b"LOKI", shared, hashlib.sha256).digest()
        else:
            self.key = hashlib.blake2b(shared + self.public + node_key, digest_size=32).digest()

    def seal(self, plain):
        if self.cipher == "aes-gcm":
            nonce = os.urandom(12)
            return nonce + AESGCM(self.key).encrypt(nonce, plain, None)
        nonce = os.urandom(24)
        return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, None, nonce, self.key)

    def open(self, sealed):
        if self.cipher == "aes-gcm":
            return AESGCM(self.key).decrypt(sealed[:12], sealed[12:], None)
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[24:], None, sealed[:24], self.key)

    def names(self):
        return {"ephemeral_key": self.public.hex(), "enc_type": self.cipher}


def combine(blob, fields):
    return struct.pack("<I", len(blob)) + blob + json.dumps(fields).encode()


def wrap(path, ciphers, plain):
    """(what to send to path[0] so that path[-1] finds `plain` in its layer, the target's keys)."""
    target = layer = Layer(path[-1], ciphers[-1])
    onion = target.seal(plain)
    for hop in range(len(path) - 2, -1, -1):
        inner = combine(onion, {"destination": path[hop + 1]["pubkey_ed25519"], **layer.names()})
        layer = Layer(path[hop], ciphers[hop])
        onion = layer.seal(inner)
    return combine(onion, layer.names()), target


def send(guard, onion, keys, scheme="http"):
    """(status, body) as the node that owns `keys` answered; as an earlier one did, if that could not pass it on."""
    url = f"{scheme}://{guard['public_ip']}:{guard['storage_port']}/onion_req/v2"
    status, answer = http_post(url, onion)
    if status != 200:
        return status, answer.decode()
    inner = json.loads(keys.open(base64.b64decode(answer)))
    return inner["status"], inner["body"]


def send_onion(path, ciphers, body, scheme="http", headers=None):
    """One request through path[:-1] to path[-1]: (status, body) as the target answered."""
    onion, keys = wrap(path, ciphers, combine(body, {"headers": headers or {}}))
    return send(path[0], onion, keys, scheme)


def rpc(method, params):
    return json.dumps({"method": method, "params": params}).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default="http://127.0.0.1:22080", help="URL of the seed")
    parser.add_argument("--ciphers", default="aes-gcm,xchacha20,aes-gcm,xchacha20",
                        help="one per node of the path, the target last")
    parser.add_argument("--to", help="the target's ed25519 key; default: a member of params.pubKey's swarm")
    parser.add_argument("--tls", action="store_true", help="reach the guard by HTTPS")
    parser.add_argument("method")
    parser.add_argument("params", help="JSON")
    args = parser.parse_args()

    ciphers = args.ciphers.split(",")
    if len(ciphers) < 2 or any(cipher not in CIPHERS for cipher in ciphers):
        parser.error("--ciphers: two or more of " + ", ".join(CIPHERS))
    params = json.loads(args.params)
    scheme = "https" if args.tls else "http"
    question = json.dumps({"method": "get_n_service_nodes", "params": {"active_only": True}}).encode()
    nodes = json.loads(http_post(args.seed + "/json_rpc", question)[1])["result"]["service_node_states"]
    by_key = {node["pubkey_ed25519"]: node for node in nodes}

    def path_to(target):
        return random.sample([node for node in nodes if node is not target], len(ciphers) - 1) + [target]

    target = by_key[args.to] if args.to else random.choice(nodes)
    if args.to is None and "pubKey" in params:
        status, body = send_onion(path_to(target), ciphers, rpc("get_snodes_for_pubkey", {"pubKey": params["pubKey"]}),
                                  scheme)
        if status == 200:
            target = by_key[random.choice(json.loads(body)["snodes"])["pubkey_ed25519"]]
    status, body = send_onion(path_to(target), ciphers, rpc(args.method, params), scheme)
    print(body)
    print("status", status, file=sys.stderr)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
