// A DEALER that keeps a window of requests in flight, and counts what comes back.
//
// load PORT [--window N] [--seconds S] [--size BYTES] [--connections N] [--pid SERVER] [--header] [--wait SECONDS]
//      [--ready-only] [--allocations FILE]
//
// --header: puts the request header of a client of BinaryStar's in front. --connections: to as many addresses of the
// loopback network, which the server must listen at; a request goes out by each in turn. --ready-only: asks every
// millisecond until there is a reply. Each request is a number and an instant, and whatever follows up to the size;
// a reply that is not exactly one answer to one request counts as wrong. Prints one JSON object. At most 1 M
// requests wait.
#include "bench.h"

#include <unistd.h>
#include <zmq.h>

enum { HEADER_LENGTH = 33, SLOTS = 1 << 20, REPLY = 2 };

static void *socket_;
static int header_wanted, size = 16;
static char *body;
static uint64_t sent, waiting[SLOTS], incarnation;
static uint64_t wrong, refused;
static int outstanding;
static struct histogram histogram;

static void put(unsigned char *at, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) at[i] = value & 255;
}

static int can_ask(void) { return waiting[(sent + 1) % SLOTS] == 0; }

static void ask(void) {
    uint64_t number = ++sent;
    waiting[number % SLOTS] = number;
    outstanding++;
    if (header_wanted) {
        unsigned char header[HEADER_LENGTH] = {'B', 'S', 'T', 'R', 1, 1};
        put(header + 6, incarnation, 8), put(header + 14, number, 6);
        header[28] = 1;
        put(header + 29, 0xFFFFFF, 3);
        zmq_send(socket_, header, sizeof header, ZMQ_SNDMORE);
    }
    int64_t now = now_ns();
    memcpy(body, &number, 8), memcpy(body + 8, &now, 8);
    zmq_send(socket_, "", 0, ZMQ_SNDMORE);
    if (zmq_send(socket_, body, size, 0) < 0) fail("send");
}

// Returns 1 for a reply, 0 for what is none, -1 if there is nothing.
static int take(void) {
    int first = 1, kind = REPLY, found = 0, length = 0;
    uint64_t number = 0;
    int64_t at = 0;
    for (int more = 1; more; first = 0) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket_, first ? ZMQ_DONTWAIT : 0) < 0) return zmq_msg_close(&frame), -1;
        unsigned char *bytes = zmq_msg_data(&frame);
        length = zmq_msg_size(&frame), more = zmq_msg_more(&frame);
        // A server that knows no header returns it as it was.
        if (first && header_wanted && length == HEADER_LENGTH && bytes[5] != 1) kind = bytes[5];
        if (!more && length == size) memcpy(&number, bytes, 8), memcpy(&at, bytes + 8, 8), found = 1;
        zmq_msg_close(&frame);
    }
    if (kind != REPLY) return refused++, 0;
    if (!found || waiting[number % SLOTS] != number) return wrong++, 0;
    waiting[number % SLOTS] = 0;
    outstanding--;
    histogram_add(&histogram, now_ns() - at);
    return 1;
}

// What allocations.so has counted so far: by libzmq, and by the server's own code.
static void read_allocations(const char *path, uint64_t counts[2]) {
    FILE *file = path ? fopen(path, "r") : NULL;
    counts[0] = counts[1] = 0;
    if (!file) return;
    if (fread(counts, 8, 2, file) != 2) fail(path);
    fclose(file);
}

static int poll_ms(int milliseconds) {
    zmq_pollitem_t item = {socket_, 0, ZMQ_POLLIN, 0};
    return zmq_poll(&item, 1, milliseconds);
}

// Asks until somebody serves; a request that was refused by silence is forgotten.
static int wait_until_served(double seconds, int retry_ms) {
    int64_t end = now_ns() + seconds * 1e9;
    for (int served = 0; !served;) {
        if (now_ns() > end) return 0;
        ask();
        poll_ms(retry_ms);
        for (int result; (result = take()) >= 0;) served |= result;
    }
    return 1;
}

static void forget(void) {
    while (poll_ms(200) > 0)
        while (take() >= 0) {}
    memset(waiting, 0, sizeof waiting);
    outstanding = 0, wrong = 0, refused = 0;
}

static int connect_all(const char *port, int count) {
    for (int i = 1; i < count; i++) {
        char endpoint[64];
        snprintf(endpoint, sizeof endpoint, "tcp://127.1.%d.%d:%s", i / 250, 1 + i % 250, port);
        if (zmq_connect(socket_, endpoint)) fail(endpoint);
    }
    // By each connection one, in turn.
    for (int i = 0; i < count; i++) ask();
    for (int64_t end = now_ns() + 60e9; outstanding && now_ns() < end;) {
        poll_ms(100);
        while (take() >= 0) {}
    }
    return outstanding == 0;
}

