"""What the tests of a served network share: a running `swarmbed serve`, and what callers send to it."""
import base64
import http.client
import importlib.util
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

PROGRAM = sys.argv[1]
ONION_REQUEST = pathlib.Path(__file__).resolve().parents[2] / "scripts/onion_request.py"
TTL_MS = "86400000"


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_port_of(count):
    """The first of so many in a row that nothing on this machine uses, below those that the system gives to callers."""
    while True:
        first = random.SystemRandom().randrange(10000, 32000 - count)
        if all(is_free(port) for port in range(first, first + count)):
            return first


def free_ports(count, not_ports=()):
    ports = []
    while len(ports) < count:
        port = free_port_of(1)
        if port not in ports and port not in not_ports:
            ports.append(port)
    return ports


def load(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


onions = load(ONION_REQUEST)  # makes onions on its own: shares no code with the nodes


class Served:
    """A running `swarmbed serve`, ready when the constructor returns."""

    def __init__(self, *arguments, folder=None, not_ports=()):
        self.node_port, self.seed_port, self.control_port = free_ports(3, not_ports)
        self.folder = folder
        self.journal = os.path.join(folder, "journal.jsonl") if folder else None
        command = [PROGRAM, "serve", *arguments, "--json", "--node-port", str(self.node_port),
                   "--seed-port", str(self.seed_port), "--control-port", str(self.control_port)]
        if self.journal:
            command += ["--journal", self.journal]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.warning = ""
        while "ready:" not in line:
            line = self.process.stderr.readline()
            if line.startswith("control:"):
                self.token = line.split()[-1]
            if line.startswith("warning:"):
                self.warning = line
            if line == "":
                raise AssertionError("it ended before it was ready: " + str(self.process.wait()))
        self.report = None

    def stop(self):
        if self.report is None:
            self.process.send_signal(signal.SIGINT)
            out, err = self.process.communicate()
            if self.process.returncode != 0:
                raise AssertionError(err)
            self.report = json.loads(out)
        return self.report

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def request(self, verb, address, path, body=None, headers=None, tls=False):
        ip, port = address
        if tls:
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(ip, port, context=context)
        else:
            connection = http.client.HTTPConnection(ip, port)
        connection.request(verb, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer, text

    def seed(self, body):
        return self.request("POST", ("127.0.0.1", self.seed_port), "/json_rpc", body)

    def control(self, verb, path, body=None, **headers):
        """(status, text), with the token unless the headers say otherwise."""
        headers = {"Authorization": "Bearer " + self.token} | {k: v for k, v in headers.items() if v is not None}
        answer, text = self.request(verb, ("127.0.0.1", self.control_port), path,
                                    json.dumps(body) if body is not None else None, headers)
        return answer.status, text.decode()

    def states(self):
        """All nodes, as the seed lists them."""
        _, text = self.seed(json.dumps({"method": "get_n_service_nodes", "params": {"active_only": True}}))
        return json.loads(text)["result"]["service_node_states"]

    def nodes(self):
        """(ip, port) of all nodes, by their public keys."""
        return {state["pubkey_ed25519"]: (state["public_ip"], state["storage_port"]) for state in self.states()}

    def rpc(self, address, method, params, **kwargs):
        body = json.dumps({"jsonrpc": "2.0", "id": "0", "method": method, "params": params})
        answer, text = self.request("POST", address, "/storage_rpc/v1", body, **kwargs)
        return answer.status, text

    def swarm(self, account):
        """(ip, port) of the account's swarm."""
        address = sorted(self.nodes().values())[0]
        status, text = self.rpc(address, "get_snodes_for_pubkey", {"pubKey": account})
        assert status == 200, text
        return [(node["ip"], int(node["port"])) for node in json.loads(text)["snodes"]]


def account(number):
    return "05" + random.Random(number).randbytes(32).hex()


def store_params(owner, data=b"hello", timestamp=None, ttl=TTL_MS, nonce=None):
    """What `store` wants, with a proof by `swarmbed pow`."""
    text = base64.b64encode(data).decode()
    timestamp = timestamp or str(int(time.time() * 1000))
    if nonce is None:
        done = subprocess.run([PROGRAM, "pow", "--timestamp", timestamp, "--ttl", ttl, owner, text],
                              capture_output=True, text=True, check=True)
        nonce = done.stdout.strip()
    return {"pubKey": owner, "ttl": ttl, "nonce": nonce, "timestamp": timestamp, "data": text}


def replay(path, *arguments):
    return subprocess.run([PROGRAM, "replay", path, "--json", *arguments], capture_output=True, text=True, check=False)


def main():
    unittest.main(argv=sys.argv[:1], module="__main__")
