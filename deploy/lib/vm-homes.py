#!/usr/bin/python3
"""In deploy/test-vm's machine: homes on an NFS server that stops, and quotas of a file system, asked of a real agent."""
import json
import os
import subprocess
import sys
import time

KEY = "0123456789abcdef0123456789abcdef"


class Agent:
    """`maxwell-host serve`, spoken to as a controller does."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["/opt/maxwell/maxwell-host", "--run", "/run/mwvm", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last = 0
        self.replies = {}
        self.read()

    def read(self):
        line = json.loads(self.process.stdout.readline())
        if "reply" in line:
            self.replies[line["reply"]["id"]] = line["reply"]["_1"]

    def send(self, kind, **order):
        self.last += 1
        call = {"id": self.last, "request": {kind: order}}
        self.process.stdin.write(json.dumps(call).encode() + b"\n")
        self.process.stdin.flush()
        return self.last

    def wait(self, number):
        while number not in self.replies:
            self.read()
        return self.replies.pop(number)

    def ask(self, kind, **order):
        return self.wait(self.send(kind, **order))


def display(number):
    return {"_0": {
        "display": number, "geometry": "1024x768", "depth": 24, "withGL": False, "uid": 2000000 + number,
        "password": "abcd1234", "key": KEY}}


def account(name, uid, home):
    return {"name": name, "uid": uid, "gid": uid, "home": home, "shell": "/bin/sh",
            "groups": [{"name": name, "gid": uid}]}


def application(number, person, command):
    return {"_0": {
        "display": number, "key": KEY, "session": number, "account": person, "command": command, "geometry": "1024x768",
        "resources": "", "environment": {}, "tree": {"host": {}}, "mayMakeUserNamespaces": False,
        "limits": {"memory": 500, "cpu": 0, "cpuShare": 100, "processes": 100, "files": 1000, "temporary": 50,
                   "wallTime": 0}}}


failures = 0


def expect(what, truth, seen=""):
    global failures
    failures += 0 if truth else 1
    print(f"MAXWELL-VM: {'ok' if truth else 'FAILED'}: {what}{'' if truth else f': {seen}'}", flush=True)


def home(path, uid):
    os.makedirs(path, exist_ok=True)
    os.chown(path, uid, uid)
    os.chmod(path, 0o700)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def left(number):
    found = subprocess.run(
        ["find", "/sys/fs/cgroup", "-type", "d", "-name", f"display-{number}-*"], capture_output=True, text=True)
    return found.stdout


home("/srv/homes/alice", 10001)
home("/home/bob", 10002)
alice = account("alice", 10001, "/nfs/alice")
bob = account("bob", 10002, "/home/bob")
os.makedirs("/nfs", exist_ok=True)
run("exportfs", "-o", "rw,no_subtree_check,root_squash,fsid=1", "127.0.0.1:/srv/homes")
run("systemctl", "start", "nfs-server")
run("mount", "-t", "nfs", "-o", "vers=4.2,hard,timeo=10", "127.0.0.1:/srv/homes", "/nfs")

agent = Agent()
for number in (1, 2, 3):
    reply = agent.ask("makeDisplay", **display(number))
    # Without an accelerator the first one, whose programs are read from the disk, may come too late.
    if "failed" in reply:
        reply = agent.ask("makeDisplay", **display(number))
    expect(f"display {number} is made", reply == {"displayReady": {}}, reply)

reply = agent.ask("startApplication", **application(1, alice, "id -u; exec sleep 1000"))
expect("a session starts with its home on NFS, where root is nobody", reply == {"applicationStarted": {}}, reply)
log = "/srv/homes/alice/data/sessions/1/app.log"
deadline = time.monotonic() + 30
while time.monotonic() < deadline and not (os.path.exists(log) and open(log).read()):
    time.sleep(0.05)
expect("and writes there as its user", open(log).read() == "10001\n" and os.stat(log).st_uid == 10001)

run("systemctl", "stop", "nfs-server")
# What the client has cached would answer for a while.
open("/proc/sys/vm/drop_caches", "w").write("3")
began = time.monotonic()
hanging = agent.send("startApplication", **application(2, alice, "exec sleep 1000"))
reply = agent.ask("startApplication", **application(3, bob, "exec sleep 1000"))
expect("while the NFS server is silent, another user's session starts", reply == {"applicationStarted": {}}, reply)
expect("which the silent one has not held up", hanging not in agent.replies)
expect("and the agent answers", agent.ask("ping") == {"done": {}})
reply = agent.wait(hanging)
expect("a start with a silent home fails in time, with the cause",
       reply.get("failed", {}).get("_0", {}).get("kind") == "homeUnavailable" and time.monotonic() - began < 30, reply)
for number in (1, 2, 3):
    reply = agent.ask("endDisplay", display=number, key=KEY, patienceSeconds=1)
    expect(f"display {number} ends, silent home or not", "displayEnded" in reply, reply)
run("systemctl", "start", "nfs-server")
deadline = time.monotonic() + 120
while time.monotonic() < deadline and any(left(number) for number in (1, 2, 3)):
    time.sleep(0.1)
expect("when the server is back nothing is left", not any(left(number) for number in (1, 2, 3)),
       "".join(left(number) for number in (1, 2, 3)))

reply = agent.ask("setQuota", uid=10002, soft=4096, hard=8192, home="/home/bob")
expect("a quota is set on the file system", reply == {"done": {}}, reply)
reply = agent.ask("homeUsage", account=bob, maxAge=0)
usage = reply.get("homeUsage", {}).get("_0", {})
expect("and told of it", usage.get("source") == "quota" and usage.get("hardLimit") == 8192 << 10, reply)
agent.ask("makeDisplay", **display(4))
command = "dd if=/dev/zero of=$HOME/fill bs=1M count=100; echo filled; exec sleep 1000"
reply = agent.ask("startApplication", **application(4, bob, command))
log = "/home/bob/data/sessions/4/app.log"
deadline = time.monotonic() + 60
while time.monotonic() < deadline and not (os.path.exists(log) and "filled" in open(log).read()):
    time.sleep(0.05)
size = os.path.getsize("/home/bob/fill")
expect("a session that fills its home ends at the quota", 0 < size <= 8 << 20, size)
agent.ask("endDisplay", display=4, key=KEY, patienceSeconds=1)
agent.ask("makeDisplay", **display(5))
reply = agent.ask("startApplication", **application(5, bob, "exec sleep 1000"))
expect("and its user can start a session all the same", reply == {"applicationStarted": {}}, reply)
agent.ask("endDisplay", display=5, key=KEY, patienceSeconds=1)

agent.process.stdin.close()
agent.process.wait()
run("umount", "-f", "/nfs")
sys.exit(1 if failures else 0)
