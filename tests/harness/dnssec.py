"""Real name servers from Debian's packages: NSD with signed zones, which a test may spoil afterwards, and Unbound, which
validates. Run by the test itself, as whoever runs it, in the network namespace where they are made.

    zone = SignedZone(folder, "signed.test", "nas 60 A 10.7.0.2")
    zone.replace(" A\t10.7.0.2", " A\t10.7.0.66")       # after it was signed
    with dns:
        nsd = Nsd(folder, "10.7.0.54", [zone])
        unbound = Unbound(folder, "10.7.0.53", [(zone, "10.7.0.54")])
"""
import os
import shutil
import socket
import subprocess
import time

UNPACKED = os.path.join(os.path.dirname(__file__), "../../build/clients/debian/usr/sbin")


def program(name):
    found = shutil.which(name, path=f"/usr/sbin:/usr/bin:/sbin:/bin:{UNPACKED}")
    assert found, f"{name} is missing: make test-deps installs it"
    return found


class SignedZone:
    """records: lines of a zone file, relative to it. anchor: the line that a resolver trusts, or None when unsigned.
    until: "20200101", when its signatures end; else in four weeks."""

    def __init__(self, folder, name, *records, signed=True, until=None):
        self.name, self.anchor = name, None
        self.file = os.path.join(folder, name + ".zone")
        with open(self.file, "w", encoding="ascii") as f:
            f.write(f"$ORIGIN {name}.\n$TTL 60\n@ SOA ns admin 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n" +
                    "".join(record + "\n" for record in records))
        if signed:
            self._sign(folder, until)

    def _sign(self, folder, until):
        key = subprocess.run([program("ldns-keygen"), "-k", "-a", "ECDSAP256SHA256", self.name], cwd=folder, check=True,
                             capture_output=True, text=True).stdout.strip()
        times = ["-i", "20190101", "-e", until] if until else []
        subprocess.run([program("ldns-signzone"), *times, "-f", self.file + ".signed", self.file, key], cwd=folder, check=True,
                       capture_output=True)
        self.file += ".signed"
        with open(os.path.join(folder, key + ".key"), encoding="ascii") as f:
            self.anchor = f.read().strip()

    def lines(self):
        with open(self.file, encoding="ascii") as f:
            return f.read().splitlines()

    def change(self, name, kind, change):
        """Every record of that name and type goes through change(), which returns its new line or None. Signatures are of
        type "RRSIG KIND"."""
        kept, changed = [], 0
        for line in self.lines():
            fields = line.split()
            if len(fields) > 4 and fields[0] == f"{name}.{self.name}." and " ".join(fields[3:]).startswith(kind):
                line, changed = change(line), changed + 1
            kept += [line] if line is not None else []
        assert changed, f"{name} has no {kind}"
        with open(self.file, "w", encoding="ascii") as f:
            f.write("\n".join(kept) + "\n")


class _Daemon:
    def __init__(self, address, command, log):
        self.address, self._log = f"{address}:53", log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + 10
        while not self._answers(address):
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.02)

    def log(self):
        with open(self._log, encoding="utf-8", errors="replace") as f:
            return f.read()

    @staticmethod
    def _answers(address):
        try:
            socket.create_connection((address, 53), 1).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


class Nsd(_Daemon):
    def __init__(self, folder, address, zones):
        config = os.path.join(folder, "nsd.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"""server:
  ip-address: {address}@53
  zonesdir: "{folder}"
  username: ""
  chroot: ""
  pidfile: ""
  database: ""
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: {zone.name}\n  zonefile: "{zone.file}"\n' for zone in zones))
        super().__init__(address, [program("nsd"), "-d", "-c", config], os.path.join(folder, "nsd.log"))


class Unbound(_Daemon):
    def __init__(self, folder, address, zones):
        """zones: each with the address of its name server. What has an anchor must verify."""
        config = os.path.join(folder, "unbound.conf")
        anchors = "".join(f'  trust-anchor: "{zone.anchor}"\n' for zone, _ in zones if zone.anchor).replace("\t", " ")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"""server:
  interface: {address}
  outgoing-interface: {address}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  module-config: "validator iterator"
  local-zone: "test." nodefault
  ede: yes
  val-log-level: 2
{anchors}""" + "".join(f"stub-zone:\n  name: {zone.name}\n  stub-addr: {where}\n" for zone, where in zones))
        super().__init__(address, [program("unbound"), "-d", "-c", config], os.path.join(folder, "unbound.log"))
