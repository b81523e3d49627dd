// The sockets of so many idle servers and nothing else: what libzmq itself takes. Each has an XPUB that listens, and
// a SUB that is connected to the next one's and has a monitor, as a server of ours has them. They have exchanged
// heartbeats for a while, since libzmq's queues take their memory only as they are used, to some hundred messages each.
//
// sockets COUNT FOLDER
#include "bench.h"

#include <unistd.h>
#include <zmq.h>

int main(int argc, char **argv) {
    if (argc < 3) return 64;
    raise_descriptor_limit();
    int count = atoi(argv[1]), linger = 0, patience = 5000;
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, zmq_ctx_get(context, ZMQ_SOCKET_LIMIT));
    char endpoint[200];
    void **publishers = calloc(count, sizeof(void *)), **subscribers = calloc(count, sizeof(void *));
    for (int i = 0; i < count; i++) {
        publishers[i] = zmq_socket(context, ZMQ_XPUB);
        if (!publishers[i]) fail("socket");
        int marks = 16;
        zmq_setsockopt(publishers[i], ZMQ_SNDHWM, &marks, sizeof marks);
        zmq_setsockopt(publishers[i], ZMQ_LINGER, &linger, sizeof linger);
        snprintf(endpoint, sizeof endpoint, "ipc://%s/%d", argv[2], i);
        if (zmq_bind(publishers[i], endpoint)) fail(endpoint);
    }
    for (int i = 0; i < count; i++) {
        void *sub = zmq_socket(context, ZMQ_SUB), *monitor = zmq_socket(context, ZMQ_PAIR);
        if (!sub || !monitor) fail("socket");
        subscribers[i] = sub;
        zmq_setsockopt(sub, ZMQ_RCVTIMEO, &patience, sizeof patience);
        snprintf(endpoint, sizeof endpoint, "inproc://monitor-%d", i);
        if (zmq_socket_monitor(sub, endpoint, ZMQ_EVENT_DISCONNECTED) || zmq_connect(monitor, endpoint)) fail(endpoint);
        zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
        snprintf(endpoint, sizeof endpoint, "ipc://%s/%d", argv[2], i ^ 1);
        if (zmq_connect(sub, endpoint)) fail(endpoint);
    }
    sleep(1);
    for (int beat = 0; beat < 400; beat++) {
        char heartbeat[80] = "";
        // libzmq looks at most once a millisecond whether a full queue has room again; few sockets would be faster.
        usleep(2000);
        for (int i = 0; i < count; i++) {
            zmq_send(publishers[i], "3", 1, ZMQ_SNDMORE);
            zmq_send(publishers[i], heartbeat, sizeof heartbeat, 0);
        }
        for (int i = 0; i < count; i++) {
            for (int frame = 0; frame < 2; frame++) {
                if (zmq_recv(subscribers[i], heartbeat, sizeof heartbeat, 0) < 0) fail("no heartbeat");
            }
        }
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
