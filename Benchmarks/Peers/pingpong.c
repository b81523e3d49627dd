// A REQ that asks and waits, again and again: the round trip as a blocking client sees it.
//
// pingpong PORT [SECONDS [SIZE [SERVER_PID]]]
#include "bench.h"

#include <zmq.h>

static struct histogram histogram;

static int64_t ask(void *request, char *body, int size) {
    int64_t start = now_ns();
    if (zmq_send(request, body, size, 0) < 0) return -1;
    zmq_msg_t reply;
    zmq_msg_init(&reply);
    int length = zmq_msg_recv(&reply, request, 0);
    zmq_msg_close(&reply);
    return length == size ? now_ns() - start : -1;
}

int main(int argc, char **argv) {
    if (argc < 2) return 64;
    double seconds = argc > 2 ? atof(argv[2]) : 1;
    int size = argc > 3 ? atoi(argv[3]) : 16, pid = argc > 4 ? atoi(argv[4]) : 0;
    char *body = calloc(1, size), endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%s", argv[1]);
    void *context = zmq_ctx_new(), *request = NULL;
    int none = 0, limit = 200;
    // A new socket for each try: a REQ that was not answered cannot ask again.
    for (int tries = 0; tries < 100; tries++) {
        request = zmq_socket(context, ZMQ_REQ);
        zmq_setsockopt(request, ZMQ_LINGER, &none, sizeof none);
        zmq_setsockopt(request, ZMQ_RCVTIMEO, &limit, sizeof limit);
        zmq_connect(request, endpoint);
        if (ask(request, body, size) >= 0) break;
        zmq_close(request);
        request = NULL;
    }
    if (!request) return fprintf(stderr, "nobody serves\n"), 1;
    limit = 5000;
    zmq_setsockopt(request, ZMQ_RCVTIMEO, &limit, sizeof limit);
    for (int64_t warm = now_ns() + 200000000; now_ns() < warm;)
        if (ask(request, body, size) < 0) return fprintf(stderr, "a reply is missing\n"), 1;
    struct usage before = usage_of(pid);
    int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
    while (now_ns() < end) {
        int64_t took = ask(request, body, size);
        if (took < 0) return fprintf(stderr, "a reply is missing\n"), 1;
        histogram_add(&histogram, took);
    }
    double elapsed = (now_ns() - start) / 1e9, count = histogram.count ? histogram.count : 1;
    struct usage after = usage_of(pid);
    printf("{\"replies_per_s\":%.1f,\"replies\":%llu,\"lost\":0,\"wrong\":0,\"refused\":0,\"server_cpu_us\":%.4f,"
           "\"server_switches\":%.5f,",
           histogram.count / elapsed, (unsigned long long)histogram.count,
           (after.cpu_ns - before.cpu_ns) / 1e3 / count, (after.switches - before.switches) / count);
    histogram_print(&histogram);
    printf("}\n");
    return 0;
}
