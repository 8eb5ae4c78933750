#!/usr/bin/python3
"""Clients that nobody wrote for this relay, against the built one; see relay_field.py.

usage: foreign_field.py RELAY SCENARIO; a name that ends with _through_proxy goes through an HTTP CONNECT proxy.
"""
import asyncio, logging, os, re, socket, ssl, struct, subprocess, sys, threading, time
import relay_field
from relay_field import *

NOVNC = "/usr/share/novnc"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}


class Foreign(Field):
    """The web module gives out noVNC; `proxy` is the port of an HTTP proxy in between, or nil."""

    proxy = None

    def serve_web(self, peer):
        request = b""
        while b"\r\n\r\n" not in request:
            more = peer.recv(65536)
            if not more:
                return peer.close()
            request += more
        path = NOVNC + request.split(b"\r\n")[1].split(b" ")[1].decode().split("?")[0]
        found = os.path.isfile(path)
        body = open(path, "rb").read() if found else b""
        kind = KINDS.get(os.path.splitext(path)[1], "application/octet-stream")
        peer.sendall(("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
            "200 OK" if found else "404 Not Found", kind, len(body))).encode() + body)
        peer.close()

    def start_proxy(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.proxy = free.getsockname()[1]
        with open(self.path("tinyproxy.conf"), "w") as file:
            file.write("Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nConnectPort %d\n" % (self.proxy, self.port))
        self.children.append(subprocess.Popen(
            ["tinyproxy", "-d", "-c", self.path("tinyproxy.conf")], stdout=open(self.path("tinyproxy.log"), "w"),
            stderr=subprocess.STDOUT))

        def answers():
            try:
                return socket.create_connection(("127.0.0.1", self.proxy)).close() is None
            except OSError:
                return False
        self.until(answers, "the proxy")

    def tcp(self):
        if self.proxy is None:
            return super().tcp()
        peer = socket.create_connection(("127.0.0.1", self.proxy))
        peer.settimeout(15)
        peer.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (self.port, self.port))
        answer = head(peer)
        assert answer.split(b" ")[1] == b"200", answer
        return peer

    def was_proxied(self):
        """Whether connections went through the proxy, if there is one."""
        return self.proxy is None or "CONNECT 127.0.0.1:%d" % self.port in open(self.path("tinyproxy.log")).read() \
            or "CONNECT localhost:%d" % self.port in open(self.path("tinyproxy.log")).read()


class Library:
    """A viewer on Python's websockets package; what it is told about the frames is in `heard`."""

    def __init__(self, field, target, protocols):
        import websockets
        self.loop, self.buffer, self.heard = asyncio.new_event_loop(), b"", []
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        logger = logging.Logger("viewer", logging.DEBUG)
        handler = logging.Handler()
        handler.emit = lambda record: self.heard.append(record.getMessage())
        logger.addHandler(handler)
        context = ssl.create_default_context(cafile=field.path("public.crt"))
        peer = field.tcp()
        peer.setblocking(False)

        async def connect():
            return await websockets.connect(
                "wss://127.0.0.1:%d%s" % (field.port, target), sock=peer, ssl=context, server_hostname="127.0.0.1",
                subprotocols=protocols, ping_interval=None, max_size=None, logger=logger)
        self.peer = self.wait(connect())

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def sendall(self, data):
        # A list of pieces becomes a fragmented message.
        middle = len(data) // 2
        self.wait(self.peer.send([data[:middle], data[middle:]] if middle else data))

    def ping(self, data):
        """Waits for the answer."""
        async def answered():
            await (await self.peer.ping(data))
        self.wait(answered())

    def recv(self, count):
        while not self.buffer:
            self.buffer = self.wait(self.peer.recv())
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data


def websockets_library(field):
    from websockets.exceptions import InvalidStatusCode
    for target in ("/websockify?token=" + RELAYED, "/websocket/" + RELAYED):
        viewer = Library(field, target, ["binary", "base64"])
        assert viewer.peer.subprotocol == "binary", viewer.peer.subprotocol
        # It offers permessage-deflate.
        assert viewer.peer.extensions == [], viewer.peer.extensions
        picture(viewer, *handshake(viewer, none=True))
        viewer.ping(b"there?")
        picture(viewer, 640, 480)
        viewer.wait(viewer.peer.close(1000))
        assert viewer.peer.close_code == 1000, viewer.peer.close_code
    field.until(lambda: [end["cause"] for end in field.ends()] == ["viewer left"] * 2, "two views' ends")
    try:
        Library(field, "/websockify/" + GONE, ["binary"])
        assert False, "a wrong token was taken"
    except InvalidStatusCode as refusal:
        assert refusal.status_code == 403, refusal


