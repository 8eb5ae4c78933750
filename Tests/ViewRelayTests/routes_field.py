#!/usr/bin/python3
"""One scenario against the built relay on a routes file, without a controller: a real Xvnc and programs played here.

usage: routes_field.py RELAY SCENARIO; exit status 0 when it holds, else what was wrong on standard error.
"""
import atexit, json, os, socket, ssl, struct, subprocess, sys, tempfile, threading, time
from relay_field import (
    ACT, CUT, GONE, WATCH, Field, WebSocket, bytes_of, encodings, handshake, head, picture, play, read,
    rest)

PROGRAM, OPEN = "1" * 32, "2" * 32


class Routes(Field):
    """The relay with a file of routes; programs listen where those lead."""

    def __init__(self, relay, *more, lines=None):
        self.folder = tempfile.mkdtemp(prefix="mwrel", dir="/tmp")
        self.path = lambda name: os.path.join(self.folder, name)
        self.children, self.binary = [], relay
        atexit.register(self.leave_nobody)
        for name in ("public", "direct"):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                 "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                 self.path(name + ".key"), "-out", self.path(name + ".crt")], check=True, capture_output=True)
        secret = subprocess.run(["vncpasswd", "-f"], input=b"testtest\n", capture_output=True).stdout
        with open(self.path("passwd"), "wb") as file:
            file.write(secret)
        with open(self.path("xvnc.log"), "w") as file:
            file.write("")
        self.start_xvnc()
        # A program's part of a connection, by what the scenario puts here.
        self.program = echo
        self.door = socket.create_server(("127.0.0.1", 0), backlog=200)
        threading.Thread(target=self.serve_program, args=(self.door,), daemon=True).start()
        self.listen("program.sock", lambda peer: self.program(peer))
        self.write(lines or self.usual())
        self.log = open(self.path("relay.log"), "w+")
        self.relay = subprocess.Popen(self.command(*more), stderr=self.log)
        self.children.append(self.relay)
        self.port = int(self.until(self.announced, "relay listens").rsplit(":", 1)[1])

    def command(self, *more):
        return [
            self.binary, "--listen", "127.0.0.1:0", "--cert", self.path("public.crt"), "--key", self.path("public.key"),
            "--direct-cert", self.path("direct.crt"), "--direct-key", self.path("direct.key"), "--routes",
            self.path("routes"), *more]

    def serve_program(self, door):
        while True:
            peer, _ = door.accept()
            threading.Thread(target=lambda: self.program(peer), daemon=True).start()

    def usual(self):
        return [
            "# who goes where", "", "%s rfb unix:%s   # alice" % (ACT, self.path("rfb.sock")),
            "%s rfb unix:%s readonly" % (WATCH, self.path("rfb.sock")),
            "%s tcp 127.0.0.1:%d" % (PROGRAM, self.door.getsockname()[1]),
            "%s tcp unix:%s" % (CUT, self.path("program.sock"))]

    def write(self, lines):
        """A new file in the old one's place."""
        with open(self.path("routes.new"), "w") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(self.path("routes.new"), self.path("routes"))

    def ways(self, token):
        """A viewer each way in, with what its bytes go through."""
        yield connect(self, token)
        yield connect_in_clear(self, token)
        yield WebSocket(self.tls(), token, "binary")
        yield WebSocket(self.tls(), token, "base64")


def echo(peer):
    """Gives back what it hears, and ends when the other side has ended."""
    while True:
        bytes = peer.recv(65536)
        if not bytes:
            return peer.close()
        peer.sendall(bytes)


def connect(field, token):
    peer = field.tls()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % token.encode())
    answer = head(peer)
    assert b" 200 " in answer, answer
    return peer


def connect_in_clear(field, token):
    peer = field.tcp()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % token.encode())
    answer = head(peer)
    assert b" 200 " in answer, answer
    return field.secure(peer, "direct")


def asked(field, token):
    """The status a token is answered with."""
    peer = field.tls()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % token.encode())
    status = head(peer).split()[1]
    peer.close()
    return int(status)


def ended(viewer):
    """Whether the relay ended it, by now."""
    viewer.settimeout(10)
    rest(viewer)
    return True


def log_lines(field, event):
    return [line for line in map(json.loads, open(field.path("relay.log"))) if line["event"] == event]


# Scenarios.

def every_way_in(field):
    for viewer in field.ways(ACT):
        picture(viewer, *handshake(viewer))
    assert asked(field, GONE) == 403
    assert " 403 " in WebSocket(field.tls(), GONE, "binary").answer
    peer = field.tls()
    peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 404 " in head(peer)
    assert ACT not in open(field.path("relay.log")).read(), "a token in the log"


