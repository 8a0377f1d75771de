// Counts what a thread allocates, for tests.
//
// Whatever links this has malloc and its relatives replaced by ones that count and hand on to glibc's: the C
// library lets a program do so ("Replacing malloc" in its manual), and it still exports its own under __libc_ names.
// No product links it.

#ifndef CALLOCATIONCOUNT_H
#define CALLOCATIONCOUNT_H

#include <stdint.h>

/// How often the calling thread has asked for memory since it began.
uint64_t henge_allocation_count(void);

#endif
