#define _GNU_SOURCE /* sync_file_range */
#include "writeback.h"

/* The replaced calls have offsets of 64 bits. */
#if defined(__linux__) && defined(__LP64__)
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/types.h>

enum { AT_ONCE = 4 << 20 };

typedef ssize_t (*Write)(int, const void *, size_t, off_t);

/* The system's layer has one of the two, under the name that it was built with. */
static const char *const names[] = {"pwrite", "pwrite64"};
static Write writes[2];

/* The file that this thread is writing to, while nobody knows its descriptor. */
static _Thread_local Writeback *learning;

static ssize_t learn(Write write, int descriptor, const void *from, size_t count, off_t offset) {
    if (learning) {
        learning->descriptor = descriptor;
        learning->known = 1;
    }
    return write(descriptor, from, count, offset);
}

static ssize_t first(int descriptor, const void *from, size_t count, off_t offset) {
    return learn(writes[0], descriptor, from, count, offset);
}

static ssize_t second(int descriptor, const void *from, size_t count, off_t offset) {
    return learn(writes[1], descriptor, from, count, offset);
}

static void install(void) {
    static const Write hooks[] = {first, second};
    sqlite3_vfs *system = sqlite3_vfs_find("unix");
    if (system == NULL || system->iVersion < 3) return;
    for (int index = 0; index < 2; index++) {
        writes[index] = (Write)system->xGetSystemCall(system, names[index]);
        if (writes[index]) system->xSetSystemCall(system, names[index], (sqlite3_syscall_ptr)hooks[index]);
    }
}

void writeback_prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

int writeback_write(Writeback *writeback, sqlite3_file *file, const void *from, int count, sqlite3_int64 offset) {
    learning = writeback->known ? NULL : writeback;
    int result = file->pMethods->xWrite(file, from, count, offset);
    learning = NULL;
    if (result != SQLITE_OK || !writeback->known) return result;
    if (writeback->count == 0 || offset < writeback->start) writeback->start = offset;
    if (writeback->count == 0 || offset + count > writeback->end) writeback->end = offset + count;
    writeback->count += count;
    if (writeback->count < AT_ONCE) return SQLITE_OK;
    writeback->count = 0;
    if (sync_file_range(writeback->descriptor, writeback->start, writeback->end - writeback->start, SYNC_FILE_RANGE_WRITE) == 0)
        return SQLITE_OK;
    switch (errno) {
    case ENOSPC: case EDQUOT: return SQLITE_FULL;
    case EIO: case EUCLEAN: case EROFS: return SQLITE_IOERR_FSYNC;
    default: return SQLITE_OK;
    }
}
#else
void writeback_prepare(void) {}

int writeback_write(Writeback *writeback, sqlite3_file *file, const void *from, int count, sqlite3_int64 offset) {
    return file->pMethods->xWrite(file, from, count, offset);
}
#endif
