#!/usr/bin/python3
"""Comes to the gateway 50 times a second until its standard input ends; then says how it went, in JSON.

usage: visitors.py PORT AUTHORITY, with a ticket in the first line of standard input. Every other visitor asks for a
page, the others open a view over a WebSocket and wait for the display's greeting.
"""
import asyncio, base64, json, os, ssl, sys

RATE = 50


async def page(reader, writer):
    writer.write(b"GET /view/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]


async def view(reader, writer, ticket):
    writer.write(
        b"GET /websockify?token=%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
        % (ticket, base64.b64encode(os.urandom(16))))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head[:200]
    assert (await reader.readexactly(14))[2:] == b"RFB 003.008\n"


async def visit(number, context, port, ticket, told):
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            await (page(reader, writer) if number % 2 else view(reader, writer, ticket))
            writer.transport.abort()
        told["served"] += 1
    except Exception as error:
        told["failed"].append("%d: %r" % (number, error))


async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    ticket = sys.stdin.buffer.readline().strip()
    told = {"served": 0, "failed": []}
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    visits, number, clock = [], 0, asyncio.get_running_loop().time
    began = clock()
    while not end.done():
        visits.append(asyncio.create_task(visit(number, context, int(sys.argv[1]), ticket, told)))
        number += 1
        await asyncio.sleep(max(0, began + number / RATE - clock()))
    await asyncio.gather(*visits)
    told["seconds"] = clock() - began
    print(json.dumps(told))


asyncio.run(main())
