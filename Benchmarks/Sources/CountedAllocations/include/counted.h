#ifndef COUNTED_H
#define COUNTED_H
#include <stdint.h>
/// How many heap allocations the calling thread has made. Always 0 where they are not counted (other than glibc).
uint64_t counted_allocations(void);
#endif
