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
 * log's header in shared memory).
 *
 * A database file that nobody else reads, and that has no log, can be written in the same way, and one that's read once can give back
 * what was read (below). All other files pass straight through.
 *
 * Registers the layer `name` over `lower`; NULL is SQLite's own. Returns 0, or SQLite's error code. Call it once
 * for each name.
 */
int elt_walbuffer_register(const char *name, const char *lower);

/*
 * For sqlite3_file_control, with a pointer to an int: whether pages of the database file may be written later, on a thread.
 *
 * They're in the file before a commit or a rollback has ended, before they're read, and before a lock is given up. An error is told by
 * the next call that writes, and at the latest by the commit. Not for a file with a log: a checkpoint tells other
 * connections which pages are in the file without a call that this layer sees.
 */
#define ELT_WALBUFFER_WRITES_LATER 0x656C7401

/*
 * For sqlite3_file_control, with a pointer to an int: the database file is read once, from the first leaf of its one tree WITHOUT ROWID to the
 * last, and nobody needs it afterwards. Its pages lie in the order in which they were filled.
 *
 * What was read gives its blocks, and the kernel's pages of it, back while the rest is being read: so many leaves at a time as the int says, at
 * least 2. Where the system can't do that, nothing happens.
 */
#define ELT_WALBUFFER_READS_ONCE 0x656C7402

/*
 * For sqlite3_file_control, with a pointer to an int: how many bytes at the begin of the database file, in pages of 512 bytes, are SQLite's. What
 * lies behind them is the caller's. 0 makes all of it SQLite's again.
 *
 * A write of SQLite's that goes farther is refused as on a full disk, and a cut that would take away what's behind isn't made. The int that's
 * left there says whether a write was refused since the last call.
 */
#define ELT_WALBUFFER_CEILING 0x656C7403

/*
 * For sqlite3_file_control, with a pointer to what's below, or NULL to end it: pages of a database file that has a log are read as they shall
 * become, as if they stood in the file like this.
 *
 * SQLite reads a page of the file only where it's neither in its cache nor in the log: what was read is what nobody has changed since it was committed. Or it's
 * what the transaction has given up and takes for something else, so nothing may be given up without secure_delete. Who
 * gives pages must see to it that each that was read is changed by the same statement: then it's on its way to the log as it was read
 * here. After a statement that failed, pages that were read may be in the cache and must go from there.
 */
typedef struct elt_walbuffer_pages {
    int count;
    int size; /* bytes of a page */
    const unsigned int *numbers;
    const void *const *images;
    unsigned char *wasRead; /* set to 1 once a page was read */
} elt_walbuffer_pages;
#define ELT_WALBUFFER_INSTEAD 0x656C7404

/*
 * Bytes of an emptied log that stay for the next one, and from what size on they do.
 *
 * Where SQLite would delete a log or cut it to nothing, the layer writes zeros over its header, which any SQLite takes for
 * an empty log. The next log is written over the old one: no blocks are freed and found again, and what's still in the
 * kernel's cache is written where it lies. Give PRAGMA journal_size_limit the same number: with less SQLite cuts it to
 * that, and with none it leaves a closed log as it is.
 */
#define ELT_WALBUFFER_KEEPS (512 << 20)
#define ELT_WALBUFFER_KEEPS_MIN (64 << 10)

#endif
