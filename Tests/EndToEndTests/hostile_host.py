#!/usr/bin/python3
"""An execution host whose maxwell-host somebody else has written: it tells of displays and sessions that are another host's,
and answers every request as suits it. Facts are in facts.json beside it; what it is asked goes to heard.json there.
"""
import json, os, sys, threading, time

folder = os.path.dirname(os.path.realpath(__file__))
with open(folder + "/facts.json") as file:
    facts = json.load(file)
heard = open(folder + "/heard.json", "a", buffering=1)
writing = threading.Lock()


def say(message):
    with writing:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def end(victim, **more):
    return {"display": victim["display"], "session": int(victim["session"]), "key": victim["key"], "status": 0,
            "wallSeconds": 1e9, "cpuSeconds": 1e9, "logTail": "told by a stranger", **more}


inventory = [{"display": victim["display"], "state": "ready", "session": None, "key": victim["key"]}
             for victim in facts["victims"]]
load = {"memoryAvailable": 2**62, "memoryTotal": 2**62, "load": 0, "cores": 2**40, "diskAvailable": 2**62, "template": "x"}
say({"hello": {"_0": {"version": "1", "bootID": "stranger", "isolation": "container", "dataSocket": "/etc/shadow",
                      "inventory": inventory, "template": "x", "load": load}}})


def tell():
    while True:
        for victim in facts["victims"]:
            for more in [{}, {"key": None}, {"session": None}, {"display": victim["display"] % 65535 + 1}, {"session": 2**63}]:
                say({"applicationExited": {"_0": end(victim, **more)}})
                say({"displayDied": {"_0": end(victim, **more)}})
        say({"load": {"_0": load}})
        time.sleep(2)


threading.Thread(target=tell, daemon=True).start()
for line in sys.stdin:
    heard.write(line)
    call = json.loads(line)
    (word, fields), = call["request"].items()
    victim = facts["victims"][0]
    reply = {
        "makeDisplay": {"displayReady": {}}, "startApplication": {"applicationStarted": {}},
        "endDisplay": {"displayEnded": {"_0": end(victim)}}, "account": {"account": {"_0": end(victim)}},
        "inventory": {"inventory": {"_0": inventory}}, "check": {"lines": {"_0": ["ok: all is well"], "good": True}},
        "homeUsage": {"homeUsage": {"_0": {"source": "quota", "used": 2**63, "softLimit": 1, "hardLimit": 1, "free": 0}}},
    }.get(word, {"done": {}})
    say({"reply": {"id": call["id"] + 1, "_1": reply}})
    say({"reply": {"id": call["id"], "_1": reply}})
