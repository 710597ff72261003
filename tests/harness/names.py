"""A DNS server whose answers a test sets, by UDP and TCP; on loopback unless host says otherwise."""
import copy
import os
import socket
import socketserver
import threading
import time

from dnslib import AAAA, CAA, CNAME, EDNS0, EDNSOption, NS, QTYPE, RCODE, RD, RR, TXT, A, DNSRecord

from .ports import free_port


class Names:
    """Every name below .test has the address usual, unless set() says otherwise; others are NXDOMAIN.

    set(name, a=[...], aaaa=[...], cname=..., rcode="SERVFAIL", delay=seconds, truncate=True, silent=True,
        txt=["one record", ["its", "strings"]], caa=[(0, "issue", "ca.test")], raw={"CAA": [bytes]},
        ns=["ns.corp.test"], aa=True, ad=True, ede=(6, "text"), unchecked={...},     # unchecked: with CD
        edns=False,                 # FORMERR to a question with EDNS, as RFC 6891, 7 has it of who doesn't know it
        forged="127.0.0.9",         # before the answer come twenty with that address, as from who guesses the id
        then={...},                 # what it is from the second question of a type on
        lower=True,                 # the question comes back in lower case, by UDP
        only="CAA")                 # rcode, delay, truncate and silent are for that type; others as if not set
    heard: each question by UDP as it came, and the port that it came from.
    txt(name, value) adds a TXT record. folder: TXT records are also the lines of the files there, by their names, for
    clients' hooks.
    """

    def __init__(self, port=None, host="127.0.0.1", usual="127.0.0.1"):
        self.port = port or free_port()
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.usual = [usual]
        self.zones = {}
        self.asked, self.heard = [], []
        self.folder = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._udp = _made(_Udp, family)((host, self.port), _UdpHandler)
        self._tcp = _made(_Tcp, family)((host, self.port), _TcpHandler)
        for server in (self._udp, self._tcp):
            server.names = self
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def set(self, name, **what):
        self.zones[name.lower()] = what
        return name

    def keep(self):
        return copy.deepcopy(self.zones), self.usual, self.folder

    def put_back(self, kept):
        self.zones, self.usual, self.folder = kept

    def txt(self, name, value):
        self.zones.setdefault(name.lower(), {}).setdefault("txt", []).append(value)

    def close(self):
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def answer(self, data, by_tcp):
        """The answer's bytes, or None for silence."""
        query = DNSRecord.parse(data)
        name = str(query.q.qname).rstrip(".").lower()
        kind = QTYPE.get(query.q.qtype)
        self.asked.append((name, kind, "tcp" if by_tcp else "udp"))
        what = self.zones.get(name)
        if what is None:
            what = {"a": self.usual} if name.endswith(".test") else {"rcode": "NXDOMAIN"}
        if "then" in what and self.asked.count((name, kind, "tcp" if by_tcp else "udp")) > 1:
            what = what["then"]
        if what.get("only", kind) != kind:
            what = {key: what[key] for key in what if key not in ("rcode", "delay", "truncate", "silent", "only")}
            what.setdefault("a", self.usual)
        time.sleep(what.get("delay", 0))
        if what.get("silent"):
            return None
        if query.header.cd and "unchecked" in what:
            what = what["unchecked"]
        reply = query.reply(ra=1, aa=1 if what.get("aa") else 0)
        reply.header.ad = 1 if what.get("ad") else 0
        if what.get("lower") and not by_tcp:
            reply.questions[0].qname = name
        if "ede" in what:
            code, text = what["ede"]
            reply.add_ar(EDNS0(opts=[EDNSOption(15, code.to_bytes(2, "big") + text.encode())]))
        if not what.get("edns", True) and query.ar:
            reply.header.rcode = RCODE.FORMERR
            return reply.pack()
        reply.header.rcode = getattr(RCODE, what.get("rcode", "NOERROR"))
        if what.get("truncate") and not by_tcp:
            reply.header.tc = 1
            return reply.pack()
        self._fill(reply, query.q.qname, kind, what)
        packed = reply.pack()
        if not by_tcp and len(packed) > max([512] + [rr.rclass for rr in query.ar if rr.rtype == QTYPE.OPT]):
            reply.header.tc, reply.rr = 1, []           # RFC 1035, 4.2.1; RFC 6891, 6.2.3
            return reply.pack()
        return packed

    def forgeries(self, data):
        query = DNSRecord.parse(data)
        address = self.zones.get(str(query.q.qname).rstrip(".").lower(), {}).get("forged")
        for number in range(1, 21) if address and query.q.qtype == QTYPE.A else ():
            reply = query.reply(ra=1)
            reply.header.id ^= number
            reply.add_answer(RR(query.q.qname, QTYPE.A, ttl=0, rdata=A(address)))
            yield reply.pack()

    def _fill(self, reply, name, kind, what):
        if "cname" in what:
            reply.add_answer(RR(name, QTYPE.CNAME, ttl=0, rdata=CNAME(what["cname"])))
            name = what["cname"]
            what = self.zones.get(name.lower(), {"a": self.usual})
        for strings in what.get("txt", []) + self._lines(name) if kind == "TXT" else []:
            strings = [strings] if isinstance(strings, (str, bytes)) else strings
            reply.add_answer(RR(name, QTYPE.TXT, ttl=0, rdata=TXT(strings)))
        for flags, tag, value in what.get("caa", []) if kind == "CAA" else []:
            reply.add_answer(RR(name, QTYPE.CAA, ttl=0, rdata=CAA(flags, tag, value)))
        for data in what.get("raw", {}).get(kind, []):
            reply.add_answer(RR(name, getattr(QTYPE, kind), ttl=0, rdata=RD(data)))
        for server in what.get("ns", []) if kind == "NS" else []:
            reply.add_answer(RR(name, QTYPE.NS, ttl=0, rdata=NS(server)))
        for address in what.get("a", []) if kind == "A" else []:
            reply.add_answer(RR(name, QTYPE.A, ttl=0, rdata=A(address)))
        for address in what.get("aaaa", []) if kind == "AAAA" else []:
            octets = tuple(socket.inet_pton(socket.AF_INET6, address))     # dnslib reads no mapped addresses
            reply.add_answer(RR(name, QTYPE.AAAA, ttl=0, rdata=AAAA(octets)))


    def _lines(self, name):
        try:
            with open(os.path.join(self.folder, str(name).rstrip(".").lower()), encoding="ascii") as f:
                return f.read().split()
        except (OSError, TypeError):
            return []


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True
    max_packet_size = 4096

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        super().server_bind()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _made(kind, family):
    return type(kind.__name__, (kind,), {"address_family": family})


class _UdpHandler(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        self.server.names.heard.append((data, self.client_address[1]))
        for forgery in self.server.names.forgeries(data):
            sock.sendto(forgery, self.client_address)
        answer = self.server.names.answer(data, False)
        if answer is not None:
            sock.sendto(answer, self.client_address)


class _TcpHandler(socketserver.BaseRequestHandler):
    def handle(self):
        head = self.request.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            return
        data = self.request.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
        answer = self.server.names.answer(data, True)
        if answer is not None:
            self.request.sendall(len(answer).to_bytes(2, "big") + answer)