static void run_until(int64_t end, int window) {
    while (now_ns() < end) {
        while (outstanding < window && can_ask()) ask();
        poll_ms(100);
        while (take() >= 0) {}
    }
}

int main(int argc, char **argv) {
    int window = 1, connections = 1, pid = 0, ready_only = 0;
    double seconds = 1, wait = 20;
    const char *allocations = NULL;
    uint64_t allocated[2], allocated_before[2];
    if (argc < 2) return 64;
    for (int i = 2; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--header")) header_wanted = 1;
        else if (!strcmp(argv[i], "--ready-only")) ready_only = 1;
        else if (!strcmp(argv[i], "--window")) window = atoi(next), i++;
        else if (!strcmp(argv[i], "--connections")) connections = atoi(next), i++;
        else if (!strcmp(argv[i], "--allocations")) allocations = next, i++;
        else if (!strcmp(argv[i], "--pid")) pid = atoi(next), i++;
        else if (!strcmp(argv[i], "--size")) size = atoi(next) < 16 ? 16 : atoi(next), i++;
        else if (!strcmp(argv[i], "--seconds")) seconds = atof(next), i++;
        else if (!strcmp(argv[i], "--wait")) wait = atof(next), i++;
        else return fprintf(stderr, "what is %s?\n", argv[i]), 64;
    }
    raise_descriptor_limit();
    body = calloc(1, size);
    incarnation = (uint64_t)now_ns() ^ getpid();
    void *context = zmq_ctx_new();
    socket_ = zmq_socket(context, ZMQ_DEALER);
    int none = 0;
    zmq_setsockopt(socket_, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket_, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
    int fast = 5;
    zmq_setsockopt(socket_, ZMQ_RECONNECT_IVL, &fast, sizeof fast);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%s", argv[1]);
    if (zmq_connect(socket_, endpoint)) fail(endpoint);
    if (!wait_until_served(wait, ready_only ? 1 : 100)) return fprintf(stderr, "nobody serves\n"), 1;
    if (ready_only) return printf("{\"ready_at\":%lld}\n", (long long)now_ns()), 0;
    forget();

    int64_t memory = memory_kib_of(pid);
    if (!connect_all(argv[1], connections)) return fprintf(stderr, "not all connections are served\n"), 1;
    int64_t memory_connected = memory_kib_of(pid);
    run_until(now_ns() + (int64_t)(seconds < 1 ? 100e6 : 300e6), window);

    struct usage before = usage_of(pid), own_before = usage_of(getpid());
    read_allocations(allocations, allocated_before);
    memset(&histogram, 0, sizeof histogram);
    int64_t start = now_ns();
    run_until(start + (int64_t)(seconds * 1e9), window);
    double elapsed = (now_ns() - start) / 1e9;
    uint64_t replies = histogram.count;
    struct usage after = usage_of(pid), own_after = usage_of(getpid());
    read_allocations(allocations, allocated);
    struct histogram measured = histogram;
    int64_t memory_full = memory_kib_of(pid);
    for (int64_t end = now_ns() + 5e9; outstanding && now_ns() < end;) {
        poll_ms(100);
        while (take() >= 0) {}
    }

    double count = replies ? replies : 1;
    printf("{\"replies_per_s\":%.1f,\"replies\":%llu,\"total\":%llu,\"lost\":%d,\"wrong\":%llu,\"refused\":%llu,",
           replies / elapsed, (unsigned long long)replies, (unsigned long long)sent, outstanding,
           (unsigned long long)wrong, (unsigned long long)refused);
    printf("\"server_cpu_us\":%.4f,\"server_cpu\":%.4f,\"own_cpu\":%.4f,\"server_switches\":%.5f,",
           (after.cpu_ns - before.cpu_ns) / 1e3 / count, (after.cpu_ns - before.cpu_ns) / 1e9 / elapsed,
           (own_after.cpu_ns - own_before.cpu_ns) / 1e9 / elapsed, (after.switches - before.switches) / count);
    printf("\"allocations_libzmq\":%.4f,\"allocations_own\":%.4f,", (allocated[0] - allocated_before[0]) / count,
           (allocated[1] - allocated_before[1]) / count);
    printf("\"memory_kib\":%lld,\"memory_connected_kib\":%lld,\"memory_full_kib\":%lld,", (long long)memory,
           (long long)memory_connected, (long long)memory_full);
    histogram_print(&measured);
    printf("}\n");
    return 0;
}
