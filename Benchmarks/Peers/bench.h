// What the peers share: clocks, a histogram, and the figures of another process.
#ifndef BENCH_H
#define BENCH_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

// The clock that BinaryStar uses too: one for all processes of the machine, so that their instants can be compared.
static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline void raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

// A histogram of nanoseconds. Each power of two has 128 buckets, so that a value is known to 0.8 %.
enum { HISTOGRAM_STEPS = 128, HISTOGRAM_SIZE = 58 * HISTOGRAM_STEPS };
struct histogram {
    uint64_t buckets[HISTOGRAM_SIZE];
    uint64_t count;
    int64_t max;
};

static inline void histogram_add(struct histogram *h, int64_t value) {
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    int shift = v < HISTOGRAM_STEPS ? 0 : 63 - __builtin_clzll(v) - 6;
    h->buckets[shift * (HISTOGRAM_STEPS / 2) + (v >> shift)]++;
    h->count++;
    if (value > h->max) h->max = value;
}

static inline double histogram_us(const struct histogram *h, double quantile) {
    uint64_t rank = (uint64_t)(quantile * h->count), seen = 0;
    for (int i = 0; i < HISTOGRAM_SIZE; i++) {
        seen += h->buckets[i];
        if (seen <= rank) continue;
        int half = HISTOGRAM_STEPS / 2, shift = i < HISTOGRAM_STEPS ? 0 : i / half - 1;
        uint64_t low = (uint64_t)(i - shift * half) << shift;
        return (low + (1ULL << shift) / 2.0) / 1e3;
    }
    return h->max / 1e3;
}

static inline void histogram_print(const struct histogram *h) {
    printf("\"round_trip_us\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p99_9\":%.2f,\"max\":%.2f}",
           histogram_us(h, .5), histogram_us(h, .9), histogram_us(h, .99), histogram_us(h, .999), h->max / 1e3);
}

// Processor time of a process, those of its threads that have ended included, and context switches of those that are
// there.
struct usage {
    int64_t cpu_ns, switches;
};

static inline int64_t status_value(const char *path, const char *key) {
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    char line[256];
    int64_t value = 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key))) value = atoll(line + strlen(key));
    fclose(file);
    return value;
}

static inline struct usage usage_of(int pid) {
    struct usage usage = {0, 0};
    clockid_t clock;
    struct timespec used;
    // In nanoseconds, unlike the ticks in /proc/PID/stat.
    if (pid && clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0)
        usage.cpu_ns = used.tv_sec * 1000000000LL + used.tv_nsec;
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks) return usage;
    for (struct dirent *entry; (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", pid, entry->d_name);
        usage.switches += status_value(path, "voluntary_ctxt_switches:");
        usage.switches += status_value(path, "nonvoluntary_ctxt_switches:");
    }
    closedir(tasks);
    return usage;
}

static inline int64_t memory_kib_of(int pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    return status_value(path, "RssAnon:");
}

#endif
