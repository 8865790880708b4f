#!/usr/bin/env python3
"""Serves a listing over HTTP, page by page, as fast as one thread of Python can: every answer is ready before.

    pages.py LISTING --size 1000 --at TIME      prints its port
"""
import argparse
import asyncio
import re
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path


def answers(path, size, at):
    """One complete answer for each page, and the one for pages beyond the end."""
    lines = path.read_bytes().split(b"\n")[:-1]
    date = format_datetime(datetime.fromisoformat(at), usegmt=True)

    def answer(page, rows):
        body = b'{"items":[%b],"page":%d,"size":%d,"total":%d}' % (b",".join(rows), page, size, len(lines))
        return b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            date.encode(), len(body), body)

    count = -(-len(lines) // size)
    return [answer(page, lines[page * size : (page + 1) * size]) for page in range(count)], answer(count, [])


class Connection(asyncio.Protocol):
    def __init__(self, pages, beyond):
        self.pages, self.beyond, self.received = pages, beyond, b""

    def connection_made(self, transport):
        transport.set_write_buffer_limits(high=4 << 20)
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, self.received = self.received.split(b"\r\n\r\n", 1)
            page = re.search(rb"[?&]page=(\d+)", head.split(b"\r\n", 1)[0])
            page = int(page[1]) if page else 0
            self.transport.write(self.pages[page] if page < len(self.pages) else self.beyond)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("listing", type=Path)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--at", required=True)
    options = parser.parse_args()
    pages, beyond = answers(options.listing, options.size, options.at)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(pages, beyond), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
