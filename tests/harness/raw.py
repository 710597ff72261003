"""HTTP byte by byte, over TLS or not."""
import socket
import ssl


def tls_context(server, **versions):
    context = ssl.create_default_context(cafile=server.root)
    for name, value in versions.items():
        setattr(context, name, value)
    return context


def connect(server, context=None, timeout=10, plain=False):
    sock = socket.create_connection(("127.0.0.1", server.plain_port if plain else server.port), timeout)
    return sock if plain else (context or tls_context(server)).wrap_socket(sock, server_hostname="localhost")


class Answer:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/") else None
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()


def read_all(sock):
    """What comes until the end of the connection, however it ends."""
    data = b""
    try:
        while True:
            piece = sock.recv(65536)
            if not piece:
                break
            data += piece
    except (OSError, ssl.SSLError):
        pass
    return data


def exchange(server, data, plain=False, timeout=10):
    """Sends data, reads until the other side closes; None when it closed without a word."""
    with connect(server, plain=plain, timeout=timeout) as sock:
        try:
            sock.sendall(data)
        except OSError:
            pass
        answer = read_all(sock)
    return Answer(answer) if answer else None


def read_one(sock):
    """One answer with a Content-Length, from a connection that stays open."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return Answer(data)
        data += piece
    length = int(Answer(data).headers["content-length"])
    while len(Answer(data).body) < length:
        data += sock.recv(65536)
    return Answer(data)
