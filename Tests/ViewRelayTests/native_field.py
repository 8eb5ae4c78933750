#!/usr/bin/python3
"""Native viewers, and two TLS layers, against the built relay and a real Xvnc; the controller is played here.

usage: native_field.py RELAY SCENARIO; exit status 0 when it holds, else what was wrong on standard error.
"""
import getpass, os, re, socket, ssl, struct, subprocess, sys, time
from relay_field import (
    ACT, RELAYED, Field, bytes_of, handshake, head, picture, play, read, rest, server_init)
from routes_field import OPEN, PROGRAM, Routes, asked

TICKET = "f" * 32
X509_PLAIN = 262
WRONG = "The name or password is wrong; please try again."
BLUE = (0x2A, 0x6F, 0x97)

SETTINGS = """
relay:
  greeting_delay: %dms
  listeners: [{address: "127.0.0.1:%d", greeting: rfb}]
  most_per_source: %d
"""


class Native(Field):
    """The relay with a door for native viewers; the controller knows alice, and a ticket."""

    def __init__(self, relay, delay, most):
        self.delay = delay / 1000
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.greeting_port = probe.getsockname()[1]
        super().__init__(relay, settings=SETTINGS % (delay, self.greeting_port, most))
        self.answers = {"enter": self.enter}
        assert self.until(lambda: len(self.doors()) == 2, "both doors")

    def enter(self, body):
        if body["password"] == "slow":
            return None
        if body["name"] in ("alice", "alice+5") and body["password"] in ("open sesame", TICKET):
            return self.route(RELAYED)
        if body["name"] == "carol":
            return self.route(ACT)
        return {"refused": {"_0": {"userMessage": WRONG, "exitStatus": 77}}}

    def greeted(self):
        """A viewer at the door where one is greeted at once."""
        peer = socket.create_connection(("127.0.0.1", self.greeting_port))
        peer.settimeout(15)
        return peer


def offer(peer, version=b"RFB 003.008\n"):
    """Up to VeNCrypt's sub-types, which are returned."""
    assert read(peer, 12) == b"RFB 003.008\n"
    peer.sendall(version)
    assert read(peer, 2) == bytes_of(1, 19)
    peer.sendall(bytes_of(19))
    assert read(peer, 2) == bytes_of(0, 2)
    peer.sendall(bytes_of(0, 2))
    assert read(peer, 2) == bytes_of(0, 1)
    return struct.unpack("!I", read(peer, 4))[0]


def secured(field, peer, version=b"RFB 003.008\n"):
    """Inside VeNCrypt's TLS."""
    assert offer(peer, version) == X509_PLAIN
    peer.sendall(struct.pack("!I", X509_PLAIN))
    assert read(peer, 1) == bytes_of(1)
    return field.secure(peer)


def plain(name, password):
    return struct.pack("!II", len(name), len(password)) + name + password


def refused(peer, reasoned=True):
    """The words of a refusal, after which the connection ends."""
    assert read(peer, 4) == bytes_of(0, 0, 0, 1)
    if not reasoned:
        return rest(peer)
    words = read(peer, struct.unpack("!I", read(peer, 4))[0]).decode()
    assert rest(peer) == b""
    return words


def admitted(field, peer, name=b"alice", password=b"open sesame", version=b"RFB 003.008\n"):
    viewer = secured(field, peer, version)
    viewer.sendall(plain(name, password))
    assert read(viewer, 4) == bytes(4)
    viewer.sendall(bytes_of(1))
    return viewer, server_init(viewer)


# Scenarios.

def silence_is_greeted(field):
    """By default after 2.5 s, and not before."""
    started = time.monotonic()
    peers = [field.tcp() for _ in range(3)]
    for peer in peers:
        assert read(peer, 12) == b"RFB 003.008\n"
    waited = time.monotonic() - started
    assert 2.5 <= waited < 6, waited
    viewer, size = admitted_after(field, peers[0])
    picture(viewer, *size)