def bytes_pass_unread(field):
    """Every byte, whatever it would mean in RFB, both ways and in pieces of all sizes."""
    data = bytes(range(256)) * 300
    for token in (PROGRAM, CUT):
        for viewer in field.ways(token):
            start = 0
            for size in list(range(1, 300, 7)) + [1000, 16384, 16385, 40000]:
                piece = (data[start:] + data)[:size]
                viewer.sendall(piece)
                assert read(viewer, size) == piece
                start = (start + size) % len(data)
    # What comes in the opening's own read belongs to the program.
    peer = field.tls()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\nat once" % PROGRAM.encode())
    head(peer)
    assert read(peer, 7) == b"at once"


def display_without_password(field):
    """A display that offers None is shown so, to viewers of every version."""
    number = field.number + 1
    while os.path.exists("/tmp/.X%d-lock" % number):
        number += 1
    display = subprocess.Popen(
        ["Xvnc", ":%d" % number, "-geometry", "640x480", "-depth", "24", "-nolisten", "tcp", "-rfbunixpath",
         field.path("none.sock"), "-rfbport", "-1", "-SecurityTypes", "None", "-AlwaysShared", "-extension", "GLX"],
        stderr=subprocess.DEVNULL)
    field.children.append(display)
    field.until(lambda: os.path.exists(field.path("none.sock")), "Xvnc without a password")
    field.write(field.usual() + ["%s rfb unix:%s" % (OPEN, field.path("none.sock"))])
    field.until(lambda: asked(field, OPEN) == 200, "the new route")
    for version in (b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"):
        viewer = connect(field, OPEN)
        picture(viewer, *handshake(viewer, version, none=True))
        viewer.close()


def display_by_name(field):
    """A host is looked up by its name, each of its addresses tried, and one that nobody knows refused."""
    port = field.door.getsockname()[1]
    field.write(["%s tcp localhost:%d" % (PROGRAM, port), "%s tcp no-such-host.invalid:1" % OPEN])
    field.until(lambda: asked(field, OPEN) == 502, "the new routes")
    viewer = connect(field, PROGRAM)
    viewer.sendall(b"hello")
    assert read(viewer, 5) == b"hello"


def desktop(field):
    viewer = connect(field, ACT)
    size = handshake(viewer)
    viewer.close()
    return size


def readonly_watches(field):
    for token, size in ((WATCH, (640, 480)), (ACT, (800, 600))):
        viewer = connect(field, token)
        shape = handshake(viewer)
        viewer.sendall(encodings(0, -308))
        viewer.sendall(
            struct.pack("!BBHHBB", 251, 0, 800, 600, 1, 0) + struct.pack("!IHHHHI", 0, 0, 0, 800, 600, 0))
        viewer.sendall(struct.pack("!BBHHHH", 3, 0, 0, 0, *shape))
        read(viewer, 4)
        if token == WATCH:
            assert desktop(field) == size
        else:
            field.until(lambda: desktop(field) == size, "the desktop's new size")
        viewer.close()


def changed_file_is_read(field):
    """Changed in place or replaced, twice within a second too; a viewer whose line stays, stays."""
    stays = connect(field, PROGRAM)
    assert asked(field, OPEN) == 403
    line = "%s tcp 127.0.0.1:%d" % (OPEN, field.door.getsockname()[1])
    field.write(field.usual() + [line])
    field.until(lambda: asked(field, OPEN) == 200, "the new route")
    field.write(field.usual())
    field.until(lambda: asked(field, OPEN) == 403, "the route's end")
    with open(field.path("routes"), "a") as file:
        file.write(line + "\n")
    field.until(lambda: asked(field, OPEN) == 200, "the route again")
    # Same size, and perhaps the same time.
    with open(field.path("routes"), "r+") as file:
        text = file.read().replace(OPEN, GONE)
        file.seek(0)
        file.write(text)
    field.until(lambda: asked(field, GONE) == 200 and asked(field, OPEN) == 403, "another token")
    stays.sendall(b"here")
    assert read(stays, 4) == b"here"


def broken_file_keeps_the_old(field):
    viewer = connect(field, PROGRAM)
    field.write(field.usual()[:2] + ["%s rfb nowhere" % OPEN, "%s tcp 127.0.0.1:1" % GONE])
    field.until(lambda: log_lines(field, "routes kept"), "the mistake in the log")
    mistake = log_lines(field, "routes kept")[0]["mistake"]
    assert mistake.startswith("line 3: expected unix:/path") and OPEN not in mistake, mistake
    assert asked(field, GONE) == 403 and asked(field, PROGRAM) == 200
    os.unlink(field.path("routes"))
    field.until(lambda: len(log_lines(field, "routes kept")) == 2, "the file's loss in the log")
    assert asked(field, PROGRAM) == 200
    viewer.sendall(b"here")
    assert read(viewer, 4) == b"here"
    field.write(["%s tcp unix:%s" % (OPEN, field.path("program.sock"))])
    field.until(lambda: asked(field, OPEN) == 200, "the good file")
    assert len(log_lines(field, "routes kept")) == 2, "told once"


def broken_file_stops_a_start(field):
    for lines, said in (
            (["", "%s rfb nowhere" % OPEN, "x"], b"line 2: expected unix:/path"), (None, b"No such file")):
        if lines is None:
            os.unlink(field.path("routes"))
        else:
            field.write(lines)
        started = subprocess.run(field.command(), capture_output=True, timeout=20)
        assert started.returncode == 78 and said in started.stderr, started


def narrowed_permission_cuts(field):
    """Only watching now, leading elsewhere now, or gone: cut. Allowed as much or more: not."""
    lines = field.usual()
    acting, program, watching, other = (connect(field, token) for token in (ACT, PROGRAM, WATCH, CUT))
    for viewer in (acting, watching):
        picture(viewer, *handshake(viewer))
    opening = connect(field, ACT)
    field.write([
        lines[2].replace("#", "readonly #"), lines[3].replace(" readonly", ""), "%s tcp 127.0.0.1:1" % PROGRAM, lines[5]])
    began = time.monotonic()
    assert ended(acting) and ended(program) and ended(opening)
    assert time.monotonic() - began < 5
    picture(watching, 640, 480)
    other.sendall(b"here")
    assert read(other, 4) == b"here"
    field.write(lines[:2])
    assert ended(watching) and ended(other)
    # One of them was opened, and never became a view.
    field.until(
        lambda: [line["cause"] for line in log_lines(field, "view ended")].count("revoked") == 5, "five views' ends")


def unreachable_display(field):
    """A connection that fails or never comes is refused in time."""
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    field.write([
        "%s tcp 127.0.0.1:%d" % (PROGRAM, port), "%s tcp unix:%s" % (OPEN, field.path("nothing.sock")),
        "%s rfb unix:%s" % (ACT, field.path("rfb.sock"))])
    field.until(lambda: asked(field, OPEN) == 502, "the new routes")
    assert asked(field, PROGRAM) == 502
    # A host that does not answer is given up with the opening's time.
    field.write(["%s tcp 192.0.2.1:9" % OPEN])
    peer = field.tls()
    field.until(lambda: asked(field, PROGRAM) == 403, "the new routes again")
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % OPEN.encode())
    assert b" 200 " not in rest(peer)


