"""A connection between two programs that can be cut as a network is: packets get lost, and nobody is told."""

import contextlib
import ctypes
import socket
import struct
import sys
import threading

_ATTACH, _DETACH = 26, 27  # SO_ATTACH_FILTER and SO_DETACH_FILTER of Linux
_DROP_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
_FILTER = struct.pack("HP", 1, ctypes.addressof(_DROP_ALL))


class Wire:
    """It forwards from a port of its own to another port of 127.0.0.1, or to a socket in the file system.

    While it is cut, the system drops every packet of the client before TCP sees it, so that nothing is acknowledged. Of
    what was on its way nothing is lost: it arrives after the cut, as TCP's packets do.
    """

    def __init__(self, target):
        self.target, self.sent = target, 0
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._near = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self._whole.clear()
        self._filter(_ATTACH, _FILTER)

    def mend(self):
        self._filter(_DETACH, 0)
        self._whole.set()

    def close(self):
        self._listener.close()
        self.mend()

    def _filter(self, option, value):
        if sys.platform == "linux":
            for each in (self._listener, *self._near):
                with contextlib.suppress(OSError):  # it is closed
                    each.setsockopt(socket.SOL_SOCKET, option, value)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a client that has gone is noticed
                if sys.platform == "linux":
                    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
                    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
                    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 60)
                self._near.append(near)
                far = self._connect()
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _connect(self):
        if isinstance(self.target, int):
            return socket.create_connection(("127.0.0.1", self.target))
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self.target))
        return far

    def _forward(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                target.sendall(data)
                self.sent += len(data) if source in self._near else 0
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
