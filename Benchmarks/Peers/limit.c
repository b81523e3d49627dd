// What libzmq itself allows: a ROUTER that echoes, drained until it is empty, in one thread.
//
// limit FRONTEND                                        the echo alone
// limit FRONTEND LISTEN CONNECT INTERVAL_MS FILE        with heartbeats to a peer that runs the same; - for no frontend
//
// FILE gets a line for each heartbeat: "sent NUMBER NANOSECONDS" before it is given to libzmq, "heard NUMBER
// NANOSECONDS" once it was read.
#include "bench.h"

#include <signal.h>
#include <zmq.h>

static volatile sig_atomic_t stopped;
static void stop(int signal) { (void)signal, stopped = 1; }

// A message of up to 8 frames goes back as it came.
static int echo_one(void *router) {
    zmq_msg_t frames[8];
    int count = 0;
    do {
        zmq_msg_init(&frames[count]);
        if (zmq_msg_recv(&frames[count], router, count ? 0 : ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frames[count]);
            return 0;
        }
        count++;
    } while (zmq_msg_more(&frames[count - 1]) && count < 8);
    for (int i = 0; i < count; i++)
        if (zmq_msg_send(&frames[i], router, i < count - 1 ? ZMQ_SNDMORE : 0) < 0) zmq_msg_close(&frames[i]);
    return 1;
}

// As large as the heartbeat of a server of ours: the role, and a second frame.
struct heartbeat {
    uint64_t magic, number;
    char rest[64];
};

static void hear(void *sub, FILE *log) {
    struct heartbeat beat;
    char role;
    while (zmq_recv(sub, &role, 1, ZMQ_DONTWAIT) >= 0)
        if (zmq_recv(sub, &beat, sizeof beat, 0) == sizeof beat)
            fprintf(log, "heard %llu %lld\n", (unsigned long long)beat.number, (long long)now_ns());
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    raise_descriptor_limit();
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    void *context = zmq_ctx_new(), *router = zmq_socket(context, ZMQ_ROUTER);
    int none = 0, backlog = 8192;
    // Without a mark, so that no reply is dropped in silence.
    zmq_setsockopt(router, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(router, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(router, ZMQ_BACKLOG, &backlog, sizeof backlog);
    if (argc < 2) return 64;
    if (strcmp(argv[1], "-") && zmq_bind(router, argv[1])) fail("bind");

    void *pub = NULL, *sub = NULL;
    FILE *log = NULL;
    int64_t interval = 0, next = 0;
    struct heartbeat beat = {.magic = 0xB5};
    if (argc == 6) {
        pub = zmq_socket(context, ZMQ_PUB), sub = zmq_socket(context, ZMQ_SUB);
        if (zmq_bind(pub, argv[2])) fail("bind");
        zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
        zmq_connect(sub, argv[3]);
        interval = atoll(argv[4]) * 1000000, next = now_ns() + interval;
        log = fopen(argv[5], "w");
        if (!log) fail(argv[5]);
    }
    zmq_pollitem_t items[] = {{router, 0, ZMQ_POLLIN, 0}, {sub, 0, ZMQ_POLLIN, 0}};
    while (!stopped) {
        int64_t wait = next ? (next - now_ns() + 999999) / 1000000 : -1;
        if (zmq_poll(items, sub ? 2 : 1, next && wait < 0 ? 0 : wait) < 0) break;
        if (sub) hear(sub, log);
        if (next && now_ns() >= next) {
            next += interval;
            beat.number++;
            int64_t instant = now_ns();
            zmq_send(pub, "3", 1, ZMQ_SNDMORE);
            zmq_send(pub, &beat, sizeof beat, 0);
            fprintf(log, "sent %llu %lld\n", (unsigned long long)beat.number, (long long)instant);
        }
        // With heartbeats it looks at them after so many requests; without, the socket is drained.
        for (int i = 0; !sub || i < 1000; i++)
            if (!echo_one(router)) break;
    }
    if (log) fclose(log);
    return 0;
}