def many_loops(field):
    """Each loop serves, hears of a changed file, and cuts."""
    viewers = [connect(field, PROGRAM) for _ in range(60)]
    for viewer in viewers:
        viewer.sendall(b"hello")
    for viewer in viewers:
        assert read(viewer, 5) == b"hello"
    threads = os.listdir("/proc/%d/task" % field.relay.pid)
    assert len(threads) >= 4, threads
    field.write(field.usual()[:3])
    for viewer in viewers:
        assert ended(viewer)
    assert asked(field, PROGRAM) == 403


def tcp_cannot_be_readonly(field):
    """Bytes nobody reads cannot be only watched."""
    field.write(["%s tcp 127.0.0.1:1 readonly" % OPEN])
    field.until(lambda: log_lines(field, "routes kept"), "the mistake in the log")
    assert "cannot be readonly" in log_lines(field, "routes kept")[0]["mistake"]
    assert field.relay.poll() is None


def counting(field):
    """A program that tells how much it heard when the other side has ended, then ends."""
    def program(peer):
        count = 0
        while True:
            bytes = peer.recv(65536)
            if not bytes:
                break
            count += len(bytes)
        peer.sendall(b"%d bytes" % count)
        peer.close()
    field.program = program


def finish(viewer):
    """TLS's end and then TCP's, of our direction only."""
    raw = socket.socket(fileno=os.dup(viewer.fileno()))
    viewer.settimeout(15)
    # ssl.SSLSocket.unwrap waits for the peer's close_notify: here only ours is sent.
    raw.shutdown(socket.SHUT_WR)
    raw.close()


