#!/usr/bin/python3
"""Certificates are issued over wires that break: connections between clients and server are reset or stop half-way
without a word, and at seeded moments the resolver, the targets or both vanish, some time without an answer, some time
with a refusal. Then what the clients were told is compared with database and ledger (checker.py, witness.py), nothing is
stuck, and when all is mended everybody is served."""
import argparse
import os
import random
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))

from signet import Signet, finish  # noqa: E402
from checker import Database, Told, check, read_ledger, settle  # noqa: E402
from kill import describe  # noqa: E402
from relay import Wires, fates  # noqa: E402
from witness import Witness  # noqa: E402
from harness.ports import free_port  # noqa: E402
from harness.server import SLOW  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--breaks", type=int, default=6, help="how often something vanishes")
    parser.add_argument("--seconds", type=float, default=1.5, help="for how long, at the most")
    parser.add_argument("--seed", type=int, default=None, help="printed, else drawn")
    return parser.parse_args()


def vanish(wires, dns, targets, options):
    """One thing after another, until all are through."""
    for turn in range(options.breaks):
        time.sleep(random.random() * options.seconds)
        silent = turn % 2 == 0
        who = (("the resolver", dns), ("the targets", targets), ("both", [*dns, *targets]))[turn % 3]
        with wires.broken(*who[1], silent=silent):
            time.sleep(random.random() * options.seconds)
        print(f"  {who[0]} vanished, {'silent' if silent else 'refusing'}", flush=True)


def break_wires(target, wires, dns, targets, options, records, complain):
    with Witness(target.server, records, complain) as witness:
        with target.start("--clients", options.clients, "--issuances", options.clients, "--duration",
                          int(options.breaks * options.seconds) + 2, "--retry", "--timeout", 60 * SLOW, "--fresh-connections",
                          "--records", records) as load:
            vanish(wires, dns, targets, options)
            code, summary = finish(load)
    describe("while wires break", code, summary)
    if not summary.get("issued"):
        complain("nothing was issued while wires broke")
    return witness


def run(options, records, wrong):
    front, resolver, web = free_port(), free_port(), free_port()
    target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}, "wfe": {"url": f"https://localhost:{front}"},
                     "va": {"resolvers": [f"127.0.0.1:{resolver}"], "http_port": web, "retries": 3}})
    try:
        with Wires() as wires:
            clients = wires.tcp(front, target.server.port, fates(resets=100, freezes=5))
            dns = [wires.udp(resolver, target.dns_port), wires.tcp(resolver, target.dns_port)]
            targets = [wires.tcp(web, target.http_port)]
            target.directory = f"https://localhost:{front}/directory"
            witness = break_wires(target, wires, dns, targets, options, records, wrong.append)
            print(f"  {clients.met['reset']} connections reset, {clients.met['freeze']} stopped half-way", flush=True)
            if not clients.met["reset"]:
                wrong.append("no connection was reset, so nothing was shown")
            clients.fate = fates(0, 0)
            code, summary = target.run("--clients", 8, "--issuances", 50, "--records", records)
            describe("afterwards", code, summary)
            if code != 0:
                wrong.append("an issuance failed when all was mended")
        database, told = Database(target.server.home), Told(records)
        settle(database)
        ledger = read_ledger(target.server.home)
        check(told, database, ledger, wrong.append)
        witness.check(database)
        print(f"{len(told.certificates)} certificates handed out, {len(ledger)} in the ledger", flush=True)
        if target.server.stop() != 0 or "role died" in target.server.log():
            wrong.append("a role died, or the server's exit code is not 0")
    finally:
        if wrong:
            print(target.server.log()[-4000:])
        target.close()


def main():
    options, wrong = parse(), []
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="signet-network-") as folder:
        run(options, os.path.join(folder, "records"), wrong)
    for line in wrong[:20]:
        print("WRONG:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
