"""The controller's Unix socket: requests, responses, and the newest state for whoever subscribed.

One thread. What a client does not read is dropped (only its newest state is kept) or, when it asks on without reading,
the client itself. STOP is carried out here, before anything else is looked at, and needs neither queue nor loop.
Not responsible for the shape of messages (`messages`) or for what an order does (the cycle).
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from config.problems import ConfigError
from controller.core.exchange import Act
from controller.runtime.desk import Desk, Ticket
from controller.runtime.messages import (
    REQUEST_MAX,
    BadMessage,
    Request,
    Response,
    check_words,
    order_of,
    pack,
    read_request,
    request_id,
    unpack,
)
from controller.runtime.rundir import PATH_MAX, InUse, usable
from controller.runtime.setting_up import SetUps, SetUpTicket

CLIENTS_MAX = 16
UNREAD_MAX = 256 * 1024  # bytes of responses that a client may leave unread before it is cut off
CHUNK = 16 * 1024
REST_MAX_S = 0.01
# The loop wakes the thread ten times a second of its own time. Counted, for a stopped process has no seconds; and also
# timed, for a simulated rig that runs ten times as fast wakes it ten times as often.
HUNG_WAKES, HUNG_S = 30, 2.0


class _Client:
    """One connection. `state` waits in a slot of one: a newer state replaces one that was not sent yet."""

    def __init__(self, number: int, connection: socket.socket) -> None:
        self.number = number
        self.connection = connection
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.subscription: int | None = None
        self.seen_seq = 0


class ApiServer:
    """Serves `control.sock`. `start` binds and begins; `end`, called once after the loop, closes everything."""

    def __init__(
        self,
        *,
        path: Path,
        desk: Desk,
        setups: SetUps | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if len(os.fsencode(path)) > PATH_MAX:
            raise InUse(f"{path}: a socket's path may have at most {PATH_MAX} bytes; choose a shorter --run-dir")
        self._path = path
        self._desk = desk
        self._setups = setups
        self._clients: dict[int, _Client] = {}
        self._numbers = 0
        self._ending = False
        self._monotonic = monotonic
        self._unheard_wakes = 0
        self._unheard_since_s = 0.0
        self._state_bytes: dict[int, bytes] = {}
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)  # one that hangs lets control end

    def start(self) -> None:
        """Bind with mode 0600 and serve. Raises InUse when the socket cannot be made."""
        before = os.umask(0o177)
        try:
            # Left behind by a killed controller: control.lock makes sure that nobody else serves it.
            with usable(self._path):
                self._path.unlink(missing_ok=True)
                self._listener.bind(str(self._path))
        except InUse:
            self._selector.close()
            self._listener.close()
            os.close(self._wake)
            raise
        finally:
            os.umask(before)
        self._listener.listen(CLIENTS_MAX)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._desk.wake = self.wake
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Its thread lives and turns; without it nobody can press STOP."""
        unheard = self._unheard_wakes > HUNG_WAKES and self._monotonic() - self._unheard_since_s > HUNG_S
        return self._thread.is_alive() and not unheard

    def wake(self) -> None:
        """Tell the thread that there is something on the desk. Never blocks."""
        if self._unheard_wakes == 0:
            self._unheard_since_s = self._monotonic()
        self._unheard_wakes += 1
        try:
            os.eventfd_write(self._wake, 1)
        except BlockingIOError:
            return  # it has been woken 2**64 times already

    def end(self) -> None:
        """Send what is waiting as far as clients take it, close every connection, and remove the socket."""
        self._ending = True
        self.wake()
        self._thread.join(5.0)
        self._desk.wake = _asleep
        os.close(self._wake)

    def _run(self) -> None:
        try:
            while not self._ending:
                ready = self._selector.select()
                self._unheard_wakes = 0
                began_s = time.monotonic()
                for key, events in ready:
                    self._serve(key, events)
                self._hand_out()
                # This thread has the loop's priority: clients that never stop asking get half a processor, not all.
                time.sleep(min(time.monotonic() - began_s, REST_MAX_S))
        except Exception as error:
            # Clients see their connection close, and control ends safe: nobody could stop it any more.
            self._desk.api_fault = f"api: {type(error).__name__}: {error}"
        finally:
            self._close()

    def _serve(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._listener:
            self._accept()
        elif key.fd == self._wake:
            os.eventfd_read(self._wake)
        elif isinstance(key.data, _Client):
            if events & selectors.EVENT_READ:
                self._receive(key.data)
            if events & selectors.EVENT_WRITE and key.data.number in self._clients:
                self._flush(key.data)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # the client was gone before it was answered
        if len(self._clients) >= CLIENTS_MAX:
            connection.close()
            return
        connection.setblocking(False)
        self._numbers += 1
        client = _Client(self._numbers, connection)
        self._clients[client.number] = client
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.incoming += data
        try:
            while client.number in self._clients and (body := unpack(client.incoming, REQUEST_MAX)) is not None:
                self._answer(client, body)
        except BadMessage as error:
            # After a wrong length nothing that follows can be told apart any more.
            self._respond(client, Response(id=0, ok=False, error=str(error)))
            self._drop(client)

    def _answer(self, client: _Client, body: bytes) -> None:
        try:
            request = read_request(body)
            if request.do == "stop" or (request.do == "act" and request.act == Act.STOP.value):
                self._desk.stop.request()
                self._respond(client, Response(id=request.id))
            elif request.do == "act":
                self._order(client, request)
            elif request.do == "state":  # who asks now and then may be a program: a person's view subscribes
                self._respond(client, Response(id=request.id, state=dict(self._desk.state)))
            elif request.do == "subscribe":
                client.subscription = request.id
                client.seen_seq = -1
            else:
                self._set_up(client, request)
        except (BadMessage, ConfigError) as error:
            self._respond(client, Response(id=request_id(body), ok=False, error=str(error)))

    def _order(self, client: _Client, request: Request) -> None:
        refusal = self._desk.submit(Ticket(order_of(request), client.number, request.id))
        if refusal:
            self._respond(client, Response(id=request.id, ok=False, error=refusal))

    def _set_up(self, client: _Client, request: Request) -> None:
        """Facts, what a set-up would mean, or the set-up itself, which is answered later like an order."""
        if self._setups is None:
            raise BadMessage("this controller cannot be set up anew")
        if request.do == "facts":
            self._respond(client, Response(id=request.id, found=self._setups.facts()))
            return
        if request.setup is None:
            raise BadMessage(f"{request.do} needs setup: treatment, pseudonym, height_cm, weight_kg")
        if request.do == "preview":
            self._respond(client, Response(id=request.id, found=self._setups.preview(request.setup)))
            return
        check_words(request)
        refusal = self._setups.ask(SetUpTicket(request.setup, request.who, client.number, request.id))
        if refusal:
            self._respond(client, Response(id=request.id, ok=False, error=refusal))

    def _hand_out(self) -> None:
        for answer in self._desk.answers():
            client = self._clients.get(answer.ticket.client)
            if client is not None:
                refusal = answer.refusal
                self._respond(client, Response(id=answer.ticket.request, ok=not refusal, error=refusal))
        seq = self._desk.state_seq
        if seq == 0:
            return
        self._state_bytes.clear()
        for client in list(self._clients.values()):
            if client.subscription is not None and client.seen_seq != seq and not client.outgoing:
                client.seen_seq = seq
                self._push(client, client.subscription)

    def _push(self, client: _Client, subscription: int) -> None:
        packed = self._state_bytes.get(subscription)
        if packed is None:
            packed = self._state_bytes[subscription] = pack(Response(id=subscription, state=dict(self._desk.state)))
        self._send(client, packed)

    def _respond(self, client: _Client, response: Response) -> None:
        self._send(client, pack(response))

    def _send(self, client: _Client, data: bytes) -> None:
        if client.number not in self._clients:
            return
        if len(client.outgoing) + len(data) > UNREAD_MAX and client.outgoing:
            self._drop(client)
            return
        client.outgoing += data
        self._flush(client)

    def _flush(self, client: _Client) -> None:
        try:
            sent = client.connection.send(client.outgoing) if client.outgoing else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return
        del client.outgoing[:sent]
        if sent and client.subscription is not None:
            self._desk.seen()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outgoing else 0)
        self._selector.modify(client.connection, wanted, client)

    def _drop(self, client: _Client) -> None:
        if self._clients.pop(client.number, None) is not None:
            self._selector.unregister(client.connection)
            client.connection.close()

    def _close(self) -> None:
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)


def _asleep() -> None:
    """Nobody listens any more."""
