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
        self._near, self._far, self._threads = [], [], []
        self._start(self._accept)

    def cut(self):
        self._whole.clear()
        self._filter(_ATTACH, _FILTER)

    def mend(self):
        self._filter(_DETACH, 0)
        self._whole.set()

    def close(self):
        self.mend()
        for each in (self._listener, *self._near, *self._far):
            with contextlib.suppress(OSError):  # it has ended
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in (self._listener, *self._near, *self._far):
            each.close()

    def _start(self, work, *arguments):
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

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
                is_port = isinstance(self.target, int)
                far = socket.socket(socket.AF_INET if is_port else socket.AF_UNIX)
                self._far.append(far)
                far.connect(("127.0.0.1", self.target) if is_port else str(self.target))
                self._start(self._forward, near, far)
                self._start(self._forward, far, near)

    def _forward(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                target.sendall(data)
                self.sent += len(data) if source in self._near else 0
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