def admitted_after(field, peer):
    """For a viewer that read its greeting already."""
    class Unread:
        def __init__(self):
            self.first = b"RFB 003.008\n"

        def recv(self, count):
            said, self.first = self.first[:count], self.first[count:]
            return said or peer.recv(count)

        def sendall(self, bytes):
            peer.sendall(bytes)
    assert offer(Unread()) == X509_PLAIN
    peer.sendall(struct.pack("!I", X509_PLAIN))
    assert read(peer, 1) == bytes_of(1)
    viewer = field.secure(peer)
    viewer.sendall(plain(b"alice", b"open sesame"))
    assert read(viewer, 4) == bytes(4)
    viewer.sendall(bytes_of(1))
    return viewer, server_init(viewer)


def who_speaks_is_not_greeted(field):
    """TLS and CONNECT that come late, but before the greeting, are read as ever; so are their first bytes alone."""
    late, clear, slow = field.tcp(), field.tcp(), field.tcp()
    slow.sendall(b"CONN")
    time.sleep(field.delay - 0.7)
    viewer = field.secure(late)
    viewer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % RELAYED.encode())
    assert head(viewer).startswith(b"HTTP/1.1 200 ")
    clear.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % RELAYED.encode())
    assert head(clear).startswith(b"HTTP/1.1 200 ")
    time.sleep(1.5)
    slow.sendall(b"ECT vncsession:%s HTTP/1.1\r\n\r\n" % RELAYED.encode())
    assert head(slow).startswith(b"HTTP/1.1 200 ")
    # Not even inside TLS, nor while another layer is awaited.
    picture(viewer, *handshake(viewer, none=True))
    for peer in (clear, slow):
        viewer = field.secure(peer, "direct")
        picture(viewer, *handshake(viewer, none=True))


def a_door_that_greets(field):
    started = time.monotonic()
    viewer, size = admitted(field, field.greeted())
    assert time.monotonic() - started < field.delay, "greeted late"
    picture(viewer, *size)
    # Nothing else is spoken there.
    browser = field.greeted()
    assert read(browser, 12) == b"RFB 003.008\n"
    browser.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert rest(browser) == b""
    field.until(lambda: field.log_has("viewer speaks no RFB"), "a log line")


def right_password(field):
    viewer, size = admitted(field, field.greeted(), b"alice+5")
    assert field.told("enter") == [{
        "name": "alice+5", "password": "open sesame", "address": "127.0.0.1",
        "relay": field.told("viewBeats")[0]["instance"]}], field.told("enter")
    opening = field.until(field.openings, "the view is reported")[0]
    picture(viewer, *size)
    viewer.close()
    assert field.end_of(opening["view"])["cause"] == "viewer left"
    assert field.log_has('"way":"native"') and field.log_has('"name":"alice+5"') and not field.log_has("sesame")


def right_password_in_3_7(field):
    viewer, size = admitted(field, field.greeted(), version=b"RFB 003.007\n")
    picture(viewer, *size)


def ticket_as_password(field):
    viewer, size = admitted(field, field.greeted(), password=TICKET.encode())
    picture(viewer, *size)
    assert not field.log_has(TICKET)


def wrong_password(field):
    """The controller's words reach the person; RFB 3.7 has no place for them."""
    for version, words in ((b"RFB 003.008\n", WRONG), (b"RFB 003.007\n", b"")):
        viewer = secured(field, field.greeted(), version)
        viewer.sendall(plain(b"alice", b"close sesame"))
        assert refused(viewer, reasoned=bool(words)) == words
    field.until(lambda: field.log_has("entry refused"), "a log line")
    assert not field.log_has("sesame")
    # What is no name is not written down.
    viewer = secured(field, field.greeted())
    viewer.sendall(plain(b"my secret\x07", b"x"))
    assert refused(viewer) == WRONG
    assert not field.log_has("my secret")
    assert not field.ends()