def pings_come_in_time(field):
    viewer = Library(field, "/websockify/" + RELAYED, ["binary"])
    handshake(viewer, none=True)
    opened = time.monotonic()
    pings = lambda: [line for line in viewer.heard if line.startswith("< PING")]
    field.until(pings, "a ping", 11)
    assert time.monotonic() - opened <= 10.5, "the first after %.1f s" % (time.monotonic() - opened)
    field.until(lambda: [line for line in viewer.heard if line.startswith("> PONG")], "its answer")
    viewer.wait(viewer.peer.close())


def bad_frames(field):
    """What RFC 6455 forbids is answered with the code it has for that."""
    def told(sent):
        viewer = websocket(field)
        handshake(viewer, none=True)
        viewer.peer.sendall(sent(viewer))
        rest(viewer)
        code, viewer.peer = viewer.close_code, viewer.peer.close()
        return code
    masked = lambda first, length, more=b"": lambda viewer: bytes_of(first, 0x80 | length) + more + b"\0\0\0\0"
    assert told(lambda viewer: b"\x82\x04abcd") == 1002, "unmasked"
    assert told(masked(0xC2, 0)) == 1002, "an extension bit"
    assert told(masked(0x80, 0)) == 1002, "a continuation of nothing"
    assert told(masked(0x09, 0)) == 1002, "a ping in pieces"
    assert told(masked(0x89, 126, b"\0\x80")) == 1002, "a ping of 128 bytes"
    assert told(masked(0x83, 0)) == 1002, "an unknown kind"
    assert told(masked(0x81, 0)) == 1003, "text where binary was agreed"
    assert told(masked(0x82, 127, struct.pack("!Q", 1 << 25))) == 1009, "32 MiB"
    assert told(masked(0x82, 127, struct.pack("!Q", 1 << 63))) == 1009, "8 EiB"
    assert told(lambda viewer: viewer.frame(8, b"\x03")) == 1002, "half a code"
    assert told(lambda viewer: viewer.frame(8, b"\x03\xe9bye")) == 1001, "a goodbye"
    assert told(lambda viewer: viewer.frame(8, b"")) == 1000, "a goodbye without a code"
    causes = [end["cause"] for end in field.until(lambda: len(field.ends()) == 12 and field.ends(), "twelve ends")]
    assert sorted(causes) == ["viewer left"] * 2 + ["websocket fault 1002"] * 7 + ["websocket fault 1003"] + [
        "websocket fault 1009"] * 2, causes


def base64_in_small_pieces(field):
    """Frames, and base64 inside them, that every read cuts somewhere else."""
    viewer = WebSocket(field.tls(), ACT, "base64")
    whole = viewer.peer.sendall

    class Slow:
        def __getattr__(self, name):
            return getattr(peer, name)

        def sendall(self, data):
            for index in range(len(data)):
                whole(data[index:index + 1])
    peer, viewer.peer = viewer.peer, Slow()
    picture(viewer, *handshake(viewer))
    viewer.sendall(struct.pack("!BBHH", 5, 0, 123, 45))
    field.until(lambda: relay_field.pointer(field) == (123, 45), "the pointer")


def python_ssl(field):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=field.path("public.crt"))
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        session = None
        for _ in range(2):
            viewer = context.wrap_socket(field.tcp(), server_hostname="127.0.0.1", session=session)
            assert viewer.selected_alpn_protocol() == "http/1.1", viewer.selected_alpn_protocol()
            assert viewer.compression() is None
            assert viewer.session_reused == (session is not None), version
            viewer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % RELAYED.encode())
            head(viewer)
            picture(viewer, *handshake(viewer, none=True))
            session = viewer.session
            viewer.close()
    old = ssl.create_default_context(cafile=field.path("public.crt"))
    old.minimum_version, old.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    try:
        old.wrap_socket(field.tcp(), server_hostname="127.0.0.1")
        assert False, "TLS 1.1 was taken"
    except (ssl.SSLError, ConnectionResetError):
        pass