def viewer_ends_first(field):
    """The program hears the viewer's end, and its answer still arrives; in TLS 1.3 and by TCP's end alone."""
    counting(field)
    for way in (connect, connect_in_clear):
        for token in (PROGRAM, CUT):
            viewer = way(field, token)
            viewer.sendall(b"x" * 100_000)
            finish(viewer)
            assert rest(viewer) == b"100000 bytes"
    # With a close_notify, while the relay's direction stays open.
    memory = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = field.tcp()
    context = ssl.create_default_context(cafile=field.path("public.crt"))
    layer = context.wrap_bio(*memory, server_hostname="127.0.0.1")

    def pump(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                peer.sendall(memory[1].read())
                memory[0].write(peer.recv(65536))
            finally:
                peer.sendall(memory[1].read())
    pump(layer.do_handshake)
    pump(lambda: layer.write(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n1234" % PROGRAM.encode()))
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += pump(lambda: layer.read(1))
    try:
        layer.unwrap()
    except ssl.SSLWantReadError:
        pass
    peer.sendall(memory[1].read())
    peer.settimeout(15)
    sealed = b""
    while True:
        more = peer.recv(65536)
        if not more:
            break
        sealed += more
    # What came back is the count and a close_notify, sealed: two records.
    assert sealed[0] == 23 and len(sealed) >= 5 + 7 + 17 + 5 + 2 + 17, sealed
    field.until(lambda: len(log_lines(field, "view ended")) == 5, "the views' ends")
    assert all(line["cause"] == "viewer left" for line in log_lines(field, "view ended"))


def program_ends_first(field):
    """The viewer hears the program's end by close_notify, and what it says then still arrives."""
    heard = []

    def program(peer):
        peer.sendall(b"that is all")
        peer.shutdown(socket.SHUT_WR)
        bytes = b""
        while True:
            more = peer.recv(65536)
            if not more:
                break
            bytes += more
        heard.append(bytes)
        peer.close()
    field.program = program
    for way in (connect, connect_in_clear):
        viewer = way(field, PROGRAM)
        assert rest(viewer) == b"that is all"
        viewer.sendall(b"y" * 200_000)
        finish(viewer)
        field.until(lambda: heard, "what the viewer said")
        assert heard.pop() == b"y" * 200_000
    field.until(lambda: len(log_lines(field, "view ended")) == 2, "the views' ends")
    assert all(line["cause"] == "display ended" for line in log_lines(field, "view ended"))


def ends_wait_for_slow_readers(field):
    """An end never overtakes the bytes before it, however slowly they are read."""
    size = 8 * 1024 * 1024
    reads, told = threading.Event(), []

    def program(peer):
        reads.wait()
        count = 0
        while True:
            more = peer.recv(65536)
            if not more:
                break
            count += len(more)
        told.append(count)
        peer.sendall(bytes(size))
        peer.close()
    field.program = program
    viewer = connect(field, PROGRAM)
    viewer.settimeout(40)
    sender = threading.Thread(target=lambda: (viewer.sendall(bytes(size)), finish(viewer)), daemon=True)
    sender.start()
    time.sleep(1)
    reads.set()
    field.until(lambda: told, "the program's count", 30)
    assert told == [size], told
    time.sleep(1)
    assert len(rest(viewer)) == size


def websocket_ends_at_once(field):
    """A WebSocket's close is the end of both directions; what was said before it still goes on."""
    size, reads, told = 70 * 60_000, threading.Event(), []

    def program(peer):
        reads.wait()
        count = 0
        while True:
            try:
                more = peer.recv(65536)
            except OSError:
                break
            if not more:
                break
            count += len(more)
        told.append(count)
        peer.close()
    field.program = program
    viewer = WebSocket(field.tls(), PROGRAM, "binary")
    piece = viewer.frame(2, bytes(60_000))

    def send():
        for _ in range(size // 60_000):
            viewer.peer.sendall(piece)
        viewer.peer.sendall(viewer.frame(8, struct.pack("!H", 1000)))
    viewer.peer.settimeout(40)
    threading.Thread(target=send, daemon=True).start()
    time.sleep(1)
    reads.set()
    field.until(lambda: told, "the program's count", 30)
    assert told == [size], told
    assert viewer.recv(1) == b"" and viewer.close_code == 1000
    # The program's end is a close frame.
    field.program = lambda peer: (peer.sendall(b"all"), peer.close())
    viewer = WebSocket(field.tls(), PROGRAM, "binary")
    assert read(viewer, 3) == b"all"
    assert viewer.recv(1) == b"" and viewer.close_code == 1000


def broken_viewer_ends_the_program(field):
    """A reset after a half-close still ends everything."""
    over = threading.Event()

    def program(peer):
        while peer.recv(65536):
            pass
        try:
            while True:
                peer.sendall(b"more")
                time.sleep(0.01)
        except OSError:
            over.set()
    field.program = program
    viewer = connect(field, PROGRAM)
    finish(viewer)
    assert read(viewer, 4) == b"more"
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    viewer.close()
    assert over.wait(10), "the program goes on"
    field.until(lambda: log_lines(field, "view ended"), "the view's end")


def main():
    more = {"many_loops": ["--loops", "3"], "unreachable_display": ["--opening-timeout", "3"]}
    play(Routes(sys.argv[1], *more.get(sys.argv[2], [])), globals()[sys.argv[2]])


if __name__ == "__main__":
    main()