def old_viewer(field):
    for version in (b"RFB 003.003\n", b"RFB 003.005\n"):
        peer = field.greeted()
        assert read(peer, 12) == b"RFB 003.008\n"
        peer.sendall(version)
        assert read(peer, 4) == bytes(4)
        reason = read(peer, struct.unpack("!I", read(peer, 4))[0])
        assert b"TigerVNC" in reason and rest(peer) == b"", reason
    field.until(lambda: field.log_has("viewer speaks RFB 3.3"), "a log line")


def wrong_choices(field):
    """Another security type, another VeNCrypt, another sub-type."""
    peer = field.greeted()
    read(peer, 12)
    peer.sendall(b"RFB 003.008\n")
    assert read(peer, 2) == bytes_of(1, 19)
    peer.sendall(bytes_of(2))
    assert "VeNCrypt" in refused(peer)
    peer = field.greeted()
    read(peer, 12)
    peer.sendall(b"RFB 003.008\n" + bytes_of(19))
    read(peer, 4)
    peer.sendall(bytes_of(0, 1))
    assert rest(peer) == bytes_of(255)
    for subtype in (256, 258, 260, 263):
        peer = field.greeted()
        offer(peer)
        peer.sendall(struct.pack("!I", subtype))
        assert read(peer, 1) == bytes(1)
        assert "X509Plain" in refused(peer)


def oversized_name(field):
    for lengths in ((1025, 1), (1, 1025), (0xFFFFFFFF, 0xFFFFFFFF)):
        viewer = secured(field, field.greeted())
        viewer.sendall(struct.pack("!II", *lengths))
        assert "too long" in refused(viewer)
    viewer = secured(field, field.greeted())
    viewer.sendall(plain(b"a" * 1024, b"b" * 1024))
    assert refused(viewer) == WRONG
    assert len(field.told("enter")) == 1


def early_bytes(field):
    """A viewer that says everything as soon as it may, and one byte at a time."""
    peer = field.greeted()
    peer.sendall(b"RFB 003.008\n" + bytes_of(19, 0, 2) + struct.pack("!I", X509_PLAIN))
    read(peer, 12 + 2 + 2 + 2 + 4 + 1)
    viewer = field.secure(peer)
    viewer.sendall(plain(b"alice", b"open sesame") + bytes_of(1))
    assert read(viewer, 4) == bytes(4)
    picture(viewer, *server_init(viewer))
    peer = field.greeted()
    for byte in b"RFB 003.008\n" + bytes_of(19, 0, 2) + struct.pack("!I", X509_PLAIN):
        peer.sendall(bytes_of(byte))
        time.sleep(0.005)
    read(peer, 12 + 2 + 2 + 2 + 4 + 1)
    viewer = field.secure(peer)
    for byte in plain(b"alice", b"open sesame"):
        viewer.sendall(bytes_of(byte))
    assert read(viewer, 4) == bytes(4)
    viewer.sendall(bytes_of(1))
    picture(viewer, *server_init(viewer))


def display_out_of_reach(field):
    """A right password, but no display: the viewer is told so."""
    path = field.path("data.sock")
    os.rename(path, path + "x")
    viewer = secured(field, field.greeted())
    viewer.sendall(plain(b"alice", b"open sesame"))
    assert "cannot be reached" in refused(viewer)
    os.rename(path + "x", path)
    # The controller gave no password for the display.
    viewer = secured(field, field.greeted())
    viewer.sendall(plain(b"carol", b"x"))
    assert "cannot be reached" in refused(viewer)
    field.until(lambda: len(field.ends()) == 2, "both views are given back")
    assert not field.openings()


