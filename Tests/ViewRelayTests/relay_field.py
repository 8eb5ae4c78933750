#!/usr/bin/python3
"""One scenario against the built relay, a real Xvnc, and a data link and a controller played here.

usage: relay_field.py RELAY SCENARIO; exit status 0 when it holds, else what was wrong on standard error.
"""
import atexit, base64, ctypes, hashlib, json, os, pwd, shutil, signal, socket, ssl, struct, subprocess, sys, tempfile, threading, time

# A test runs on a thread that blocks every signal, and children inherit that: Xvnc and relay must hear SIGTERM.
signal.pthread_sigmask(signal.SIG_SETMASK, [])

ACT, WATCH, RELAYED, GONE, CUT = "a" * 32, "b" * 32, "c" * 32, "d" * 32, "e" * 32
PASSWORD = "testtest"


class Field:
    def __init__(self, relay, *more, settings=None):
        self.folder = tempfile.mkdtemp(prefix="mwrel", dir="/tmp")
        self.path = lambda name: os.path.join(self.folder, name)
        self.requests, self.children = [], []
        atexit.register(self.leave_nobody)
        self.cut_next = []
        # Another display server than Xvnc: what it does with a connection.
        self.display = None
        # What the controller answers instead of "done", by the request's name: None is nothing, a function is asked.
        self.answers = {}
        self.control_peers, self.data_peers, self.hung_up = [], [], []
        for name in ("public", "direct"):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                 "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                 self.path(name + ".key"), "-out", self.path(name + ".crt")], check=True, capture_output=True)
        secret = subprocess.run(["vncpasswd", "-f"], input=PASSWORD.encode() + b"\n", capture_output=True).stdout
        with open(self.path("passwd"), "wb") as file:
            file.write(secret)
        self.start_xvnc()
        self.data = self.listen("data.sock", self.serve_data)
        self.start_controller()
        self.web = self.listen("web.sock", self.serve_web)
        if settings:
            with open(self.path("maxwell.yaml"), "w") as file:
                file.write(settings)
            more += ("--config", self.path("maxwell.yaml"), "--user", pwd.getpwuid(os.getuid()).pw_name)
        self.log = open(self.path("relay.log"), "w+")
        self.relay = subprocess.Popen(
            [relay, "--listen", "127.0.0.1:0", "--cert", self.path("public.crt"), "--key", self.path("public.key"),
             "--direct-cert", self.path("direct.crt"), "--direct-key", self.path("direct.key"), "--web-socket",
             self.path("web.sock"), "--control-socket", self.path("control.sock"), *more], stderr=self.log)
        self.children.append(self.relay)
        self.port = int(self.until(self.announced, "relay listens").rsplit(":", 1)[1])

    def start_xvnc(self):
        for number in range(300 + os.getpid() % 3000, 9000):
            if os.path.exists("/tmp/.X%d-lock" % number):
                continue
            self.number = number
            self.xvnc = subprocess.Popen(
                ["Xvnc", ":%d" % number, "-geometry", "640x480", "-depth", "24", "-nolisten", "tcp",
                 "-rfbunixpath", self.path("rfb.sock"), "-rfbunixmode", "0600", "-rfbport", "-1", "-SecurityTypes",
                 "VncAuth", "-PasswordFile", self.path("passwd"), "-UseBlacklist=0",
                 "-AlwaysShared", "-extension", "GLX"], stderr=open(self.path("xvnc.log"), "w"))
            self.children.append(self.xvnc)
            self.until(lambda: self.is_open("rfb.sock") or self.xvnc.poll() is not None, "Xvnc")
            if self.xvnc.poll() is None:
                return
        raise Exception("no display number")

    def is_open(self, name):
        """Whether somebody listens there: the socket is in the folder a moment before that."""
        with socket.socket(socket.AF_UNIX) as door:
            return door.connect_ex(self.path(name)) == 0

    def announced(self):
        return next(iter(self.doors()), None)

    def doors(self):
        return [json.loads(line)["event"] for line in open(self.path("relay.log")) if "listening on " in line]

    def log_has(self, text):
        return text in open(self.path("relay.log")).read()

    def until(self, ask, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = ask()
            if answer:
                return answer
            time.sleep(0.01)
        raise Exception("never: " + what)

    def listen(self, name, serve):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path(name))
        listener.listen(50)

        def accept():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(peer,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        return listener

    def serve_data(self, peer):
        line = b""
        while not line.endswith(b"\n"):
            line += peer.recv(1)
        if line != b"RFB 7 0123\n":
            peer.sendall(b"NO key\n")
            return peer.close()
        if self.display:
            peer.sendall(b"OK\n")
            try:
                self.display(peer)
            except Exception:
                # Whoever it served has left.
                pass
            return peer.close()
        display = socket.socket(socket.AF_UNIX)
        display.connect(self.path("rfb.sock"))
        self.data_peers.append(peer)
        peer.sendall(b"OK\n")

        def pipe(a, b):
            try:
                while True:
                    bytes = a.recv(65536)
                    if not bytes:
                        break
                    b.sendall(bytes)
            except OSError:
                pass
            for end in (a, b):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        threading.Thread(target=pipe, args=(display, peer), daemon=True).start()
        pipe(peer, display)

    def serve_control(self, peer):
        self.control_peers.append(peer)
        try:
            self.answer_control(peer)
        except OSError:
            pass

    def answer_control(self, peer):
        for line in peer.makefile("rb"):
            frame = json.loads(line)
            kind, body = next(iter(frame["body"].items()))
            body = body.get("_0")
            self.requests.append((kind, body, time.monotonic()))
            if kind == "resolve":
                reply = {"refused": {"_0": {"userMessage": "no", "exitStatus": 77}}}
                if body["token"] != GONE and body["token"] in (ACT, WATCH, RELAYED, CUT):
                    reply = self.route(body["token"])
            elif kind == "viewBeats":
                reply = {"beats": {"cut": [beat["view"] for beat in body["views"]] if self.cut_next else []}}
            else:
                reply = self.answers.get(kind, {"done": {"_0": ""}})
                if callable(reply):
                    reply = reply(body)
            if reply is not None:
                peer.sendall(json.dumps({"id": frame["id"], "body": reply}).encode() + b"\n")

    def route(self, token):
        authentication = {"relay": {"password": PASSWORD}} if token == RELAYED else {"viewer": {}}
        self.last_view = len(self.requests)
        return {"route": {"_0": {
            "view": self.last_view, "session": 5, "socket": self.path("data.sock"), "display": 7, "key": "0123",
            "mode": "watch" if token == WATCH else "act", "kind": "rfb", "authentication": authentication}}}

    def stop_controller(self):
        """Nobody listens there any more."""
        self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        os.unlink(self.path("control.sock"))
        for peer in self.control_peers:
            peer.shutdown(socket.SHUT_RDWR)
            peer.close()
        self.control_peers = []

    def hang_up(self, peer):
        self.hung_up.append(time.monotonic())
        peer.close()

    def start_controller(self):
        self.control = self.listen("control.sock", self.serve_control)

    def serve_web(self, peer):
        bytes = b""
        while b"\r\n\r\n" not in bytes:
            bytes += peer.recv(65536)
        self.web_saw = bytes
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        peer.close()

    def told(self, wanted):
        """The requests of that name so far."""
        return [body for kind, body, _ in list(self.requests) if kind == wanted]

    def times(self, wanted):
        return [when for kind, _, when in list(self.requests) if kind == wanted]

    def ends(self):
        return self.told("viewClosed")

    def openings(self):
        return self.told("viewOpened")

    def end_of(self, view, seconds=60):
        """The end of one view, once it is reported."""
        return self.until(
            lambda: next((end for end in self.ends() if end["view"] == view), None), "view %d's end" % view, seconds)

    def watching(self, way):
        """A viewer whose view is open, with its opening."""
        viewer = way(self)
        view = self.last_view
        handshake(viewer, none=True)
        return viewer, self.until(
            lambda: next((opening for opening in self.openings() if opening["view"] == view), None), "the opening")

    def leave_nobody(self):
        """Where there was no field to close: whoever is left would keep the test run's pipes open."""
        for child in self.children:
            if child.poll() is None:
                child.kill()

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            child.wait()
        shutil.rmtree(self.folder)

    # Viewers.

    def tcp(self):
        peer = socket.create_connection(("127.0.0.1", self.port))
        peer.settimeout(15)
        return peer

    def secure(self, peer, name="public"):
        context = ssl.create_default_context(cafile=self.path(name + ".crt"))
        return context.wrap_socket(peer, server_hostname="127.0.0.1")

    def tls(self):
        return self.secure(self.tcp())


def read(peer, count):
    bytes = b""
    while len(bytes) < count:
        more = peer.recv(count - len(bytes))
        if not more:
            raise Exception("closed after %d of %d: %r" % (len(bytes), count, bytes[:80]))
        bytes += more
    return bytes


def head(peer):
    bytes = b""
    while not bytes.endswith(b"\r\n\r\n"):
        bytes += read(peer, 1)
    return bytes


def rest(peer):
    bytes = b""
    try:
        while True:
            more = peer.recv(65536)
            if not more:
                return bytes
            bytes += more
    except (ConnectionResetError, ssl.SSLEOFError):
        return bytes


class WebSocket:
    """Bytes over frames (RFC 6455)."""

    def __init__(self, peer, token, protocol):
        self.peer, self.base64, self.buffer, self.pongs = peer, protocol == "base64", b"", 0
        key = base64.b64encode(os.urandom(16)).decode()
        peer.sendall((
            "GET /websockify?token=%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
            "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n"
            % (token, key, protocol)).encode())
        self.answer = head(peer).decode()
        if " 101 " in self.answer:
            accept = base64.b64encode(
                hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
            assert accept in self.answer, self.answer
            assert "Sec-WebSocket-Protocol: " + protocol.split(",")[0] in self.answer, self.answer

    def frame(self, opcode, bytes, fin=0x80):
        mask = os.urandom(4)
        length = struct.pack("!B", 0x80 | len(bytes)) if len(bytes) < 126 else struct.pack("!BH", 0xFE, len(bytes))
        return bytes_of(fin | opcode) + length + mask + bytes_xor(bytes, mask)

    def sendall(self, bytes):
        if self.base64:
            self.peer.sendall(self.frame(1, base64.b64encode(bytes)))
        elif len(bytes) > 1:
            # Fragmented, with a ping in between.
            half = len(bytes) // 2
            self.peer.sendall(self.frame(2, bytes[:half], 0) + self.frame(9, b"hi") + self.frame(0, bytes[half:]))
        else:
            self.peer.sendall(self.frame(2, bytes))

    def recv(self, count):
        while not self.buffer:
            opcode, payload = self.message()
            if opcode == 8:
                self.close_code = struct.unpack("!H", payload[:2])[0]
                return b""
            if opcode == 10:
                assert payload == b"hi"
                self.pongs += 1
            if opcode in (1, 2):
                assert opcode == (1 if self.base64 else 2)
                self.buffer = base64.b64decode(payload) if self.base64 else payload
        bytes, self.buffer = self.buffer[:count], self.buffer[count:]
        return bytes

    def message(self):
        first, length = read(self.peer, 2)
        assert first & 0x80 and not length & 0x80
        if length == 126:
            length = struct.unpack("!H", read(self.peer, 2))[0]
        elif length == 127:
            length = struct.unpack("!Q", read(self.peer, 8))[0]
        return first & 15, read(self.peer, length)


def native(field):
    return connect_tls(field, RELAYED)


def websocket(field):
    return WebSocket(field.tls(), RELAYED, "binary")


def attend(viewer):
    """Plays a browser's part from here on: answers pings, and the goodbye."""
    def run():
        try:
            while True:
                opcode, payload = viewer.message()
                if opcode == 9:
                    viewer.peer.sendall(viewer.frame(10, payload))
                if opcode == 8:
                    viewer.peer.sendall(viewer.frame(8, payload))
                    return viewer.peer.close()
        except Exception:
            viewer.peer.close()
    viewer.peer.settimeout(None)
    threading.Thread(target=run, daemon=True).start()


def vanish(peer):
    """From here on nothing reaches the peer's kernel, as if its cable was cut: a filter that keeps 0 bytes."""
    class Instruction(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
    drop = Instruction(6, 0, 0, 0)
    peer.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", 1, ctypes.addressof(drop)))


def near(measured, expected, tolerance=0.3):
    assert abs(measured - expected) <= tolerance, "%.3f instead of %.3f" % (measured, expected)


def bytes_of(*numbers):
    return bytes(numbers)


def bytes_xor(data, mask):
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def des_answer(challenge):
    key = bytes(int("{:08b}".format(byte)[::-1], 2) for byte in PASSWORD.encode())
    return subprocess.run(
        ["openssl", "enc", "-des-ecb", "-provider", "legacy", "-provider", "default", "-nopad", "-K", key.hex()],
        input=challenge, capture_output=True, check=True).stdout


def handshake(viewer, version=b"RFB 003.008\n", none=False, greeting=None):
    assert (greeting or read(viewer, 12)) == b"RFB 003.008\n"
    viewer.sendall(version)
    expected = 1 if none else 2
    if version == b"RFB 003.003\n":
        assert read(viewer, 4) == bytes_of(0, 0, 0, expected)
    else:
        assert read(viewer, 2) == bytes_of(1, expected)
        viewer.sendall(bytes_of(expected))
    if not none:
        viewer.sendall(des_answer(read(viewer, 16)))
    if not none or version == b"RFB 003.008\n":
        assert read(viewer, 4) == bytes(4)
    viewer.sendall(bytes_of(0))
    return server_init(viewer)


def server_init(viewer):
    width, height = struct.unpack("!HH", read(viewer, 4))
    read(viewer, 16)
    read(viewer, struct.unpack("!I", read(viewer, 4))[0])
    return width, height


def encodings(*numbers):
    return struct.pack("!BBH", 2, 0, len(numbers)) + b"".join(struct.pack("!i", number) for number in numbers)


def picture(viewer, width, height):
    """A whole raw frame, at 32 bits; returns the number of its pixel bytes."""
    viewer.sendall(encodings(0) + struct.pack("!BBHHHH", 3, 0, 0, 0, width, height))
    kind, _, rectangles = struct.unpack("!BBH", read(viewer, 4))
    assert kind == 0
    total = 0
    for _ in range(rectangles):
        x, y, w, h, encoding = struct.unpack("!HHHHi", read(viewer, 12))
        assert encoding == 0
        total += len(read(viewer, w * h * 4))
    assert total == width * height * 4, total
    return total


def size_now(field):
    """The desktop's size as a fresh viewer is told it."""
    viewer = connect_tls(field, RELAYED)
    size = handshake(viewer, none=True)
    viewer.close()
    return size


def connect_tls(field, token):
    peer = field.tls()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\nHost: vncsession:%s\r\n\r\n" % (token.encode(), token.encode()))
    assert head(peer) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return peer


# Scenarios.

def wss_binary(field):
    socket = WebSocket(field.tls(), ACT, "binary, base64")
    size = handshake(socket)
    picture(socket, *size)
    assert socket.pongs > 0
    socket.peer.sendall(socket.frame(8, struct.pack("!H", 1000)))
    field.until(field.ends, "the view's end is reported")
    end = field.ends()[0]
    assert end["cause"] == "viewer left" and end["bytesToViewer"] > 640 * 480 * 4, end


def wss_base64(field):
    socket = WebSocket(field.tls(), ACT, "base64")
    picture(socket, *handshake(socket))


def connect_inside_tls(field):
    for version in (b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"):
        viewer = connect_tls(field, ACT)
        picture(viewer, *handshake(viewer, version))
        viewer.close()


def connect_with_early_bytes(field):
    peer = field.tls()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.0\r\n\r\nRFB 003.008\n" % ACT.encode() + bytes_of(2))
    head(peer)
    assert read(peer, 12) == b"RFB 003.008\n"
    assert read(peer, 2) == bytes_of(1, 2)
    peer.sendall(des_answer(read(peer, 16)) + bytes_of(1))
    assert read(peer, 4) == bytes(4)
    picture(peer, *server_init(peer))


def connect_in_clear(field):
    peer = field.tcp()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\nHost: x\r\n\r\n" % ACT.encode())
    assert head(peer) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    viewer = field.secure(peer, "direct")
    picture(viewer, *handshake(viewer))
    refused = field.tcp()
    refused.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\nHost: x\r\n\r\n" % GONE.encode())
    answer = rest(refused)
    assert answer.startswith(b"HTTP/1.1 403 "), answer


def relay_authenticates(field):
    for version in (b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"):
        viewer = connect_tls(field, RELAYED)
        picture(viewer, *handshake(viewer, version, none=True))
        viewer.close()


def wrong_token(field):
    assert " 403 " in WebSocket(field.tls(), GONE, "binary").answer
    assert " 403 " in WebSocket(field.tls(), "nonsense", "binary").answer
    peer = field.tls()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % GONE.encode())
    assert rest(peer).startswith(b"HTTP/1.1 403 ")
    field.until(lambda: field.log_has("token refused"), "a log line")
    assert not field.log_has(GONE) and not field.log_has("nonsense")


def wrong_password(field):
    viewer = connect_tls(field, ACT)
    read(viewer, 12)
    viewer.sendall(b"RFB 003.008\n")
    read(viewer, 2)
    viewer.sendall(bytes_of(2))
    read(viewer, 16)
    viewer.sendall(bytes(16))
    assert read(viewer, 4) == bytes_of(0, 0, 0, 1)
    reason = rest(viewer)
    assert b"ailure" in reason, reason
    field.until(field.ends, "the view's end is reported")
    assert field.ends()[0]["cause"] == "display refused the password", field.ends()


def bad_openings(field):
    silent, half = field.tcp(), field.tls()
    half.sendall(b"GET /webso")
    started = time.monotonic()
    for bytes in (b"\x00\x01\x02", b"SSH-2.0-x\r\n", b"\x16\x02\x01", b"get / HTTP/1.1\r\n\r\n"):
        peer = field.tcp()
        peer.sendall(bytes)
        assert rest(peer) == b""
    big = field.tls()
    big.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 20000)
    assert rest(big).startswith(b"HTTP/1.1 431 ")
    bad = field.tls()
    bad.sendall(b"GET / HTTP/9.9\r\n\r\n")
    assert rest(bad).startswith(b"HTTP/1.1 400 ")
    plain = field.tcp()
    plain.sendall(b"GET /view/5 HTTP/1.1\r\nHost: here:563\r\n\r\n")
    answer = rest(plain)
    assert answer.startswith(b"HTTP/1.1 301 ") and b"Location: https://here:563/view/5\r\n" in answer, answer
    assert rest(silent) == b"RFB 003.008\n" and rest(half) == b""
    assert time.monotonic() - started < 10, "silent clients stay too long"
    field.until(lambda: field.log_has("opening took too long"), "a log line")


def watch_only(field):
    viewer = connect_tls(field, WATCH)
    size = handshake(viewer)
    # A clipboard, a key, a click and two sizes: another viewer sees no other size, and the view goes on.
    viewer.sendall(
        encodings(0, -223, -308) + struct.pack("!BxxxI", 6, 3) + b"ABC" + struct.pack("!BBxxI", 4, 1, 0x61)
        + struct.pack("!BBHH", 5, 1, 10, 10) + bytes_of(0x20, 0x2A) + struct.pack("!HH", 800, 600)
        + struct.pack("!BBHHBBIHHHHI", 251, 0, 800, 600, 1, 0, 0, 0, 0, 800, 600, 0))
    picture(viewer, *size)
    assert size_now(field) == size


def keys_reach_only_who_may_act(field):
    """The pointer is asked of X itself: a click that was dropped moves nothing."""
    watcher, actor = connect_tls(field, WATCH), connect_tls(field, RELAYED)
    handshake(watcher)
    handshake(actor, none=True)
    watcher.sendall(struct.pack("!BBHH", 5, 0, 100, 120) + struct.pack("!BBxxI", 4, 1, 0x61))
    picture(watcher, 640, 480)
    assert pointer(field) != (100, 120)
    actor.sendall(struct.pack("!BBHH", 5, 0, 200, 220))
    field.until(lambda: pointer(field) == (200, 220), "the actor's pointer")


def pointer(field):
    words = subprocess.run(
        ["xdotool", "getmouselocation"], env=dict(os.environ, DISPLAY=":%d" % field.number), capture_output=True,
        text=True).stdout.split()
    return tuple(int(word.split(":")[1]) for word in words[:2])


def size_before_encodings(field):
    viewer = connect_tls(field, ACT)
    size = handshake(viewer)
    viewer.sendall(bytes_of(0x20, 0x2A) + struct.pack("!HH", 900, 700))
    viewer.sendall(struct.pack("!BBHHBBIHHHHI", 251, 0, 800, 600, 1, 0, 0, 0, 0, 800, 600, 0))
    viewer.sendall(bytes_of(0x20, 0x2A) + struct.pack("!HH", 10, 10))
    viewer.sendall(struct.pack("!BBHHHH", 150, 1, 0, 0, 9, 9) + bytes_of(248, 0, 0, 0, 0, 0, 0, 0, 2, 9, 9))
    picture(viewer, *size)
    assert size_now(field) == size, "a size went to the display before the viewer could take one"
    assert field.xvnc.poll() is None
    viewer.sendall(encodings(0, -223))
    field.until(lambda: size_now(field) == (800, 600), "the last size that waited")
    viewer.sendall(bytes_of(0x20, 0x2A) + struct.pack("!HH", 1000, 800))
    field.until(lambda: size_now(field) == (1000, 800), "a size by the portal's message")
    assert field.xvnc.poll() is None


def unknown_message(field):
    viewer = connect_tls(field, ACT)
    handshake(viewer)
    viewer.sendall(bytes_of(99))
    rest(viewer)
    field.until(field.ends, "the view's end is reported")
    assert field.ends()[0]["cause"] == "unknown message 99", field.ends()
    assert field.xvnc.poll() is None


def web_requests(field):
    peer = field.tls()
    own = peer.getsockname()
    peer.sendall(b"GET /view/5 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert rest(peer).endswith(b"hello")
    line = b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (own[1], field.port)
    assert field.web_saw == line + b"GET /view/5 HTTP/1.1\r\nHost: x\r\n\r\n", field.web_saw


def revoked(field):
    viewer = connect_tls(field, CUT)
    handshake(viewer)
    field.cut_next.append(True)
    rest(viewer)
    field.until(field.ends, "the view's end is reported")
    assert field.ends()[0]["cause"] == "revoked", field.ends()


def stop_reports(field):
    viewer = WebSocket(field.tls(), RELAYED, "binary")
    handshake(viewer, none=True)
    field.relay.terminate()
    assert field.relay.wait(timeout=10) == 0
    field.until(field.ends, "the view's end is reported")
    assert field.ends()[0]["cause"] == "relay stops", field.ends()


def counts_on_request(field):
    viewer = WebSocket(field.tls(), RELAYED, "binary")
    handshake(viewer, none=True)
    assert " 403 " in WebSocket(field.tls(), GONE, "binary").answer

    def counted():
        field.relay.send_signal(signal.SIGUSR1)
        events = [json.loads(line) for line in open(field.path("relay.log")) if line.endswith("\n")]
        return [event for event in events if event["event"] == "counts" and event.get("token refused") == "1"]
    field.until(counted, "the counts are told")
    assert field.relay.poll() is None and not field.ends(), field.ends()


def display_ends(field):
    viewer = WebSocket(field.tls(), RELAYED, "binary")
    handshake(viewer, none=True)
    field.xvnc.terminate()
    assert rest(viewer) == b"" and viewer.close_code == 1000
    field.until(field.ends, "the view's end is reported")
    assert field.ends()[0]["cause"] == "display ended", field.ends()


def slow_viewer(field):
    """A frame of 23 MB that nobody takes: another viewer goes on, and the relay holds little of it.

    (Xvnc itself cuts a viewer that leaves more than 32 MiB.)
    """
    actor = connect_tls(field, RELAYED)
    handshake(actor, none=True)
    actor.sendall(encodings(0, -223) + bytes_of(0x20, 0x2A) + struct.pack("!HH", 2400, 2400))
    field.until(lambda: size_now(field) == (2400, 2400), "a large desktop")
    slow, other = connect_tls(field, RELAYED), connect_tls(field, RELAYED)
    size = handshake(slow, none=True)
    slow.sendall(encodings(0) + struct.pack("!BBHHHH", 3, 0, 0, 0, *size))
    handshake(other, none=True)
    for _ in range(5):
        picture(other, 640, 480)
    with open("/proc/%d/status" % field.relay.pid) as file:
        resident = int(next(line for line in file if line.startswith("VmRSS")).split()[1])
    # Thread sanitizer keeps four bytes of its own for each.
    assert resident < (200000 if "TSAN_OPTIONS" in os.environ else 40000), "%d KiB resident" % resident
    kind, _, rectangles = struct.unpack("!BBH", read(slow, 4))
    for _ in range(rectangles):
        _, _, width, height, _ = struct.unpack("!HHHHi", read(slow, 12))
        left = width * height * 4
        while left:
            left -= len(read(slow, min(left, 1 << 16)))


def resident(field):
    """KiB."""
    with open("/proc/%d/status" % field.relay.pid) as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


def let_in(peer):
    """A display server's part until its viewer has said that it shares."""
    peer.sendall(b"RFB 003.008\n")
    read(peer, 12)
    peer.sendall(bytes_of(1, 2))
    read(peer, 1)
    peer.sendall(os.urandom(16))
    read(peer, 16)
    peer.sendall(bytes(4))
    read(peer, 1)


def up(peer, name=b"evil"):
    """A display server's part until the session is up."""
    let_in(peer)
    peer.sendall(struct.pack("!HH", 640, 480) + bytes_of(32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0)
                 + struct.pack("!I", len(name)) + name)


def flooding_display(field):
    """A display that paints without being asked, to 30 viewers that take nothing and one that does."""
    watcher = connect_tls(field, RELAYED)
    size = handshake(watcher, none=True)
    before = resident(field)

    def flood(peer):
        up(peer)
        row = struct.pack("!BBH", 0, 0, 1) + struct.pack("!HHHHi", 0, 0, 640, 480, 0) + os.urandom(640 * 480 * 4)
        while True:
            peer.sendall(row)
    field.display = flood
    idle = [connect_tls(field, RELAYED) for _ in range(30)]
    for viewer in idle:
        handshake(viewer, none=True)
    taker = connect_tls(field, RELAYED)
    handshake(taker, none=True)
    read(taker, 20 << 20)
    for _ in range(5):
        picture(watcher, *size)
    grown = resident(field) - before
    # What is on its way to a viewer, and its TLS: about a MiB each.
    assert grown < 31 * 1024 * (5 if "TSAN_OPTIONS" in os.environ else 1), "%d KiB more" % grown


def hostile_display(field):
    """Display servers that speak anything but RFB: each ends its own view, and no other notices."""
    watcher = connect_tls(field, RELAYED)
    size = handshake(watcher, none=True)
    before = resident(field)

    def endless(bytes, *first):
        def serve(peer):
            for word in first:
                peer.sendall(word)
            while True:
                peer.sendall(bytes)
        return serve

    def after_start(bytes):
        def serve(peer):
            up(peer)
            while True:
                peer.sendall(bytes)
        return serve

    def long_name(peer):
        let_in(peer)
        peer.sendall(struct.pack("!HH", 65535, 65535) + bytes(16) + struct.pack("!I", 0xFFFFFFFF))
        while True:
            peer.sendall(b"n" * 65536)
    ways = {
        "silence": lambda peer: time.sleep(1), "noise": endless(os.urandom(65536)), "zeros": endless(bytes(65536)),
        "greeting again and again": endless(b"RFB 003.008\n"),
        "no security": endless(bytes_of(0) + struct.pack("!I", 0xFFFFFFFF), b"RFB 003.008\n"),
        "every security": endless(bytes_of(255) + bytes(range(255)), b"RFB 003.008\n"),
        "a long name": long_name, "an unknown message": after_start(bytes_of(200) + os.urandom(1000)),
        "a huge rectangle": after_start(struct.pack("!BBHHHHHi", 0, 0, 65535, 65535, 65535, 65535, 65535, 0)),
        "a long cut text": after_start(struct.pack("!BBBBI", 3, 0, 0, 0, 0xFFFFFFFF) + bytes(65536)),
        "a half rectangle": lambda peer: (up(peer), peer.sendall(struct.pack("!BBHHH", 0, 0, 1, 0, 0))),
    }
    for name, way in ways.items():
        field.display = way
        viewer = connect_tls(field, RELAYED)
        viewer.settimeout(1)
        try:
            viewer.sendall(b"RFB 003.008\n" + bytes_of(1, 0))
            read(viewer, 1 << 20)
        except Exception:
            # However it ended: what counts is the others.
            pass
        picture(watcher, *size)
        viewer.close()
        assert field.relay.poll() is None, name
    grown = resident(field) - before
    assert grown < 32 * 1024 * (5 if "TSAN_OPTIONS" in os.environ else 1), "%d KiB more" % grown
    field.display = None
    picture(connect_and_shake(field), *size)


def connect_and_shake(field):
    viewer = connect_tls(field, RELAYED)
    handshake(viewer, none=True)
    return viewer


def controller_restart(field):
    viewer = connect_tls(field, RELAYED)
    size = handshake(viewer, none=True)
    field.stop_controller()
    waiting = field.tls()
    waiting.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % RELAYED.encode())
    picture(viewer, *size)
    field.start_controller()
    head(waiting)
    picture(waiting, *handshake(waiting, none=True))


def opened_when_up(field):
    """A viewer that leaves before its RFB session is up never watched."""
    early = native(field)
    read(early, 12)
    early.sendall(b"RFB 003.008\n")
    read(early, 2)
    early.sendall(bytes_of(1))
    read(early, 4)
    early.close()
    field.until(field.ends, "the end is reported")
    assert not field.openings(), field.openings()
    end = field.ends()[0]
    assert "began" not in end and end["seconds"] == 0 and end["cause"] == "viewer left", end
    before = time.monotonic()
    viewer, opening = field.watching(native)
    assert before <= opening["began"] <= time.monotonic(), opening
    left = time.monotonic()
    viewer.close()
    end = field.end_of(opening["view"])
    assert end["began"] == opening["began"] and end["cause"] == "viewer left", end
    near(end["seconds"], left - opening["began"])


def whole_lists(field):
    """Every list names every view, at least every 10 s, each with a proof of the second before."""
    beats = lambda: field.told("viewBeats")
    first = field.until(beats, "a list before any view")[0]
    assert first["views"] == [] and "at" in first, first
    assert str(field.port) in first["name"] and socket.gethostname() in first["name"], first
    assert len(first["instance"]) == 16 and int(first["instance"], 16) >= 0, first
    views = [field.watching(way) for way in (native, websocket, native, native)]
    attend(views[1][0])
    opened = {opening["view"]: opening["began"] for _, opening in views}
    assert {order["relay"] for order in field.told("resolve")} == {first["instance"]}

    def whole():
        last = beats()[-1]
        return last if {beat["view"]: beat["began"] for beat in last["views"]} == opened else None
    field.until(whole, "a list with every view")
    known = len(beats())
    field.until(lambda: len(beats()) >= known + 2, "two more", 25)
    for beat in beats()[known:]:
        assert {view["view"] for view in beat["views"]} == set(opened), beat
        for view in beat["views"]:
            assert 0 <= beat["at"] - view["began"] - view["seconds"] <= 2, beat
    ats = [beat["at"] for beat in beats()]
    assert all(0 < late - early <= 10 for early, late in zip(ats, ats[1:])), ats
    del opened[views[0][1]["view"]]
    views[0][0].close()
    field.end_of(views[0][1]["view"])
    field.stop_controller()
    field.requests.clear()
    field.start_controller()
    again = field.until(beats, "a list right after connecting", 2)[0]
    assert set(opened) <= {view["view"] for view in again["views"]} and again["instance"] == first["instance"], again
    field.until(whole, "a list without the view that ended")


def told_until_answered(field):
    refusal = {"refused": {"_0": {"userMessage": "no", "exitStatus": 75}}}
    field.answers = {"viewOpened": refusal, "viewClosed": None}
    viewer, opening = field.watching(native)
    field.until(lambda: len(field.openings()) == 2, "the refused opening is told again")
    first, second = field.times("viewOpened")
    assert second - first > 3, "it was told again after %.1f s" % (second - first)
    field.answers = {"viewClosed": None}
    viewer.close()
    end = field.end_of(opening["view"])
    field.stop_controller()
    field.requests.clear()
    field.start_controller()
    assert field.end_of(opening["view"]) == end
    field.answers = {}
    assert field.until(lambda: len(field.ends()) > 1 and field.ends(), "the unanswered end is told again", 25)[1] == end
    time.sleep(6)
    assert len(field.ends()) == 2 and not field.openings(), field.requests


def controller_hangs_up(field):
    """A controller that takes connections and closes them is tried again, but a few times a second."""
    viewer, opening = field.watching(native)
    field.stop_controller()
    field.control = field.listen("control.sock", field.hang_up)
    viewer.close()
    field.until(lambda: len(field.hung_up) >= 10, "ten connections")
    spent = (field.hung_up[9] - field.hung_up[0]) / 9
    assert spent >= 0.15, "a connection every %.3f s" % spent
    field.control.shutdown(socket.SHUT_RDWR)
    field.control.close()
    os.unlink(field.path("control.sock"))
    field.start_controller()
    field.end_of(opening["view"])


def stop_waits_for_answers(field):
    viewer, opening = field.watching(native)
    field.stop_controller()
    field.relay.terminate()
    field.until(lambda: field.log_has("view ended"), "the view ends")
    field.start_controller()
    assert field.relay.wait(timeout=10) == 0
    assert [end["view"] for end in field.ends()] == [opening["view"]], field.ends()


def idle_ends_are_exact(field):
    """The display ends under viewers that said nothing for a while."""
    viewers = [field.watching(way) for way in (native, websocket, websocket, native)]
    attend(viewers[1][0])
    silent = time.monotonic()
    time.sleep(6)
    vanish(viewers[3][0])
    vanished = time.monotonic()
    time.sleep(0.5)
    field.xvnc.terminate()
    field.xvnc.wait()
    over = time.monotonic()
    ends = [field.end_of(opening["view"]) for _, opening in viewers]
    reported = max(field.times("viewClosed")) - over
    assert reported < 0.5, "reported after %.3f s" % reported
    for (_, opening), end in zip(viewers, ends):
        assert end["cause"] == "display ended" and end["began"] == opening["began"], end
        assert end["seconds"] <= over + 0.3 - end["began"], end
    for end in ends[:2]:
        near(end["seconds"], over - end["began"])
    # Who does not answer lived when it was heard last, or asked last.
    assert ends[2]["seconds"] <= silent + 0.3 - ends[2]["began"], ends[2]
    assert ends[3]["seconds"] <= vanished + 0.3 - ends[3]["began"], ends[3]


def slow_viewer_is_reported(field):
    """A display's data link closes while a viewer takes nothing: its end is reported without waiting for it."""
    actor, _ = field.watching(native)
    actor.sendall(encodings(0, -223) + bytes_of(0x20, 0x2A) + struct.pack("!HH", 2400, 2400))
    field.until(lambda: size_now(field) == (2400, 2400), "a large desktop")
    slow, opening = field.watching(native)
    slow.sendall(encodings(0) + struct.pack("!BBHHHH", 3, 0, 0, 0, 2400, 2400))
    time.sleep(2)
    field.data_peers[-1].shutdown(socket.SHUT_RDWR)
    over = time.monotonic()
    end = field.end_of(opening["view"], 2)
    assert end["cause"] == "display ended", end
    # Its kernel is asked for room less and less often, and by nothing else while bytes wait (tcp(7)).
    assert 0.5 <= end["seconds"] <= over + 0.3 - end["began"], end


def silence(field):
    """Viewers that vanish without a word are dead after 60 s, and their views end when they were heard last."""
    native_idle, native_gone = field.watching(native), field.watching(native)
    browser, browser_idle, browser_gone = (field.watching(websocket) for _ in range(3))
    attend(browser[0])
    time.sleep(4)
    picture(native_gone[0], 640, 480)
    picture(browser_idle[0], 640, 480)
    browser_idle_heard = time.monotonic()
    attend(browser_gone[0])
    field.until(lambda: any(len(beat["views"]) == 5 for beat in field.told("viewBeats")), "a list with all")
    picture(native_gone[0], 640, 480)
    vanish(native_gone[0])
    vanish(browser_gone[0].peer)
    vanished = time.monotonic()
    for (_, opening), heard in ((browser_idle, browser_idle_heard), (native_gone, vanished)):
        end = field.end_of(opening["view"], 80)
        near(end["seconds"], heard - end["began"])
        assert 59.5 < time.monotonic() - heard < 63, "dead after %.1f s" % (time.monotonic() - heard)
        assert end["cause"] == "viewer silent", end
    end = field.end_of(browser_gone[1]["view"], 15)
    assert vanished - 10 <= end["began"] + end["seconds"] <= vanished + 0.3, (end, vanished)
    assert end["cause"] == "viewer silent", end
    alive = {native_idle[1]["view"], browser[1]["view"]}
    assert {end["view"] for end in field.ends()}.isdisjoint(alive), field.ends()
    field.relay.terminate()
    stopped = time.monotonic()
    assert field.relay.wait(timeout=10) == 0
    for end in field.ends():
        if end["view"] in alive:
            near(end["seconds"], stopped - end["began"])
            assert end["cause"] == "relay stops", end


def main():
    more = {"bad_openings": ["--opening-timeout", "3", "--tls-timeout", "3"], "whole_lists": ["--loops", "3"]}
    play(Field(sys.argv[1], *more.get(sys.argv[2], [])), globals()[sys.argv[2]])


def play(field, scenario):
    """Exit status 1 and the logs unless the scenario holds."""
    try:
        scenario(field)
        assert field.relay.poll() in (None, 0), "the relay died: %s" % field.relay.poll()
    except BaseException:
        import traceback
        traceback.print_exc()
        for log in ("relay.log", "xvnc.log"):
            sys.stderr.write(log + ":\n" + open(field.path(log)).read())
        sys.exit(1)
    finally:
        field.close()


if __name__ == "__main__":
    main()
