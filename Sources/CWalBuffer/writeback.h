#ifndef ELT_WRITEBACK_H
#define ELT_WRITEBACK_H

#include <sqlite3.h>

/* What of a file was written since the kernel was last told to begin bringing it to the disk. One thread's at a time. */
typedef struct Writeback {
    int known; /* whether `descriptor` is the file's */
    int descriptor;
    int count;
    sqlite3_int64 start;
    sqlite3_int64 end;
} Writeback;

/* Learns descriptors from the system's layer: files are SQLite's, and closing one of our own of a database would give up its locks
   (https://sqlite.org/howtocorrupt.html, 2.2). Once is enough. */
void writeback_prepare(void);

/* Writes to a file of the system's layer, and has the kernel begin with what was written whenever that's 4 MiB.

   What fails on the disk after that is told by the sync. What the kernel can't even begin with, such as finding a place, it may forget about, so
   it's told here: SQLITE_FULL, or SQLITE_IOERR_FSYNC. That it can't begin early at all is no error. */
int writeback_write(Writeback *writeback, sqlite3_file *file, const void *from, int count, sqlite3_int64 offset);

#endif
