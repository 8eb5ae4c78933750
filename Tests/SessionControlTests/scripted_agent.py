#!/usr/bin/python3
"""An agent without displays: it keeps a list of those it was told of, and writes down what it was asked. Every home is full,
unless there is CALLS.room.

usage: scripted_agent.py CALLS [DISPLAY]

CALLS is the file of what it was asked, a line each. DISPLAY is one it has from the beginning, nobody's.
"""
import json, os, sys

out = sys.stdout.buffer
calls = open(sys.argv[1], "a", buffering=1)
displays = {int(number): {"display": int(number), "state": "ready", "key": "f" * 32} for number in sys.argv[2:]}


def say(message):
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def end(display):
    report = displays.get(display, {})
    known = {name: report[name] for name in ("key", "session") if name in report}
    return {"display": display, "status": 0, "wallSeconds": 1, "cpuSeconds": 0, **known}


def answer(word, more):
    order = more.get("_0", {})
    match word:
        case "makeDisplay":
            displays[order["display"]] = {"display": order["display"], "state": "ready", "key": order["key"]}
            return {"displayReady": {}}
        case "startApplication":
            report = {"display": order["display"], "state": "used", "session": order["session"], "key": order["key"]}
            displays[order["display"]] = report
            return {"applicationStarted": {}}
        case "account":
            return {"account": {"_0": end(more["display"])}}
        case "endDisplay":
            ended = end(more["display"])
            displays.pop(more["display"], None)
            return {"displayEnded": {"_0": ended}}
        case "inventory":
            return {"inventory": {"_0": list(displays.values())}}
        case "homeUsage":
            usage = {"source": "measured", "used": 1 << 30, "softLimit": 0, "hardLimit": 0,
                     "free": 1 << 40 if os.path.exists(sys.argv[1] + ".room") else 0}
            return {"homeUsage": {"_0": usage}}
        case _:
            return {"done": {}}


say({"hello": {"_0": {"version": "1", "bootID": "b", "isolation": "container", "dataSocket": "/d", "inventory": []}}})
for line in sys.stdin:
    call = json.loads(line)
    ((word, more),) = call["request"].items()
    if word != "ping":
        calls.write(json.dumps(call["request"]) + "\n")
    say({"reply": {"id": call["id"], "_1": answer(word, more)}})
