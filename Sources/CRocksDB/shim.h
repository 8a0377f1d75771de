// malloc_trim, with which what RocksDB has freed goes back to the system.
#include <malloc.h>
#include <rocksdb/c.h>
