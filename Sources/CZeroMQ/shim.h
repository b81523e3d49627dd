// libzmq's C interface, and the few platform calls that Swift's own modules leave out.
#ifndef CZEROMQ_SHIM_H
#define CZEROMQ_SHIM_H

#include <zmq.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

// ThreadSanitizer does not see the synchronisation inside libzmq, which is not instrumented: memory that one of our
// threads hands to another through a socket would look like a race. These two weak symbols exist only in a sanitized
// process; elsewhere the calls cost one comparison.
#ifdef __linux__
extern void __tsan_release(void *address) __attribute__((weak));
extern void __tsan_acquire(void *address) __attribute__((weak));
__attribute__((weak)) char czmq_tsan_token;
static inline void czmq_tsan_release(void) {
    if (__tsan_release) __tsan_release(&czmq_tsan_token);
}
static inline void czmq_tsan_acquire(void) {
    if (__tsan_acquire) __tsan_acquire(&czmq_tsan_token);
}
static inline int czmq_tsan_is_active(void) { return __tsan_release != 0; }
#else
static inline int czmq_tsan_is_active(void) { return 0; }
static inline void czmq_tsan_release(void) {}
static inline void czmq_tsan_acquire(void) {}
#endif

// Clocks, in nanoseconds. Here and not in Swift, where it depends on the order of imports which module has `timespec`.
static inline int64_t czmq_clock_nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Never steps, and runs on while the machine sleeps: on Linux CLOCK_MONOTONIC does not, on Darwin it does.
static inline int64_t czmq_monotonic_nanoseconds(void) {
#ifdef __linux__
    return czmq_clock_nanoseconds(CLOCK_BOOTTIME);
#else
    return czmq_clock_nanoseconds(CLOCK_MONOTONIC);
#endif
}

static inline int64_t czmq_wall_nanoseconds(void) { return czmq_clock_nanoseconds(CLOCK_REALTIME); }

// A descriptor pair that wakes a poll: written at [1], read at [0]. One eventfd on Linux, a pipe elsewhere.
// Returns 0, or -1 with errno set.
static inline int czmq_wake_open(int descriptors[2]) {
#ifdef __linux__
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    descriptors[0] = descriptor;
    descriptors[1] = descriptor;
    return descriptor < 0 ? -1 : 0;
#else
    if (pipe(descriptors) != 0) return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(descriptors[i], F_SETFL, O_NONBLOCK);
        fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
    }
    return 0;
#endif
}

static inline void czmq_wake_close(const int descriptors[2]) {
    close(descriptors[0]);
    if (descriptors[1] != descriptors[0]) close(descriptors[1]);
}

static inline void czmq_wake_signal(int descriptor) {
    uint64_t one = 1;
    // A full pipe or counter means that a wake is pending already.
    ssize_t ignored = write(descriptor, &one, sizeof one);
    (void)ignored;
}

static inline void czmq_wake_drain(int descriptor) {
    uint64_t buffer[8];
    while (read(descriptor, buffer, sizeof buffer) == (ssize_t)sizeof buffer) {
    }
}

// The kernel's own list of descriptors to watch, each with a number that its events bring back. Events are poll's. Linux
// only: elsewhere there is none, and czmq_epoll_open returns -1.
#ifdef __linux__
typedef struct epoll_event czmq_epoll_entry;

static inline int czmq_epoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int czmq_epoll_set(int list, int operation, int descriptor, short events, uint32_t number) {
    struct epoll_event event = {0};
    event.events = (uint32_t)events;
    event.data.u32 = number;
    return epoll_ctl(list, operation, descriptor, &event);
}

static inline int czmq_epoll_add(int list, int descriptor, short events, uint32_t number) {
    return czmq_epoll_set(list, EPOLL_CTL_ADD, descriptor, events, number);
}

static inline int czmq_epoll_change(int list, int descriptor, short events, uint32_t number) {
    return czmq_epoll_set(list, EPOLL_CTL_MOD, descriptor, events, number);
}

static inline int czmq_epoll_remove(int list, int descriptor) {
    return czmq_epoll_set(list, EPOLL_CTL_DEL, descriptor, 0, 0);
}

// Waits; stores at most so many of those that are ready: the others come next time.
static inline int czmq_epoll_wait(int list, czmq_epoll_entry *ready, int most, int milliseconds) {
    return epoll_wait(list, ready, most, milliseconds);
}

static inline uint32_t czmq_epoll_number(czmq_epoll_entry entry) { return entry.data.u32; }
static inline short czmq_epoll_events(czmq_epoll_entry entry) { return (short)entry.events; }
#else
typedef struct {
    // As unsafe to Swift as the one above, or it would warn of what it need not be told.
    void *nothing;
} czmq_epoll_entry;

static inline int czmq_epoll_open(void) { return -1; }
static inline int czmq_epoll_add(int list, int descriptor, short events, uint32_t number) { return -1; }
static inline int czmq_epoll_change(int list, int descriptor, short events, uint32_t number) { return -1; }
static inline int czmq_epoll_remove(int list, int descriptor) { return -1; }
static inline int czmq_epoll_wait(int list, czmq_epoll_entry *ready, int most, int milliseconds) { return -1; }
static inline uint32_t czmq_epoll_number(czmq_epoll_entry entry) { return 0; }
static inline short czmq_epoll_events(czmq_epoll_entry entry) { return 0; }
#endif

