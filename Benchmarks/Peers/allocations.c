// Counts heap allocations, preloaded into a server: LD_PRELOAD=allocations.so ALLOCATIONS=FILE server …
//
// FILE holds two 64-bit numbers, which grow: allocations asked for by libzmq and the C++ library under it, and by
// all other code, which is the server's own. Who asks is told by the return address. Linux with glibc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t nowhere[2], *counts = nowhere;
static struct range {
    uintptr_t start, end;
} ranges[8];
static int range_count;

static int note_library(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size, (void)data;
    if (!strstr(info->dlpi_name, "libzmq") && !strstr(info->dlpi_name, "libstdc++")) return 0;
    for (int i = 0; i < info->dlpi_phnum && range_count < 8; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        ranges[range_count++] = (struct range){start, start + header->p_memsz};
    }
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ALLOCATIONS");
    if (!path) return;
    dl_iterate_phdr(note_library, NULL);
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0 || ftruncate(descriptor, 16)) return;
    void *memory = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (memory != MAP_FAILED) counts = memory;
}

static inline void note(void *caller) {
    uintptr_t address = (uintptr_t)caller;
    int others = 1;
    for (int i = 0; i < range_count; i++)
        if (address >= ranges[i].start && address < ranges[i].end) others = 0;
    __atomic_fetch_add((uint64_t *)&counts[others], 1, __ATOMIC_RELAXED);
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size) { return note(CALLER), __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return note(CALLER), __libc_calloc(count, size); }
void *realloc(void *memory, size_t size) { return note(CALLER), __libc_realloc(memory, size); }
void *memalign(size_t alignment, size_t size) { return note(CALLER), __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return note(CALLER), __libc_memalign(alignment, size); }
int posix_memalign(void **memory, size_t alignment, size_t size) {
    note(CALLER);
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}
