// The Binary Star pattern on czmq's zloop, as the zguide's reactor has it: one message for each poll, heartbeats of one
// digit, a server that ends on a conflict.
//
// classic_reactor primary|backup FRONTEND LISTEN CONNECT [INTERVAL_MS]
#include <czmq.h>

enum { PRIMARY = 1, BACKUP, ACTIVE, PASSIVE, CLIENT_REQUEST };

static struct {
    zsock_t *frontend, *publisher, *subscriber;
    int role, event, interval;
    int64_t peer_expiry;
} self;

static void renew(void) { self.peer_expiry = zclock_mono() + 2 * self.interval; }

// Returns -1 if the event must be refused, or is a conflict.
static int apply(void) {
    int conflict = 0;
    if (self.role == PRIMARY) {
        if (self.event == BACKUP) self.role = ACTIVE;
        else if (self.event == ACTIVE) self.role = PASSIVE;
        else if (self.event == CLIENT_REQUEST) {
            if (zclock_mono() < self.peer_expiry) return -1;
            self.role = ACTIVE;
        }
    } else if (self.role == BACKUP) {
        if (self.event == ACTIVE) self.role = PASSIVE;
        else if (self.event == CLIENT_REQUEST) return -1;
    } else if (self.role == ACTIVE) {
        conflict = self.event == ACTIVE;
    } else {
        if (self.event == PRIMARY || self.event == BACKUP) self.role = ACTIVE;
        else if (self.event == PASSIVE) conflict = 1;
        else if (self.event == CLIENT_REQUEST) {
            if (zclock_mono() < self.peer_expiry) return -1;
            self.role = ACTIVE;
        }
    }
    if (conflict) {
        fprintf(stderr, "conflict\n");
        exit(2);
    }
    return 0;
}

static int on_timer(zloop_t *loop, int timer, void *argument) {
    (void)loop, (void)timer, (void)argument;
    zstr_sendf(self.publisher, "%d", self.role);
    return 0;
}

static int on_heartbeat(zloop_t *loop, zsock_t *socket, void *argument) {
    (void)loop, (void)argument;
    char *state = zstr_recv(socket);
    if (!state) return -1;
    self.event = atoi(state);
    free(state);
    renew();
    apply();
    return 0;
}

static int on_request(zloop_t *loop, zsock_t *socket, void *argument) {
    (void)loop, (void)argument;
    zmsg_t *request = zmsg_recv(socket);
    if (!request) return -1;
    self.event = CLIENT_REQUEST;
    if (apply() == 0) zmsg_send(&request, socket);
    zmsg_destroy(&request);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 5) return 64;
    self.role = streq(argv[1], "primary") ? PRIMARY : BACKUP;
    self.interval = argc > 5 ? atoi(argv[5]) : 1000;
    self.frontend = zsock_new(ZMQ_ROUTER);
    // Above what the zguide has, for the larger windows: it would drop replies.
    zsock_set_unbounded(self.frontend);
    self.publisher = zsock_new(ZMQ_PUB), self.subscriber = zsock_new(ZMQ_SUB);
    if (zsock_bind(self.frontend, "%s", argv[2]) < 0 || zsock_bind(self.publisher, "%s", argv[3]) < 0) return 1;
    zsock_set_subscribe(self.subscriber, "");
    zsock_connect(self.subscriber, "%s", argv[4]);
    renew();
    zloop_t *loop = zloop_new();
    zloop_timer(loop, self.interval, 0, on_timer, NULL);
    zloop_reader(loop, self.subscriber, on_heartbeat, NULL);
    zloop_reader(loop, self.frontend, on_request, NULL);
    zloop_start(loop);
    zloop_destroy(&loop);
    zsock_destroy(&self.frontend), zsock_destroy(&self.publisher), zsock_destroy(&self.subscriber);
    return 0;
}
