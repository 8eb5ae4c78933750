#!/usr/bin/python3
"""Certificates, upgrades and limits of the built relay, one scenario; see relay_field.py.

usage: upkeep_field.py RELAY SCENARIO
"""
import os, re, resource, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time
from relay_field import *


def new_pair(field, name, common):
    """Another pair in the place of `name`, each file in one step."""
    made = [field.path("new.key"), field.path("new.crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
         "-subj", "/CN=" + common, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made[0], "-out", made[1]],
        check=True, capture_output=True)
    os.rename(made[0], field.path(name + ".key"))
    os.rename(made[1], field.path(name + ".crt"))


def name_shown(field):
    """Who the relay says it is, in a new handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(field.tcp()) as peer:
        certificate = peer.getpeercert(True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=certificate,
                          capture_output=True, check=True).stdout.decode()
    return text.strip().rsplit("= ", 1)[1]


def still_watches(viewer):
    """Its display answers it."""
    viewer.sendall(b"\x03\x00" + struct.pack("!HHHH", 0, 0, 8, 8))
    answer = read(viewer, 16)
    assert answer[0] == 0, answer
    count = struct.unpack("!H", answer[2:4])[0]
    assert count == 1, count
    width, height, encoding = struct.unpack("!HHi", answer[8:16])
    assert encoding == 0, encoding
    read(viewer, width * height * 4)


def watcher(field):
    viewer, opening = field.watching(native)
    viewer.sendall(encodings(0))
    still_watches(viewer)
    return viewer, opening


def reload_keeps_old_views(field):
    viewer, _ = watcher(field)
    assert name_shown(field) == "public"
    new_pair(field, "public", "second")
    field.relay.send_signal(signal.SIGHUP)
    field.until(lambda: name_shown(field) == "second", "the new certificate")
    still_watches(viewer)


def changed_files_are_noticed(field):
    viewer, _ = watcher(field)
    new_pair(field, "direct", "clear")
    new_pair(field, "public", "third")
    field.until(lambda: name_shown(field) == "third", "the new certificate")
    still_watches(viewer)
    field.relay.send_signal(signal.SIGUSR1)
    field.until(lambda: '"certificate days left":"8"' in open(field.path("relay.log")).read(), "the days left")


def foreign_key_is_refused(field):
    viewer, _ = watcher(field)
    shutil.copy(field.path("direct.key"), field.path("new.key"))
    os.rename(field.path("new.key"), field.path("public.key"))
    field.until(lambda: field.log_has("certificates refused"), "the refusal")
    assert name_shown(field) == "public"
    assert field.relay.poll() is None
    still_watches(viewer)
    new_pair(field, "public", "right")
    field.until(lambda: name_shown(field) == "right", "the next pair")


class Visitors:
    """Asks for a page, over and over, from several threads: `failed` are the reasons of those that got none."""

    def __init__(self, field, rate):
        self.field, self.served, self.failed, self.done = field, 0, [], False
        self.threads = [threading.Thread(target=self.run, args=(8 / rate,)) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def run(self, pause):
        while not self.done:
            try:
                peer = self.field.tls()
                peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert rest(peer).startswith(b"HTTP/1.1 200")
                peer.close()
                self.served += 1
            except Exception as error:
                self.failed.append(repr(error))
            time.sleep(pause)

    def finish(self):
        self.done = True
        for thread in self.threads:
            thread.join()
        assert not self.failed, (self.served, self.failed[:5])
        assert self.served > 0


def successors(field):
    return [int(pid) for pid in re.findall(r'"successor started","pid":"(\d+)"', open(field.path("relay.log")).read())]


def hand_over(field):
    """Has the relay start its successor; returns once that has the door."""
    before = open(field.path("relay.log")).read().count('"handed over"')
    field.relay.send_signal(signal.SIGUSR2)
    field.until(lambda: open(field.path("relay.log")).read().count('"handed over"') > before, "the hand-over", 30)
    field.heirs = successors(field)
    return field.heirs[-1]


def end_heirs(field):
    for pid in getattr(field, "heirs", []):
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass


def gone(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def upgrade(field):
    viewer, opening = watcher(field)
    visitors = Visitors(field, 50)
    field.until(lambda: visitors.served > 20, "visitors")
    heir = hand_over(field)
    served = visitors.served
    field.until(lambda: visitors.served > served + 60, "visitors of the successor")
    still_watches(viewer)
    later, later_opening = watcher(field)
    visitors.finish()
    leaving = field.until(
        lambda: next((beat for beat in field.told("viewBeats") if beat["isLeaving"] and beat["views"]), None),
        "the leaving one's beat")
    assert [view["view"] for view in leaving["views"]] == [opening["view"]], leaving
    new = field.until(
        lambda: next((beat for beat in field.told("viewBeats") if leaving["instance"] in beat["predecessors"]), None),
        "the successor's beat")
    assert new["name"] == leaving["name"] and not new["isLeaving"], new
    # The old one goes with its last viewer, and reports it.
    viewer.close()
    assert field.end_of(opening["view"])["cause"] == "viewer left"
    field.until(lambda: field.relay.poll() is not None, "the old relay's end")
    assert field.relay.poll() == 0
    still_watches(later)
    assert not gone(heir)
    os.kill(heir, signal.SIGTERM)
    field.until(lambda: gone(heir), "the successor's end")
    assert field.end_of(later_opening["view"])["cause"] == "relay stops"


def failed_upgrade_changes_nothing(field):
    viewer, _ = watcher(field)
    # What is installed now ends at once; a file that runs cannot be written to, only replaced.
    with open(field.program + ".new", "w") as file:
        file.write("#!/bin/sh\nexit 1\n")
    os.chmod(field.program + ".new", 0o755)
    os.rename(field.program + ".new", field.program)
    field.relay.send_signal(signal.SIGUSR2)
    field.until(lambda: field.log_has("successor failed"), "the failure's line")
    still_watches(viewer)
    watcher(field)
    # And what is no program at all.
    os.unlink(field.program)
    field.relay.send_signal(signal.SIGUSR2)
    field.until(lambda: open(field.path("relay.log")).read().count("successor failed") == 2, "the second line")
    watcher(field)


def a_killed_heir_leaves_the_port(field):
    viewer, _ = watcher(field)
    heir = hand_over(field)
    os.kill(heir, signal.SIGKILL)
    field.until(lambda: gone(heir) and not os.path.exists("/proc/%d" % heir), "the heir's end")
    words = [field.program, *open("/proc/%d/cmdline" % field.relay.pid).read().split("\0")[1:-1]]
    words[words.index("127.0.0.1:0")] = "127.0.0.1:%d" % field.port
    next = subprocess.Popen(words, stderr=field.log)
    field.children.append(next)
    field.until(lambda: open(field.path("relay.log")).read().count("listening on") == 3, "the third relay")
    watcher(field)
    still_watches(viewer)


def leaving_ends(field):
    viewer, opening = watcher(field)
    hand_over(field)
    still_watches(viewer)
    assert field.end_of(opening["view"])["cause"] == "relay stops"
    field.until(lambda: field.relay.poll() is not None, "the old relay's end")
    watcher(field)


def session_with(field, *more):
    return subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % field.port, "-CAfile", field.path("public.crt"),
         "-ign_eof", *more], input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=20).stdout.decode()


def tickets_serve_the_successor(field):
    for version in ("-tls1_3", "-tls1_2"):
        ticket = field.path("ticket" + version)
        assert "New, TLS" in session_with(field, version, "-sess_out", ticket)
        assert os.path.getsize(ticket) > 100
        assert "Reused, TLS" in session_with(field, version, "-sess_in", ticket)
        assert "ALPN protocol: http/1.1" in session_with(field, version, "-alpn", "h2,http/1.1")
    field.until(lambda: hand_over(field), "successor")
    for version in ("-tls1_3", "-tls1_2"):
        assert "Reused, TLS" in session_with(field, version, "-sess_in", field.path("ticket" + version))


def told_why(field):
    """A new viewer is refused in words."""
    answer = WebSocket(field.tls(), RELAYED, "binary").answer
    return " 503 " in answer


def has_room(field):
    """A new viewer is taken; one that is closed unheard, while many are turned away, is not."""
    try:
        return not told_why(field)
    except OSError:
        return False


def limits_of_one_source(field):
    viewers = [watcher(field)[0] for _ in range(5)]
    assert told_why(field)
    peer = field.tls()
    peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = rest(peer)
    assert answer.startswith(b"HTTP/1.1 503") and b"please try again" in answer, answer
    # Another source is none of theirs.
    other = socket.create_connection(("127.0.0.1", field.port), source_address=("127.0.0.2", 0))
    other = field.secure(other)
    other.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert rest(other).startswith(b"HTTP/1.1 200")
    for viewer in viewers:
        still_watches(viewer)
    viewers.pop().close()
    field.until(lambda: has_room(field), "room again")
    field.relay.send_signal(signal.SIGUSR1)
    field.until(lambda: field.log_has('"too many connections from one source":"'), "the count")


def descriptors_run_out(field):
    viewers = []
    while True:
        answer = WebSocket(field.tls(), RELAYED, "binary")
        if " 503 " in answer.answer:
            break
        handshake(answer, none=True)
        viewers.append(answer)
        assert len(viewers) < 100
    assert len(viewers) >= 20, len(viewers)
    # Who is turned away holds few; more than that are closed.
    held = [field.tcp() for _ in range(100)]
    for viewer in viewers[:3] + viewers[-3:]:
        still_watches(viewer)
    assert len(os.listdir("/proc/%d/fd" % field.relay.pid)) < 256
    for peer in held:
        peer.close()
    viewers.pop().peer.close()
    field.until(lambda: has_room(field), "room again")


def floods_of_openings(field):
    # They say hello, and nothing more.
    flood = [field.tcp() for _ in range(60)]
    for peer in flood:
        peer.sendall(b"\x16\x03\x01\x02")
    viewer, _ = watcher(field)
    ended = 0
    for peer in flood:
        peer.settimeout(0.2)
        try:
            ended += peer.recv(1) == b""
        except ConnectionResetError:
            ended += 1
        except TimeoutError:
            pass
    assert ended >= 39, ended
    still_watches(viewer)


def pages_of_connections(field):
    """How many KiB are resident of the only mapping of 768 MiB there is."""
    mappings = open("/proc/%d/smaps" % field.relay.pid).read().split("\nSize: ")
    [found] = [mapping for mapping in mappings if mapping.split()[0] == "786432"]
    return int(found.split("\nRss:")[1].split()[0])


def what_a_viewer_needed_goes_back(field):
    viewers = [watcher(field)[0] for _ in range(40)]
    assert pages_of_connections(field) >= 40 * 12, pages_of_connections(field)
    for viewer in viewers[1:]:
        viewer.close()
    field.until(lambda: pages_of_connections(field) == (1 + 16) * 12, "the pages of those who left, but 16, to go back")
    still_watches(viewers[0])


def service_manager_hears(field):
    field.until(lambda: b"READY=1" in field.heard, "READY")
    heir = hand_over(field)
    field.until(lambda: b"MAINPID=%d" % heir in field.heard, "MAINPID")


def main():
    scenario = sys.argv[2]
    more = {
        "leaving_ends": ["--leaving-timeout", "2"], "limits_of_one_source": ["--most-per-source", "5"],
        "floods_of_openings": ["--most-opening", "20"], "tickets_serve_the_successor": ["--loops", "3"],
        "upgrade": ["--loops", "2"],
    }
    place = tempfile.mkdtemp(prefix="mwup", dir="/tmp")
    program = os.path.join(place, "maxwell-relay")
    shutil.copy(sys.argv[1], program)
    if scenario == "descriptors_run_out":
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    if scenario == "service_manager_hears":
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(os.path.join(place, "notify"))
        os.environ["NOTIFY_SOCKET"] = os.path.join(place, "notify")
    field = Field(program, *more.get(scenario, []))
    field.program, field.heard = program, []
    if scenario == "service_manager_hears":
        threading.Thread(target=lambda: [field.heard.append(manager.recv(200)) for _ in range(9)], daemon=True).start()
    try:
        globals()[scenario](field)
        assert field.relay.poll() in (None, 0), "the relay died: %s" % field.relay.poll()
    except BaseException:
        import traceback
        traceback.print_exc()
        for log in ("relay.log", "xvnc.log"):
            sys.stderr.write(log + ":\n" + open(field.path(log)).read())
        # A thread that still visits keeps nobody.
        sys.stderr.flush()
        end_heirs(field)
        field.close()
        shutil.rmtree(place)
        os._exit(1)
    end_heirs(field)
    field.close()
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
