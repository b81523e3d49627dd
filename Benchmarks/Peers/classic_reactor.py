#!/usr/bin/env python3
"""The Binary Star pattern on pyzmq, one message for each poll. As classic_reactor.c.

classic_reactor.py primary|backup FRONTEND LISTEN CONNECT [INTERVAL_MS]
"""
import sys
import time

import zmq

PRIMARY, BACKUP, ACTIVE, PASSIVE, CLIENT_REQUEST = 1, 2, 3, 4, 5


class Conflict(Exception):
    pass


class Server:
    def __init__(self, seat, interval):
        self.role = PRIMARY if seat == "primary" else BACKUP
        self.interval = interval
        self.renew()

    def renew(self):
        self.peer_expiry = time.monotonic() + 2 * self.interval

    def admits(self, event):
        """Applies an event, and says whether a request may be served."""
        role = self.role
        if event == CLIENT_REQUEST:
            if role == ACTIVE:
                return True
            if role == BACKUP or time.monotonic() < self.peer_expiry:
                return False
            self.role = ACTIVE
        elif role in (ACTIVE, PASSIVE) and event == role:
            raise Conflict()
        elif event == ACTIVE and role in (PRIMARY, BACKUP):
            self.role = PASSIVE
        elif event == BACKUP and role in (PRIMARY, PASSIVE) or event == PRIMARY and role == PASSIVE:
            self.role = ACTIVE
        return True


def main():
    seat, frontend, listen, connect = sys.argv[1:5]
    server = Server(seat, int(sys.argv[5]) / 1000 if len(sys.argv) > 5 else 1.0)
    context = zmq.Context()
    router, publisher, subscriber = context.socket(zmq.ROUTER), context.socket(zmq.PUB), context.socket(zmq.SUB)
    router.set_hwm(0)
    router.bind(frontend)
    publisher.bind(listen)
    subscriber.subscribe(b"")
    subscriber.connect(connect)
    poller = zmq.Poller()
    poller.register(router, zmq.POLLIN)
    poller.register(subscriber, zmq.POLLIN)
    due = time.monotonic() + server.interval
    while True:
        ready = dict(poller.poll(max(0, (due - time.monotonic()) * 1000)))
        if subscriber in ready:
            state = subscriber.recv_multipart()[0]
            server.renew()
            server.admits(int(state))
        if router in ready:
            request = router.recv_multipart()
            if server.admits(CLIENT_REQUEST):
                router.send_multipart(request)
        if time.monotonic() >= due:
            due += server.interval
            publisher.send(b"%d" % server.role)


main()