// Starts a detached thread that gets no signals: they belong to the program, and would only interrupt its poll.
// Returns 0 or an error number.
static inline int czmq_thread_start(void *(*body)(void *), void *argument) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int status = pthread_create(&thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    return status;
}

// Tries to connect, and gives up after so many milliseconds. Returns 0 or the error number.
static inline int czmq_try_connect(const struct sockaddr *address, socklen_t length, int milliseconds) {
    int descriptor = socket(address->sa_family, SOCK_STREAM, 0);
    if (descriptor < 0) return errno;
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    int code = connect(descriptor, address, length) == 0 ? 0 : errno;
    if (code == EINPROGRESS) {
        struct pollfd item = {descriptor, POLLOUT, 0};
        socklen_t size = sizeof code;
        if (poll(&item, 1, milliseconds) != 1) code = ETIMEDOUT;
        else if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
    }
    close(descriptor);
    return code;
}

// Whether every address of the host refuses connections to the port: the host is up, and no process listens there. Looks
// the name up, which may take its time. 1 or 0.
static inline int czmq_tcp_refuses(const char *host, const char *port, int milliseconds) {
    struct addrinfo hints, *addresses;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    if (getaddrinfo(host, port, &hints, &addresses) != 0) return 0;
    int refused = addresses != 0;
    for (struct addrinfo *entry = addresses; entry; entry = entry->ai_next)
        if (czmq_try_connect(entry->ai_addr, entry->ai_addrlen, milliseconds) != ECONNREFUSED) refused = 0;
    freeaddrinfo(addresses);
    return refused;
}

// Why no address of the host accepts connections to the port: 0 if one does, -1 if the name is not known, else the error number of
// the last address.
static inline int czmq_tcp_unreachable(const char *host, const char *port, int milliseconds) {
    struct addrinfo hints, *addresses;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    if (getaddrinfo(host, port, &hints, &addresses) != 0) return -1;
    int code = -1;
    for (struct addrinfo *entry = addresses; entry && code != 0; entry = entry->ai_next)
        code = czmq_try_connect(entry->ai_addr, entry->ai_addrlen, milliseconds);
    freeaddrinfo(addresses);
    return code;
}

// Whether the Unix socket at the path refuses connections, or is not there any more. 1 or 0.
static inline int czmq_ipc_refuses(const char *path, int milliseconds) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return 0;
    strcpy(address.sun_path, path);
    int code = czmq_try_connect((const struct sockaddr *)&address, sizeof address, milliseconds);
    return code == ECONNREFUSED || code == ENOENT;
}

// Which file a path names.
typedef struct {
    uint64_t device;
    uint64_t number;
} czmq_file_id;

// Listens on a Unix socket that only this user can use. Nobody can connect before it has its mode: it listens after that. A
// socket at which nobody listens any more is replaced; anything else is left. Returns 0 or the error number.
static inline int czmq_ipc_listen(const char *path, int *listener, czmq_file_id *file) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    struct stat status;
    if (lstat(path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
        int code = czmq_try_connect((const struct sockaddr *)&address, sizeof address, 1000);
        if (code == 0 || code == EAGAIN || code == ETIMEDOUT) return EADDRINUSE;
        if (code != ECONNREFUSED && code != ENOENT) return code;
        if (code == ECONNREFUSED && unlink(path) != 0 && errno != ENOENT) return errno;
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (descriptor < 0) return errno;
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    if (bind(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        int code = errno;
        close(descriptor);
        return code;
    }
    if (chmod(path, 0600) != 0 || lstat(path, &status) != 0 || listen(descriptor, 16) != 0) {
        int code = errno;
        unlink(path);
        close(descriptor);
        return code;
    }
    file->device = (uint64_t)status.st_dev;
    file->number = (uint64_t)status.st_ino;
    *listener = descriptor;
    return 0;
}

// Removes the file, unless another one has taken its place.
static inline void czmq_ipc_remove(const char *path, czmq_file_id file) {
    struct stat status;
    if (lstat(path, &status) != 0) return;
    if ((uint64_t)status.st_dev == file.device && (uint64_t)status.st_ino == file.number) unlink(path);
}

// Why nobody can be reached at the Unix socket; 0 if somebody can.
static inline int czmq_ipc_unreachable(const char *path) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int code = czmq_try_connect((const struct sockaddr *)&address, sizeof address, 1000);
    return code == EAGAIN || code == ETIMEDOUT ? 0 : code;
}

static inline void czmq_thread_set_name(const char *name) {
#ifdef __linux__
    extern int pthread_setname_np(pthread_t, const char *);
    pthread_setname_np(pthread_self(), name);
#else
    pthread_setname_np(name);
#endif
}

static inline uintptr_t czmq_thread_self(void) {
    return (uintptr_t)pthread_self();
}

// How many processors the calling thread may run on (on macOS: how many there are); 1 if that cannot be told.
static inline int czmq_processor_count(void) {
#ifdef __linux__
    extern int sched_getaffinity(pid_t, size_t, cpu_set_t *);
    unsigned long processors[sizeof(cpu_set_t) / sizeof(unsigned long)] = {0};
    if (sched_getaffinity(0, sizeof processors, (cpu_set_t *)processors) != 0) return 1;
    int count = 0;
    for (size_t i = 0; i < sizeof processors / sizeof *processors; i++) count += __builtin_popcountl(processors[i]);
    return count;
#else
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
#endif
}

// Lets another thread have the processor if one waits for it.
static inline void czmq_thread_yield(void) { sched_yield(); }

#endif
