#!/usr/bin/python3
"""Connections of every kind, good and bad, many at a time: afterwards the built relay has the descriptors and the memory
that it had after the first of them.

usage: churn_field.py RELAY churn [COUNT]; the figures go to standard output.
"""
import asyncio, collections, os, random, re, socket, ssl, struct, sys, time
from relay_field import ACT, CUT, GONE, WATCH, bytes_of
from routes_field import Routes

DISPLAYLESS, PROGRAM = "e" * 32, "1" * 32
AT_A_TIME = 100
GREETING = b"RFB 003.008\n"


class Churn:
    def __init__(self, field):
        self.field, self.port, self.done = field, field.port, collections.Counter()
        self.public, self.direct = (self.context(name) for name in ("public", "direct"))
        self.kinds = [getattr(self, name) for name in dir(self) if name.startswith("on_")]

    def context(self, name):
        return ssl.create_default_context(cafile=self.field.path(name + ".crt"))

    # What the relay's routes lead to.

    async def display(self, reader, writer):
        """Speaks RFB with no password, then sends whatever is asked for back."""
        try:
            writer.write(GREETING)
            await reader.readexactly(12)
            writer.write(bytes_of(1, 1))
            await reader.readexactly(1)
            writer.write(bytes(4))
            await reader.readexactly(1)
            writer.write(struct.pack("!HH16sI", 8, 8, bytes_of(32, 24, 0, 1) + bytes(12), 4) + b"here")
            while await reader.readexactly(10):
                writer.write(struct.pack("!BxHHHHHi", 0, 1, 0, 0, 8, 8, 0) + bytes(256))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def page(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    # Connections.

    async def clear(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def secure(self):
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.public, server_hostname="127.0.0.1")

    async def view(self, reader, writer, token):
        writer.write(b"CONNECT vncsession:%s HTTP/1.1\r\n\r\n" % token.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 "), answer

    async def handshake(self, reader, writer):
        assert await reader.readexactly(12) == GREETING
        writer.write(GREETING)
        assert await reader.readexactly(2) == bytes_of(1, 1)
        writer.write(bytes_of(1))
        assert await reader.readexactly(4) == bytes(4)
        writer.write(bytes_of(1))
        await reader.readexactly(28)

    async def updates(self, reader, writer):
        for _ in range(3):
            writer.write(struct.pack("!BBHHHH", 3, 0, 0, 0, 8, 8))
            await reader.readexactly(272)

    async def upgraded(self, token, status=b" 101 "):
        reader, writer = await self.secure()
        writer.write((
            "GET /websockify/%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
            "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" % token).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert status in answer, answer
        return reader, writer

    def frame(self, opcode, data):
        return bytes_of(0x80 | opcode, 0x80 | len(data), 0, 0, 0, 0) + data

    async def close(self, writer):
        writer.close()
        try:
            await writer.wait_closed()
        except (OSError, ssl.SSLError):
            pass

    def reset(self, writer):
        """Without a goodbye: the kernel answers what still comes with a reset."""
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    # Every kind: returns once the relay did what it should.

    async def on_nothing(self):
        _, writer = await self.clear()
        await self.close(writer)

    async def on_noise(self):
        reader, writer = await self.clear()
        writer.write(random.randbytes(40).replace(b"\x16", b"\x17"))
        await reader.read()
        await self.close(writer)

    async def on_plain_http(self):
        reader, writer = await self.clear()
        writer.write(b"GET /a HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b" 301 " in await reader.read()
        await self.close(writer)

    async def on_half_a_hello(self):
        _, writer = await self.clear()
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        await writer.drain()
        self.reset(writer)

    async def on_end_inside_a_hello(self):
        reader, writer = await self.clear()
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        writer.write_eof()
        await reader.read()
        await self.close(writer)

    async def on_broken_hello(self):
        reader, writer = await self.clear()
        writer.write(b"\x16\x03\x01\x00\x20" + random.randbytes(32))
        await reader.read()
        await self.close(writer)

    async def on_handshake_only(self):
        _, writer = await self.secure()
        await self.close(writer)

    async def on_bad_head(self):
        reader, writer = await self.secure()
        writer.write(b"GET / HTTP/9.9\r\n\r\n")
        assert b" 400 " in await reader.read()
        await self.close(writer)

    async def on_page(self):
        reader, writer = await self.secure()
        writer.write(b"GET /view/5 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.read()).endswith(b"hello")
        await self.close(writer)

    async def on_wrong_token(self):
        reader, writer = await self.upgraded(GONE, b" 403 ")
        await self.close(writer)

    async def on_no_display(self):
        reader, writer = await self.upgraded(DISPLAYLESS, b" 502 ")
        await self.close(writer)

    async def on_connect(self):
        reader, writer = await self.secure()
        await self.view(reader, writer, ACT)
        await self.handshake(reader, writer)
        await self.updates(reader, writer)
        await self.close(writer)

    async def on_connect_in_clear(self):
        reader, writer = await self.clear()
        await self.view(reader, writer, WATCH)
        await writer.start_tls(self.direct, server_hostname="127.0.0.1")
        await self.handshake(reader, writer)
        await self.updates(reader, writer)
        await self.close(writer)

    async def on_reset_view(self):
        reader, writer = await self.secure()
        await self.view(reader, writer, ACT)
        await self.handshake(reader, writer)
        writer.write(struct.pack("!BBHHHH", 3, 0, 0, 0, 8, 8))
        self.reset(writer)

    async def on_unknown_message(self):
        reader, writer = await self.secure()
        await self.view(reader, writer, ACT)
        await self.handshake(reader, writer)
        writer.write(bytes_of(99))
        await reader.read()
        await self.close(writer)

    async def on_websocket(self):
        reader, writer = await self.upgraded(ACT)
        writer.write(self.frame(9, b"hi"))
        # The display's greeting is on its way too.
        assert b"\x8a\x02hi" in await reader.readexactly(18)
        writer.write(self.frame(8, b"\x03\xe8"))
        assert await reader.read() == b"\x88\x02\x03\xe8"
        await self.close(writer)

    async def on_bad_frame(self):
        reader, writer = await self.upgraded(ACT)
        writer.write(b"\x82\x04abcd")
        assert (await reader.read()).endswith(b"\x88\x02\x03\xea")
        await self.close(writer)

    async def on_raw(self):
        reader, writer = await self.secure()
        await self.view(reader, writer, PROGRAM)
        writer.write(b"x" * 5000)
        assert await reader.readexactly(5000) == b"x" * 5000
        await self.close(writer)

    async def round(self, count):
        """`count` connections, as many of each kind."""
        left = iter(range(count))

        async def work():
            for index in left:
                kind = self.kinds[index % len(self.kinds)]
                try:
                    await asyncio.wait_for(kind(), 60)
                except Exception as error:
                    raise Exception("%s: %r" % (kind.__name__, error)) from error
                self.done[kind.__name__] += 1
        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))

    def opened(self):
        """What each of the relay's descriptors leads to."""
        place, names = "/proc/%d/fd/" % self.field.relay.pid, []
        for name in os.listdir(place):
            try:
                names.append(os.readlink(place + name))
            except FileNotFoundError:
                pass  # Closed while this looks.
        return collections.Counter(re.sub("[0-9]+", "", name) for name in names)

    def settled(self):
        """What the relay has open once that has been the same for a second: its loops begin after it says that it listens."""
        seen, since = None, 0
        while time.monotonic() < since + 1 or seen is None:
            now = self.opened()
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.01)
        return seen

    def taken(self):
        """KiB of the relay that are no file's: what files are mapped is shared with relays of other tests."""
        with open("/proc/%d/smaps_rollup" % self.field.relay.pid) as file:
            return int(next(line for line in file if line.startswith("Anonymous:")).split()[1])

    def rest(self, descriptors, memory=None):
        """The relay's KiB once every connection is over, and memory was given back, if it is more than so much."""
        deadline = time.monotonic() + 30
        while self.opened() != descriptors:
            assert time.monotonic() < deadline, "descriptors %s, then %s" % (descriptors, self.opened())
            time.sleep(0.01)
        # It gives memory back once a minute.
        deadline = time.monotonic() + 65
        while memory is not None and self.taken() > memory and time.monotonic() < deadline:
            time.sleep(1)
        return self.taken()

    async def play(self, count):
        await asyncio.start_unix_server(self.display, self.field.path("display.sock"), backlog=1000)
        await asyncio.start_unix_server(self.page, self.field.path("page.sock"), backlog=1000)
        descriptors = await asyncio.to_thread(self.settled)
        await self.round(max(count // 4, 600))
        warm = await asyncio.to_thread(self.rest, descriptors)
        begun = time.monotonic()
        await self.round(count)
        took = time.monotonic() - begun
        # 40 bytes a connection would be 2 MiB of 50,000.
        memory = await asyncio.to_thread(self.rest, descriptors, warm + 2048)
        print("%d connections in %.0f s: %d descriptors before and after; %d KiB, then %d" % (
            count, took, descriptors.total(), warm, memory))
        assert memory - warm <= 2048, "it grew by %d KiB" % (memory - warm)


class Place(Routes):
    def usual(self):
        display = "unix:" + self.path("display.sock")
        return [
            "%s rfb %s" % (ACT, display), "%s rfb %s readonly" % (WATCH, display),
            "%s rfb unix:%s" % (DISPLAYLESS, self.path("nobody.sock")),
            "%s tcp 127.0.0.1:%d" % (PROGRAM, self.door.getsockname()[1])]

    def command(self, *more):
        return super().command(
            "--most-per-source", "0", "--most-opening", "100000", "--web-socket", self.path("page.sock"), *more)


def main():
    field = Place(sys.argv[1])
    try:
        asyncio.run(Churn(field).play(int(sys.argv[3]) if len(sys.argv) > 3 else 3000))
        assert field.relay.poll() is None, "the relay died: %s" % field.relay.poll()
    except BaseException:
        import traceback
        traceback.print_exc()
        sys.stderr.write("relay.log:\n" + "".join(open(field.path("relay.log")).readlines()[-30:]))
        sys.stderr.flush()
        field.close()
        os._exit(1)
    field.close()


if __name__ == "__main__":
    main()