def s_client(field):
    """OpenSSL's own client: one handshake, nothing compressed, and no second one on request."""
    for version in ("-tls1_2", "-tls1_3"):
        command = ["openssl", "s_client", version, "-CAfile", field.path("public.crt"), "-verify_return_error", "-alpn",
                   "http/1.1", "-comp"]
        command += ["-connect", "127.0.0.1:%d" % field.port]
        if field.proxy is not None:
            command += ["-proxy", "127.0.0.1:%d" % field.proxy]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = [b""]

        def listen():
            for piece in iter(lambda: client.stdout.read1(65536), b""):
                said[0] += piece
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        client.stdin.write(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % RELAYED.encode())
        client.stdin.flush()
        field.until(lambda: b"RFB 003.008\n" in said[0], "the display's greeting")
        for words in (b"ALPN protocol: http/1.1", b"Compression: NONE", b"Verify return code: 0 (ok)"):
            assert words in said[0], said[0].decode()
        if version == "-tls1_2":
            assert b"Secure Renegotiation IS supported" in said[0], said[0].decode()
            # A line with an R asks for another handshake (openssl-s_client(1)).
            client.stdin.write(b"R\n")
            client.stdin.flush()
            field.until(lambda: b"RENEGOTIATING" in said[0], "the request")
            field.until(lambda: b"no renegotiation" in said[0] or b"unexpected message" in said[0], "its refusal")
            client.wait(timeout=15)
        else:
            client.stdin.write(b"Q\n")
            client.stdin.flush()
            assert client.wait(timeout=15) == 0, said[0].decode()
        thread.join()
        assert said[0].count(b"verify return:1") <= 1, said[0].decode()
    viewer = relay_field.native(field)
    picture(viewer, *handshake(viewer, none=True))


def novnc(field):
    """noVNC in Chromium, page and view through the relay: it shows the display, and its window's size becomes the display's."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import WebDriverWait
    subprocess.run(["xsetroot", "-mod", "5", "5", "-fg", "red", "-bg", "blue"], check=True,
                   env=dict(os.environ, DISPLAY=":%d" % field.number))
    options = webdriver.ChromeOptions()
    words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors",
             "--window-size=1100,850", "--user-data-dir=" + field.path("chromium")]
    if field.proxy is not None:
        # Loopback addresses bypass a proxy unless that is subtracted.
        words += ["--proxy-server=http://127.0.0.1:%d" % field.proxy, "--proxy-bypass-list=<-loopback>"]
    for word in words:
        options.add_argument(word)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    connected = lambda d: "noVNC_connected" in d.find_element("tag name", "html").get_attribute("class")
    colours = lambda d: d.execute_script("""
        const canvas = document.querySelector("canvas");
        if (!canvas || !canvas.width) return 0;
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(data.buffer)).size;""")
    try:
        driver.get("https://localhost:%d/vnc.html?autoconnect=1&resize=remote&path=websockify/%s" % (field.port, RELAYED))
        WebDriverWait(driver, 30).until(lambda d: connected(d) and colours(d) > 1)
        first = driver.execute_script("return [document.querySelector('canvas').width, document.querySelector('canvas').height]")
        field.until(lambda: list(size_now(field)) != [640, 480], "noVNC's own size")
        driver.set_window_size(900, 700)
        WebDriverWait(driver, 20).until(lambda d: d.execute_script(
            "const c = document.querySelector('canvas'); return c.width != %d && c.width < 910" % first[0]))
        field.until(lambda: list(size_now(field)) == driver.execute_script(
            "const c = document.querySelector('canvas'); return [c.width, c.height]"), "the window's size")
    finally:
        driver.quit()
    field.until(lambda: any(end["bytesToViewer"] > 1000 for end in field.ends()), "the view's end")


def java_like(field):
    """The portal's Java viewer: a CONNECT in clear, TLS with the self-signed certificate, and a size before its encodings."""
    peer = field.tcp()
    peer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\nHost: vncsession:%s\r\n\r\n" % (RELAYED.encode(), RELAYED.encode()))
    head(peer)
    viewer = field.secure(peer, "direct")
    assert handshake(viewer, none=True) == (640, 480)
    viewer.sendall(portal_size(800, 600))
    viewer.sendall(encodings(0, -26, -240, -239, -232, -224, -223) + struct.pack("!BBHHHH", 3, 0, 0, 0, 640, 480))
    learns(viewer, 800, 600, -223)
    viewer.sendall(portal_size(1024, 768))
    learns(viewer, 1024, 768, -223)


