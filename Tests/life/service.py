"""A customer service with a listing over HTTP, whose clock and pages the driver decides."""
import json
import sys
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

KINDS = ("none", "page", "offset", "cursor", "link", "keyset")


class Service:
    """One listing at a time.

    A page is made when it's first asked for and stays as it is for the rest of the listing, so that a request
    that is sent again, also by a program that was killed, gets the same bytes.
    """

    def __init__(self):
        self.lock = threading.RLock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.service = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api/customers"
        self.date = 0
        self.open("none", [], 1)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def open(self, kind, rows, size, before_page=None, fail_at=None):
        """Starts a listing of (id, JSON text) sorted by id. `before_page(index)` is called once for each page before
        it is served and may bring rows that replace it. From page `fail_at` on nothing is served."""
        with self.lock:
            self.kind, self.before_page, self.fail_at = kind, before_page, fail_at
            self.size = max(1, size if kind != "none" else len(rows))
            self.pages = [rows[i : i + self.size] for i in range(0, len(rows), self.size)] or [[]]
            self.total = len(rows)
            self.served = {}

    def rows(self):
        """All rows as they were served, in order of pages."""
        return tuple(text for index in sorted(self.served) for _, text in self.served[index])

    def index(self, query):
        def number(name):
            return int(query.get(name, ["0"])[0] or 0)
        if self.kind == "page":
            return number("page")
        if self.kind == "offset":
            return number("offset") // self.size
        if self.kind in ("cursor", "link"):
            return number("cursor")
        if self.kind == "keyset":
            after = query.get("after", [""])[0]
            return next((i for i, page in enumerate(self.pages) if page and page[-1][0] > after), len(self.pages))
        return 0

    def answer(self, query):
        """(status, headers, body)"""
        with self.lock:
            index = self.index(query)
            if self.fail_at is not None and index >= self.fail_at:
                return 403, {}, b'{"error":"the service is closed"}'
            if index >= len(self.pages):
                page = []
            elif index in self.served:
                page = self.served[index]
            else:
                page = self.pages[index]
                if self.before_page:
                    page = self.before_page(index, page) or page
                self.served[index] = page
            rows = "[" + ",".join(text for _, text in page) + "]"
            more = index + 1 < len(self.pages)
            headers = {}
            if self.kind == "none":
                body = rows
            elif self.kind == "cursor":
                following = json.dumps(str(index + 1)) if more else "null"
                body = f'{{"items":{rows},"next_cursor":{following},"total":{self.total}}}'
            else:
                if self.kind == "link" and more:
                    headers["Link"] = f'<{self.url}?cursor={index + 1}>; rel="next"'
                body = f'{{"items":{rows},"page":{index},"size":{self.size},"total":{self.total}}}'
            return 200, headers, body.encode()

    def pagination(self):
        """The setting in elt.yml, and whether `records` is needed."""
        size = self.size
        return {
            "none": "{ kind: none }",
            "page": f"{{ kind: page, page_param: page, size_param: size, size: {size}, total: total }}",
            "offset": f"{{ kind: offset, offset_param: offset, limit_param: limit, limit: {size}, total: total }}",
            "cursor": f"{{ kind: cursor, cursor: next_cursor, cursor_param: cursor, size_param: size, size: {size} }}",
            "link": f"{{ kind: link, size_param: size, size: {size} }}",
            "keyset": f"{{ kind: keyset, key: id, param: after, size_param: size, size: {size} }}",
        }[self.kind]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # A program that was killed between two requests resets its connection.
        if not isinstance(sys.exc_info()[1], ConnectionResetError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, headers, body = self.server.service.answer(parse_qs(urlparse(self.path).query))
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the program was killed

    def date_time_string(self, timestamp=None):
        return formatdate(self.server.service.date // 1000, usegmt=True)

    def log_message(self, *arguments):
        pass
