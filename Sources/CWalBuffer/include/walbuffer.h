#ifndef ELT_WALBUFFER_H
#define ELT_WALBUFFER_H

/*
 * A layer over another file layer of SQLite (a VFS) that writes the write-ahead log in pieces of 64 KiB, on a
 * thread of its own.
 *
 * SQLite writes each frame of the log as 24 bytes and a page, so that every page of a large commit begins in
 * the middle of a block: the kernel clears, copies and accounts for each block by itself. In large aligned
 * pieces the same bytes take a third of the time (docs/performance.md).
 *
 * What's buffered has reached the file before anybody could count on it: before the log is synced, before it's
 * read or cut, and before a commit is told to other connections (the barrier between the two copies of the
 * log's header in shared memory). All other files pass straight through.
 *
 * Registers the layer `name` over `lower`; NULL is SQLite's own. Returns 0, or SQLite's error code. Call it once
 * for each name.
 */
int elt_walbuffer_register(const char *name, const char *lower);

#endif