def old_novnc_like(field):
    """The portal's noVNC of 2014 changes the height by one and back, to get everything drawn anew."""
    viewer = websocket(field)
    handshake(viewer, none=True)
    viewer.sendall(encodings(0, -223, -239, -26, -247, -224, -309))
    viewer.sendall(struct.pack("!BBHHHH", 3, 0, 0, 0, 640, 480))
    for size in ((900, 701), (900, 700), (345, 200), (2000, 1500)):
        viewer.sendall(portal_size(*size))
        learns(viewer, *size, -223)


def new_viewer_like(field):
    """A viewer that understands both is told the way that is made for it, with the reason and the outcome."""
    viewer = relay_field.native(field)
    handshake(viewer, none=True)
    viewer.sendall(encodings(0, -223, -308, -224) + struct.pack("!BBHHHH", 3, 0, 0, 0, 640, 480))
    viewer.sendall(portal_size(800, 600))
    learns(viewer, 800, 600, -308)
    # Another one without -308 has the same display, and neither is in the other's way.
    other = relay_field.native(field)
    assert handshake(other, none=True) == (800, 600)
    # Xvnc cuts who has not told by then that it can take a new size.
    picture(other, 800, 600)
    other.sendall(encodings(0, -223) + struct.pack("!BBHHHH", 3, 0, 0, 0, 1, 1))
    update(other)
    viewer.sendall(portal_size(700, 500))
    learns(viewer, 700, 500, -308)
    learns(other, 700, 500, -223)
    assert field.xvnc.poll() is None


def portal_size(width, height):
    return bytes_of(0x20, 0x2A) + struct.pack("!HH", width, height)


def learns(viewer, width, height, way):
    """Updates until one tells that size, as its last rectangle; then the whole desktop comes in it."""
    ask = lambda incremental: viewer.sendall(struct.pack("!BBHHHH", 3, incremental, 0, 0, width, height))
    while True:
        ask(1)
        rectangles = update(viewer)
        told = [index for index, (w, h, encoding) in enumerate(rectangles) if (w, h) == (width, height) and encoding == way]
        if told:
            assert way != -223 or told == [len(rectangles) - 1], rectangles
            break
    left = width * height
    ask(0)
    while left > 0:
        left -= sum(w * h for w, h, encoding in update(viewer) if encoding == 0)
        ask(1)


def update(viewer):
    """One FramebufferUpdate: size and encoding of its rectangles."""
    kind = read(viewer, 1)[0]
    assert kind == 0, "message %d" % kind
    count = struct.unpack("!xH", read(viewer, 3))[0]
    rectangles = []
    while len(rectangles) < count:
        x, y, width, height, encoding = struct.unpack("!HHHHi", read(viewer, 12))
        if encoding == -224:
            break
        rectangles.append((width, height, encoding))
        if encoding == 0:
            read(viewer, width * height * 4)
        elif encoding == -239:
            read(viewer, width * height * 4 + (width + 7) // 8 * height)
        elif encoding == -308:
            read(viewer, struct.unpack("!Bxxx", read(viewer, 4))[0] * 16)
        else:
            assert encoding in (-223, -232), encoding
    return rectangles


def main():
    scenario = sys.argv[2].removesuffix("_through_proxy")
    field = Foreign(sys.argv[1])
    try:
        if scenario != sys.argv[2]:
            field.start_proxy()
        globals()[scenario](field)
        assert field.was_proxied(), "nothing went through the proxy"
        assert field.relay.poll() in (None, 0), "the relay died: %s" % field.relay.poll()
    except BaseException:
        import traceback
        traceback.print_exc()
        for log in ("relay.log", "xvnc.log"):
            sys.stderr.write(log + ":\n" + open(field.path(log)).read())
        sys.stderr.flush()
        field.close()
        os._exit(1)
    field.close()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
