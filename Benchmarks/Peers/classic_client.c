// A client in the zguide's manner: one request at a time, 1 s for a reply, and 2 s before it believes the other server.
//
// classic_client PRIMARY BACKUP SECONDS
//
// Prints the longest time from one reply to the next, in JSON.
#include "bench.h"

#include <unistd.h>
#include <zmq.h>

int main(int argc, char **argv) {
    if (argc < 4) return 64;
    void *context = zmq_ctx_new(), *request = NULL;
    int server = 0, none = 0;
    long replies = 0;
    int64_t last = 0, longest = 0, end = now_ns() + (int64_t)(atof(argv[3]) * 1e9);
    while (now_ns() < end) {
        if (!request) {
            request = zmq_socket(context, ZMQ_REQ);
            zmq_setsockopt(request, ZMQ_LINGER, &none, sizeof none);
            zmq_connect(request, argv[1 + server]);
        }
        zmq_send(request, "hello", 5, 0);
        zmq_pollitem_t item = {request, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, 1000) > 0) {
            char reply[16];
            zmq_recv(request, reply, sizeof reply, 0);
            int64_t now = now_ns();
            if (last && now - last > longest) longest = now - last;
            last = now;
            replies++;
            usleep(1000);
        } else {
            zmq_close(request);
            request = NULL;
            server = !server;
            // The server decides by its timeout: until then nobody serves.
            usleep(2000000);
        }
    }
    printf("{\"replies\":%ld,\"longest_gap_ms\":%.2f}\n", replies, longest / 1e6);
    return 0;
}
