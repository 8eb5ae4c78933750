#!/usr/bin/python3
"""What maxwell-host could be when somebody else has written it: speaks the agent's lines, and one of these ways.

usage: hostile_agent.py WAY
"""
import json, sys

way = sys.argv[1]
out = sys.stdout.buffer


def say(message):
    out.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
    out.flush()


def hello(**more):
    fields = {"version": "1", "bootID": "b", "isolation": "container", "dataSocket": "/d", "inventory": []}
    say({"hello": {"_0": {**fields, **more}}})


def end(display, **more):
    return {"display": display, "wallSeconds": 1, "cpuSeconds": 1, **more}


def load(**more):
    fields = {"memoryAvailable": 1, "memoryTotal": 2, "load": 0.5, "cores": 1, "diskAvailable": 1, "template": "t"}
    return {"load": {"_0": {**fields, **more}}}


def answer(reply):
    """Answers every call with `reply`, or what it makes of the call."""
    for line in sys.stdin:
        call = json.loads(line)
        say({"reply": {"id": call["id"], "_1": reply(call) if callable(reply) else reply}})


def endless():
    hello()
    while True:
        out.write(b"x" * 65536)


def twice():
    hello()
    hello()
    answer({"done": {}})


def early():
    say(load())
    hello()
    answer({"done": {}})


def flood():
    hello()
    for number in range(1_000_000):
        say({"displayDied": {"_0": end(number % 65535 + 1, session=number + 1)}})


def unasked():
    hello()
    for number in range(1_000_000):
        say({"reply": {"id": 1_000_000 + number, "_1": {"done": {}}}})


def nonsense():
    hello()
    while True:
        out.write(b"[]\n" * 1000)


def wrong():
    """The answers to other questions, and an answer nobody waits for before each."""
    hello()
    for line in sys.stdin:
        call = json.loads(line)
        say({"reply": {"id": call["id"] + 1000, "_1": {"displayReady": {}}}})
        say({"reply": {"id": call["id"], "_1": {"displayReady": {}}}})


def enormous():
    """Every number at its end, and texts that are long and full of what ends a line or drives a terminal."""
    text = "\u001b]0;owned\u0007\u2028\u2029\u0085\r\n" + "e\u0301" + "\u0301" * 100_000
    reports = [{"display": 7, "state": "used", "session": 2**64 - 1, "key": text[:50], "template": text[:50]}] * 1000
    least, most = -(2**63), 2**63 - 1
    hello(version=text, bootID=text, isolation=text, dataSocket=text, inventory=reports, template=text,
          load=load(memoryAvailable=least, memoryTotal=most, load=-1e308, cores=least, diskAvailable=least)["load"]["_0"])
    say(load(memoryAvailable=most, load=1e308, cores=most, template=text))
    say({"applicationExited": {"_0": end(7, session=2**64 - 1, key=text, status=most, logTail="a\u2028b\n" + text)
                               | {"wallSeconds": 1e308, "cpuSeconds": -1e308}}})
    answer(lambda call: {"failed": {"_0": {"kind": "refused", "cause": text}}} if "ping" in call["request"]
           else {"homeUsage": {"_0": {"source": "quota", "used": 2**64 - 1, "softLimit": 2**64 - 1,
                                      "hardLimit": 2**64 - 1, "free": 2**64 - 1}}})


def separators():
    """A true agent's words that hold what Unicode calls a line's end."""
    hello()
    say({"applicationExited": {"_0": end(7, session=1, status=3, logTail="one\u2028two\u0085three\u2029")}})
    answer({"done": {}})


globals()[way]()
