"""Servers on loopback: nginx, and the one of the scripts, which can be slow."""

import os
import socket
import subprocess
import time

from support import measure
from tools.race import ROOT

CONF = """
pid @/pid; error_log @/error.log warn; daemon off; worker_processes 1; {user}
events {{ worker_connections 1024; }}
http {{
  types {{ text/html html; image/jpeg jpg; }}
  access_log off;
  client_body_temp_path @/body; proxy_temp_path @/proxy; fastcgi_temp_path @/fastcgi;
  uwsgi_temp_path @/uwsgi; scgi_temp_path @/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class Server:
    """A process that serves `address` until it is closed."""

    def __init__(self, process, address):
        self.process, self.address = process, address

    def close(self):
        """Ends it."""
        self.process.terminate()
        self.process.communicate()


def free_port():
    """One that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nginx(folder, root):
    """A real server, as fast as there is one."""
    port = free_port()
    # Not the user that Debian has for it, who may not read what is made here.
    user = "user root;" if os.getuid() == 0 else ""
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(CONF.format(user=user, port=port, root=root).replace("@", folder))
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", conf, "-p", folder, "-e",
                                os.path.join(folder, "error.log")])
    server = Server(process, f"http://127.0.0.1:{port}")
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise measure.Wrong("nginx does not start")


def slow(binary, root, seconds):
    """One that waits so long before each answer."""
    script = os.path.join(ROOT, "scripts", "serve_site.lua")
    # What it says when it is ended is of no interest.
    process = subprocess.Popen([binary, script, root, "--latency", str(seconds)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Server(process, process.stdout.readline().strip().rstrip("/"))
