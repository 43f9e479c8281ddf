"""Stands in for Slack's incoming webhooks, in a container beside the stack: says what it was sent.

Run by the container as a program, on the standard library alone.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Webhook(BaseHTTPRequestHandler):
    """Takes everything, as Slack does: 200 and "ok"."""

    def do_POST(self) -> None:
        """Write the payload to stdout, on one line."""
        payload = self.rfile.read(int(self.headers["Content-Length"]))
        sys.stdout.write(payload.decode() + "\n")
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


if __name__ == "__main__":
    HTTPServer(("", 8080), Webhook).serve_forever()