def a_full_gateway(field):
    """Whoever is one too many hears why, and the others live on."""
    viewers = [admitted(field, field.greeted()) for _ in range(2)]
    for version, none in ((b"RFB 003.008\n", 1), (b"RFB 003.003\n", 4)):
        peer = field.greeted()
        assert read(peer, 12) == b"RFB 003.008\n"
        peer.sendall(version)
        assert read(peer, none) == bytes(none)
        reason = read(peer, struct.unpack("!I", read(peer, 4))[0])
        assert b"as many viewers as it can take" in reason and rest(peer) == b"", reason
    for viewer, size in viewers:
        picture(viewer, *size)


def leaves_while_asked(field):
    """A viewer that leaves while the controller thinks: its view is given back."""
    field.answers = {"enter": None}
    viewer = secured(field, field.greeted())
    viewer.sendall(plain(b"alice", b"open sesame"))
    field.until(lambda: field.told("enter"), "the question")
    field.stop_controller()
    viewer.close()
    field.answers = {"enter": field.enter}
    field.start_controller()
    end = field.until(field.ends, "the view is given back")[0]
    assert end["seconds"] == 0 and not field.openings(), end


class Engine:
    """A TLS layer over bytes (ssl.MemoryBIO), so that another one may follow it on the same socket."""

    def __init__(self, field, peer, name, version=None):
        self.peer, self.inward, self.outward = peer, ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=field.path(name + ".crt"))
        if version:
            context.maximum_version = version
        self.tls = context.wrap_bio(self.inward, self.outward, server_hostname="127.0.0.1")
        self.run(self.tls.do_handshake)

    def run(self, call, *arguments):
        while True:
            try:
                result = call(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                more = self.peer.recv(65536)
                if not more:
                    raise Exception("closed")
                self.inward.write(more)

    def flush(self):
        said = self.outward.read()
        if said:
            self.peer.sendall(said)

    def sendall(self, bytes):
        self.run(self.tls.write, bytes)

    def recv(self, count):
        return self.run(self.tls.read, count)

    def close_notify(self):
        """Says it; returns when the other side's came, with nothing in clear after it."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()


def opened_layer(field, version=None):
    peer = field.tcp()
    layer = Engine(field, peer, "public", version)
    layer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\nHost: vncsession:%s\r\n\r\n" % (2 * (RELAYED.encode(),)))
    assert head(layer) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return peer, layer


def two_layers(field):
    """close_notify, its answer, and a second handshake on the same socket, as JSSE does it."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        peer, first = opened_layer(field, version)
        first.run(first.tls.unwrap)
        second = Engine(field, peer, "public", version)
        picture(second, *handshake(second, none=True))


def two_layers_unasked(field):
    """The second ClientHello comes with the close_notify, whose answer nobody awaits."""
    peer, first = opened_layer(field)
    first.close_notify()
    # The answer to the close_notify comes first.
    alert = read(peer, 5)
    assert alert[0] in (21, 23), alert
    read(peer, struct.unpack("!H", alert[3:])[0])
    second = Engine(field, peer, "public")
    picture(second, *handshake(second, none=True))


def two_layers_raw(field):
    """A ClientHello in clear without a close_notify, whole or in pieces."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        peer, _ = opened_layer(field, version)
        second = Engine(field, peer, "public", version)
        picture(second, *handshake(second, none=True))


def one_layer(field):
    """Nothing comes: the display's greeting comes in the first layer, after the delay; at once where the viewer speaks."""
    peer, only = opened_layer(field)
    started = time.monotonic()
    greeting = read(only, 12)
    waited = time.monotonic() - started
    assert 0.25 <= waited < 3, waited
    picture(only, *handshake(only, none=True, greeting=greeting))
    peer, only = opened_layer(field)
    only.sendall(b"RFB 003.008\n")
    assert read(only, 14) == b"RFB 003.008\n" + bytes_of(1, 1)
    viewer = field.tls()
    viewer.sendall(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\nRFB 003.008\n" % RELAYED.encode())
    head(viewer)
    assert read(viewer, 14) == b"RFB 003.008\n" + bytes_of(1, 1)


def leaves_between_layers(field):
    """A viewer that only closes: its view is given back, and the relay keeps nothing of it."""
    peer, first = opened_layer(field)
    first.run(first.tls.unwrap)
    peer.close()
    end = field.until(field.ends, "the view is given back")[0]
    assert end["seconds"] == 0 and end["cause"] == "left during the opening", end


# TigerVNC's own viewer, on a screen whose pixels are read.

class Screen:
    """An Xvfb; its frame buffer is a file of xwd(1)'s format."""

    def __init__(self, field):
        self.field = field
        for number in range(4000 + os.getpid() % 3000, 9000):
            if os.path.exists("/tmp/.X%d-lock" % number):
                continue
            self.number = number
            folder = field.path("screen")
            os.makedirs(folder, exist_ok=True)
            self.file = os.path.join(folder, "Xvfb_screen0")
            server = subprocess.Popen(
                ["Xvfb", ":%d" % number, "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-fbdir", folder],
                stderr=open(field.path("xvfb.log"), "w"))
            field.children.append(server)
            field.until(
                lambda: os.path.exists("/tmp/.X11-unix/X%d" % number) and self.size() or server.poll() is not None,
                "Xvfb")
            if server.poll() is None:
                return
        raise Exception("no screen number")

    def size(self):
        return os.path.exists(self.file) and os.path.getsize(self.file) >= 1024 * 768 * 4

    def pixels(self, colour):
        """How many pixels have it."""
        with open(self.file, "rb") as file:
            dump = file.read()
        fields = struct.unpack("!25I", dump[:100])
        start = fields[0] + 12 * fields[19]
        red, green, blue = colour
        return dump[start:].count(struct.pack("BBB", blue, green, red))

    def titles(self):
        tree = subprocess.run(
            ["xwininfo", "-root", "-tree"], env=dict(os.environ, DISPLAY=":%d" % self.number), capture_output=True,
            text=True).stdout
        return re.findall(r'"([^"]*)": \(', tree)


def paint(field):
    """The desktop of the session, in a colour that nothing else has."""
    environment = dict(os.environ, DISPLAY=":%d" % field.number)
    subprocess.run(["xsetroot", "-solid", "#%02x%02x%02x" % BLUE], env=environment, check=True)


class Tiger:
    """vncviewer(1)."""

    def __init__(self, field, port, name="alice", password="open sesame"):
        self.field, self.screen = field, Screen(field)
        self.log = field.path("vncviewer.log")
        os.makedirs(field.path("home"), exist_ok=True)
        environment = dict(
            os.environ, DISPLAY=":%d" % self.screen.number, VNC_USERNAME=name, VNC_PASSWORD=password,
            HOME=field.path("home"))
        self.process = subprocess.Popen(
            ["vncviewer", "-AlertOnFatalError=0", "-ReconnectOnError=0", "-X509CA=" + field.path("public.crt"),
             "127.0.0.1::%d" % port], env=environment, stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        # Its handler of SIGTERM may wait for a lock that it holds itself, and nobody asks how it ends.
        self.process.terminate = self.process.kill
        field.children.append(self.process)

    def said(self):
        with open(self.log) as file:
            return file.read()

    def sees(self):
        """Its window has the desktop's name and nearly all of its pixels."""
        try:
            self.field.until(lambda: self.screen.pixels(BLUE) > 600 * 440, "the desktop in vncviewer", 30)
            assert any("TigerVNC" in title for title in self.screen.titles()), self.screen.titles()
        except Exception:
            sys.stderr.write(self.said())
            raise


def tigervnc(field):
    paint(field)
    Tiger(field, field.port).sees()
    assert [order["name"] for order in field.told("enter")] == ["alice"]


def tigervnc_at_once(field):
    paint(field)
    Tiger(field, field.greeting_port).sees()


def tigervnc_wrong_password(field):
    paint(field)
    viewer = Tiger(field, field.port, password="close sesame")
    viewer.process.wait(timeout=30)
    # It breaks lines as they fit its window.
    assert WRONG in " ".join(viewer.said().split()), viewer.said()
    assert viewer.screen.pixels(BLUE) == 0


def tigervnc_through_ssh(field):
    paint(field)
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", field.path(name)], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as probe, socket.create_server(("127.0.0.1", 0)) as other:
        server, tunnel = probe.getsockname()[1], other.getsockname()[1]
    with open(field.path("sshd_config"), "w") as file:
        file.write("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\n"
                   "StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
                   % (server, field.path("host"), field.path("user.pub")))
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    field.children.append(subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", field.path("sshd_config")], stderr=open(field.path("sshd.log"), "w")))
    field.until(lambda: answers(server), "sshd")
    field.children.append(subprocess.Popen(
        ["ssh", "-F", "none", "-N", "-i", field.path("user"), "-o", "StrictHostKeyChecking=no", "-o",
         "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ExitOnForwardFailure=yes", "-p", str(server),
         "-L", "127.0.0.1:%d:127.0.0.1:%d" % (tunnel, field.port), getpass.getuser() + "@127.0.0.1"]))
    field.until(lambda: answers(tunnel), "the tunnel")
    Tiger(field, tunnel).sees()


def tigervnc_through_proxy(field):
    paint(field)
    with socket.create_server(("127.0.0.1", 0)) as probe, socket.create_server(("127.0.0.1", 0)) as other:
        proxy, local = probe.getsockname()[1], other.getsockname()[1]
    with open(field.path("tinyproxy.conf"), "w") as file:
        file.write("Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 600\nMaxClients 20\nConnectPort %d\n"
                   % (proxy, field.port))
    field.children.append(subprocess.Popen(
        ["tinyproxy", "-d", "-c", field.path("tinyproxy.conf")], stdout=open(field.path("tinyproxy.log"), "w")))
    field.until(lambda: answers(proxy), "tinyproxy")
    field.children.append(subprocess.Popen(
        ["socat", "TCP-LISTEN:%d,bind=127.0.0.1,fork,reuseaddr" % local,
         "PROXY:127.0.0.1:127.0.0.1:%d,proxyport=%d" % (field.port, proxy)]))
    field.until(lambda: answers(local), "socat")
    Tiger(field, local).sees()


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def token_in_a_routes_file(field):
    """Without a controller a token is the password; a display with a password of its own cannot be entered so."""
    number = field.number + 1
    while os.path.exists("/tmp/.X%d-lock" % number):
        number += 1
    field.children.append(subprocess.Popen(
        ["Xvnc", ":%d" % number, "-geometry", "640x480", "-depth", "24", "-nolisten", "tcp", "-rfbunixpath",
         field.path("none.sock"), "-rfbport", "-1", "-SecurityTypes", "None", "-AlwaysShared", "-extension", "GLX"],
        stderr=subprocess.DEVNULL))
    field.until(lambda: os.path.exists(field.path("none.sock")), "Xvnc without a password")
    field.write(field.usual() + ["%s rfb unix:%s" % (OPEN, field.path("none.sock"))])
    field.until(lambda: asked(field, OPEN) == 200, "the new route")
    viewer, size = admitted(field, field.tcp(), b"whoever", OPEN.encode())
    picture(viewer, *size)
    for token, words in ((ACT, "cannot be reached"), (PROGRAM, "no desktop"), ("0" * 32, "leads nowhere")):
        viewer = secured(field, field.tcp())
        viewer.sendall(plain(b"whoever", token.encode()))
        assert words in refused(viewer)


if __name__ == "__main__":
    name = sys.argv[2]
    if name == "token_in_a_routes_file":
        play(Routes(sys.argv[1]), token_in_a_routes_file)
    else:
        delay = 2500 if name == "silence_is_greeted" else 1500
        play(Native(sys.argv[1], delay, 2 if name == "a_full_gateway" else 100), globals()[name])
