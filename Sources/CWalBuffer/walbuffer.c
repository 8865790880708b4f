#define _GNU_SOURCE /* fallocate, SCHED_BATCH */
#include "walbuffer.h"
#include "writeback.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The system's layer writes no more than 128 KiB at once. */
enum { PIECE = 64 * 1024, PIECES = 16 };

/* A part of a file that isn't written yet. */
typedef struct Piece {
    sqlite3_int64 start;
    int count;
    unsigned char bytes[PIECE];
} Piece;

/* What a file is written with: a ring of pieces, and a thread that empties it in order. `filling` belongs to
   SQLite's thread; `first` and `queued` to whoever holds the mutex. */
typedef struct Writer {
    sqlite3_file *target;
    Writeback *writeback; /* of a log, which is synced as it is; NULL for a database, whose pages may be written again before */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    int hasThread;
    int stops;
    int filling;
    sqlite3_int64 end;   /* of a log: the farthest byte that was written or handed over */
    sqlite3_int64 begin; /* of a log: where the transaction begins that isn't synced; -1 where there's none */
    int first;
    int queued;
    int failure;
    Piece pieces[PIECES];
} Writer;

/* What of a file that's read once was read. A record's further pages lie before the leaf that has its begin, or before the one ahead of
   that: so what's given back ends with a leaf that lies a batch behind. */
typedef struct Behind {
    int descriptor;
    int leavesAtOnce;
    int leaves;             /* read since `batch` */
    sqlite3_int64 farthest; /* leaf that was read; -1 once they didn't come in order, and nothing is given back any more */
    sqlite3_int64 given;    /* everything before is given back, but the first page */
    sqlite3_int64 batch;    /* a leaf that was read, some time ago */
} Behind;

/* A database file or its log. The system's own file structure follows in memory. */
typedef struct File {
    sqlite3_file base;
    struct File *log;   /* of a database file: its log, while that's open */
    struct File *owner; /* of a log: its database file */
    Writer *writer;     /* of a file that was written to later */
    Behind *behind;     /* of a database file that's read once */
    Writeback writeback;
    int writesLater;    /* of a database file: it's nobody else's */
    sqlite3_int64 ceiling; /* of a database file: where what's SQLite's ends; 0 if all of it is */
    int refused;           /* whether SQLite has tried to write farther */
    elt_walbuffer_pages *instead; /* of a database file: what's read instead of some of its pages */
    const char *name;
} File;

static sqlite3_vfs *below(sqlite3_vfs *vfs) { return (sqlite3_vfs *)vfs->pAppData; }
static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((File *)file + 1); }

static Piece *filling(Writer *writer) { return &writer->pieces[writer->filling]; }

static int writePiece(Writer *writer, Piece *piece) {
    if (writer->writeback) return writeback_write(writer->writeback, writer->target, piece->bytes, piece->count, piece->start);
    return writer->target->pMethods->xWrite(writer->target, piece->bytes, piece->count, piece->start);
}

static void *writerMain(void *argument) {
    Writer *writer = argument;
#ifdef __linux__
    /* Otherwise each piece has this thread run at once where SQLite's was running, which is what it's there to spare. */
    struct sched_param ranks;
    int policy;
    if (pthread_getschedparam(pthread_self(), &policy, &ranks) == 0 && policy == SCHED_OTHER)
        pthread_setschedparam(pthread_self(), SCHED_BATCH, &ranks);
#endif
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        while (writer->queued == 0 && !writer->stops) pthread_cond_wait(&writer->changed, &writer->mutex);
        if (writer->queued == 0) break;
        Piece *piece = &writer->pieces[writer->first];
        int failed = writer->failure;
        pthread_mutex_unlock(&writer->mutex);
        /* After a failure nothing more is written: the transaction it belongs to is lost. */
        int result = failed ? SQLITE_OK : writePiece(writer, piece);
        pthread_mutex_lock(&writer->mutex);
        if (result != SQLITE_OK) writer->failure = result;
        piece->count = 0;
        writer->first = (writer->first + 1) % PIECES;
        writer->queued -= 1;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

static Writer *makeWriter(sqlite3_file *target, Writeback *writeback) {
    Writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return NULL;
    writer->target = target;
    writer->writeback = writeback;
    writer->begin = -1;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    return writer;
}

/* Hands over the piece that's being filled, and waits until there's one to go on with. */
static int submit(Writer *writer) {
    Piece *piece = filling(writer);
    if (piece->count == 0) return SQLITE_OK;
    if (!writer->hasThread) {
        /* Signals are for the program's own threads. */
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        writer->hasThread = pthread_create(&writer->thread, NULL, writerMain, writer) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (!writer->hasThread) {
        int result = writePiece(writer, piece);
        piece->count = 0;
        if (result != SQLITE_OK) writer->failure = result;
        return writer->failure;
    }
    pthread_mutex_lock(&writer->mutex);
    writer->queued += 1;
    writer->filling = (writer->filling + 1) % PIECES;
    pthread_cond_broadcast(&writer->changed);
    while (writer->queued == PIECES - 1) pthread_cond_wait(&writer->changed, &writer->mutex);
    int result = writer->failure;
    pthread_mutex_unlock(&writer->mutex);
    return result;
}

/* Writes all there is. A small log is written at once and needs no thread. */
static int flush(sqlite3_file *base) {
    Writer *writer = ((File *)base)->writer;
    if (writer == NULL) return SQLITE_OK;
    if (!writer->hasThread) {
        Piece *piece = filling(writer);
        if (piece->count > 0 && !writer->failure) writer->failure = writePiece(writer, piece);
        piece->count = 0;
        return writer->failure;
    }
    submit(writer);
    pthread_mutex_lock(&writer->mutex);
    while (writer->queued > 0) pthread_cond_wait(&writer->changed, &writer->mutex);
    int result = writer->failure;
    pthread_mutex_unlock(&writer->mutex);
    return result;
}

/* Tells a failure to a caller that gives the transaction up for it; the next one may try again. */
static int told(Writer *writer, int result) {
    if (result == SQLITE_OK || writer == NULL) return result;
    pthread_mutex_lock(&writer->mutex);
    while (writer->queued > 0) pthread_cond_wait(&writer->changed, &writer->mutex);
    filling(writer)->count = 0;
    writer->failure = SQLITE_OK;
    pthread_mutex_unlock(&writer->mutex);
    /* On a full disk its room is what others lack, such as the checkpoint. Nobody else writes to the log meanwhile. */
    if (writer->begin >= 0 && writer->target->pMethods->xTruncate(writer->target, writer->begin) == SQLITE_OK) {
        writer->end = writer->begin;
        writer->begin = -1;
    }
    return result;
}

static int fileClose(sqlite3_file *base) {
    File *file = (File *)base;
    int flushed = flush(base);
    Writer *writer = file->writer;
    if (writer && writer->hasThread) {
        pthread_mutex_lock(&writer->mutex);
        writer->stops = 1;
        pthread_cond_broadcast(&writer->changed);
        pthread_mutex_unlock(&writer->mutex);
        pthread_join(writer->thread, NULL);
    }
    if (writer) {
        pthread_cond_destroy(&writer->changed);
        pthread_mutex_destroy(&writer->mutex);
        free(writer);
    }
    if (file->owner) file->owner->log = NULL;
    if (file->log) file->log->owner = NULL;
    if (file->behind) close(file->behind->descriptor);
    free(file->behind);
    int closed = real(base)->pMethods->xClose(real(base));
    return flushed != SQLITE_OK ? flushed : closed;
}

enum { LEAF_OF_INDEX = 0x0A };

/* Gives back what lies behind, some leaves at a time. */
static void giveBack(Behind *behind, const unsigned char *page, int count, sqlite3_int64 offset) {
#ifdef __linux__
    if (offset < count || page[0] != LEAF_OF_INDEX || behind->farthest < 0) return;
    if (offset <= behind->farthest) {
        behind->farthest = -1;
        return;
    }
    behind->farthest = offset;
    if (++behind->leaves < behind->leavesAtOnce) return;
    behind->leaves = 0;
    if (behind->given == 0) behind->given = count;
    if (behind->batch > behind->given
        && fallocate(behind->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, behind->given, behind->batch - behind->given) == 0)
        behind->given = behind->batch;
    behind->batch = offset;
#endif
}

static int readOnce(File *file, int leavesAtOnce) {
#ifdef __linux__
    if (file->behind || leavesAtOnce < 2) return SQLITE_OK;
    Behind *behind = calloc(1, sizeof *behind);
    if (behind == NULL) return SQLITE_OK;
    behind->leavesAtOnce = leavesAtOnce;
    behind->descriptor = open(file->name, O_RDWR | O_CLOEXEC);
    if (behind->descriptor >= 0) file->behind = behind;
    else free(behind);
#endif
    return SQLITE_OK;
}

static int overlaps(const Piece *piece, sqlite3_int64 offset, int count) {
    return piece->count > 0 && offset < piece->start + piece->count && offset + count > piece->start;
}

/* Whether it's one of the pages that are read as they shall be. */
static int readInstead(elt_walbuffer_pages *pages, void *into, int count, sqlite3_int64 offset) {
    if (count != pages->size || offset % count != 0) return 0;
    for (int index = 0; index < pages->count; index++) {
        if (pages->numbers[index] != offset / count + 1) continue;
        memcpy(into, pages->images[index], count);
        pages->wasRead[index] = 1;
        return 1;
    }
    return 0;
}

static int fileRead(sqlite3_file *base, void *into, int count, sqlite3_int64 offset) {
    if (((File *)base)->instead && readInstead(((File *)base)->instead, into, count, offset)) return SQLITE_OK;
    Writer *writer = ((File *)base)->writer;
    if (writer) {
        int waits = 0;
        pthread_mutex_lock(&writer->mutex);
        int failure = writer->failure;
        for (int index = 0; index < PIECES; index++) waits |= overlaps(&writer->pieces[index], offset, count);
        pthread_mutex_unlock(&writer->mutex);
        /* What couldn't be written isn't in the file, and what's there in its place may be an older log's. */
        if (failure != SQLITE_OK) return failure;
        int flushed = waits ? flush(base) : SQLITE_OK;
        if (flushed != SQLITE_OK) return flushed;
    }
    int result = real(base)->pMethods->xRead(real(base), into, count, offset);
    if (((File *)base)->behind && result == SQLITE_OK) giveBack(((File *)base)->behind, into, count, offset);
    return result;
}

static int logWrite(sqlite3_file *base, const void *from, int count, sqlite3_int64 offset) {
    File *file = (File *)base;
    if (file->writer == NULL && (file->writer = makeWriter(real(base), &file->writeback)) == NULL)
        return SQLITE_IOERR_NOMEM;
    Writer *writer = file->writer;
    Piece *piece = filling(writer);
    if (piece->count > 0 && offset != piece->start + piece->count) {
        int flushed = flush(base);
        if (flushed != SQLITE_OK) return told(writer, flushed);
        piece = filling(writer);
    }
    /* A frame that's written again, or its checksum: it must not overtake its first version, and isn't worth a
       piece. */
    if (offset == 0) writer->end = 0; /* The log begins anew. */
    if (writer->begin < 0 || offset < writer->begin) writer->begin = offset;
    if (offset + count <= writer->end) {
        int flushed = flush(base);
        if (flushed != SQLITE_OK) return told(writer, flushed);
        return told(writer, real(base)->pMethods->xWrite(real(base), from, count, offset));
    }
    writer->end = offset + count;
    const unsigned char *bytes = from;
    while (count > 0) {
        if (piece->count == 0) piece->start = offset;
        /* Pieces end at multiples of their size, whatever they begin at. */
        int room = PIECE - (int)(piece->start % PIECE) - piece->count;
        int part = count < room ? count : room;
        memcpy(piece->bytes + piece->count, bytes, part);
        piece->count += part;
        bytes += part;
        offset += part;
        count -= part;
        if (part == room) {
            int submitted = submit(writer);
            if (submitted != SQLITE_OK) return told(writer, submitted);
            piece = filling(writer);
        }
    }
    return SQLITE_OK;
}

/* Pages of a database file come in any order: each run of them is a piece, and pieces are written as they came. */
static int databaseWrite(sqlite3_file *base, const void *from, int count, sqlite3_int64 offset) {
    File *file = (File *)base;
    if (file->ceiling > 0 && offset + count > file->ceiling) {
        file->refused = 1;
        return SQLITE_FULL;
    }
    if (!file->writesLater || count > PIECE) {
        int flushed = flush(base);
        if (flushed != SQLITE_OK) return told(file->writer, flushed);
        /* Where there's a log it's a checkpoint that writes, each page once. */
        if (file->log) return writeback_write(&file->writeback, real(base), from, count, offset);
        return real(base)->pMethods->xWrite(real(base), from, count, offset);
    }
    if (file->writer == NULL && (file->writer = makeWriter(real(base), NULL)) == NULL) return SQLITE_IOERR_NOMEM;
    Writer *writer = file->writer;
    Piece *piece = filling(writer);
    if (piece->count > 0 && (offset != piece->start + piece->count || piece->count + count > PIECE)) {
        int submitted = submit(writer);
        if (submitted != SQLITE_OK) return told(writer, submitted);
        piece = filling(writer);
    }
    if (piece->count == 0) piece->start = offset;
    memcpy(piece->bytes + piece->count, from, count);
    piece->count += count;
    return SQLITE_OK;
}

static int fileTruncate(sqlite3_file *base, sqlite3_int64 size) {
    int flushed = flush(base);
    if (flushed != SQLITE_OK || ((File *)base)->ceiling > 0) return flushed;
    Writer *writer = ((File *)base)->writer;
    if (writer && writer->end > size) writer->end = size;
    return real(base)->pMethods->xTruncate(real(base), size);
}

/* Whether a log is worth keeping for the next to be written over it, on a disk that has as much room besides. */
static int isKept(sqlite3_file *log) {
    sqlite3_int64 size = 0;
    struct statvfs disk;
    if (real(log)->pMethods->xFileSize(real(log), &size) != SQLITE_OK || size < ELT_WALBUFFER_KEEPS_MIN) return 0;
    return statvfs(((File *)log)->name, &disk) == 0 && (sqlite3_int64)disk.f_bavail * (sqlite3_int64)disk.f_frsize >= size;
}

/* An emptied log keeps its blocks, and a header of zeros says that it holds nothing. */
static int logTruncate(sqlite3_file *base, sqlite3_int64 size) {
    static const unsigned char header[32];
    sqlite3_file *log = real(base);
    sqlite3_int64 kept = 0;
    int flushed = flush(base);
    if (flushed != SQLITE_OK) return flushed;
    if (size > 0 || !isKept(base) || log->pMethods->xFileSize(log, &kept) != SQLITE_OK) return fileTruncate(base, size);
    if (log->pMethods->xWrite(log, header, sizeof header, 0) != SQLITE_OK) return fileTruncate(base, size);
    if (((File *)base)->writer) ((File *)base)->writer->end = 0;
    /* Without its header's end on the disk a whole old log may come back, which does no harm; half of one would. */
    if (kept <= ELT_WALBUFFER_KEEPS) return SQLITE_OK;
    if (log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK) return fileTruncate(base, size);
    return log->pMethods->xTruncate(log, ELT_WALBUFFER_KEEPS);
}

static int fileSync(sqlite3_file *base, int flags) {
    Writer *writer = ((File *)base)->writer;
    int flushed = flush(base);
    if (flushed != SQLITE_OK) return told(writer, flushed);
    int synced = real(base)->pMethods->xSync(real(base), flags);
    if (synced == SQLITE_OK && writer) writer->begin = -1;
    return synced;
}

static int fileSize(sqlite3_file *base, sqlite3_int64 *size) {
    int flushed = flush(base);
    return flushed != SQLITE_OK ? flushed : real(base)->pMethods->xFileSize(real(base), size);
}

static int fileLock(sqlite3_file *base, int level) { return real(base)->pMethods->xLock(real(base), level); }
static int fileUnlock(sqlite3_file *base, int level) {
    int flushed = flush(base);
    int unlocked = real(base)->pMethods->xUnlock(real(base), level);
    /* Nothing of a transaction is left to be written, so who goes on begins afresh. */
    return flushed != SQLITE_OK ? told(((File *)base)->writer, flushed) : unlocked;
}
static int fileIsReserved(sqlite3_file *base, int *result) {
    return real(base)->pMethods->xCheckReservedLock(real(base), result);
}
static const sqlite3_io_methods databaseMethods;

static int fileControl(sqlite3_file *base, int what, void *argument) {
    /* SYNC comes before each commit and at the end of each rollback, also where nothing is synced. */
    if (what == SQLITE_FCNTL_SYNC || what == ELT_WALBUFFER_WRITES_LATER) {
        int flushed = flush(base);
        if (flushed != SQLITE_OK) return told(((File *)base)->writer, flushed);
    }
    if (what == ELT_WALBUFFER_WRITES_LATER) {
        if (((File *)base)->base.pMethods != &databaseMethods) return SQLITE_NOTFOUND;
        ((File *)base)->writesLater = *(int *)argument;
        return SQLITE_OK;
    }
    if (what == ELT_WALBUFFER_CEILING) {
        File *file = (File *)base;
        if (base->pMethods != &databaseMethods || file->log) return SQLITE_NOTFOUND;
        file->ceiling = (sqlite3_int64)*(int *)argument * 512;
        *(int *)argument = file->refused;
        file->refused = 0;
        return SQLITE_OK;
    }
    if (what == ELT_WALBUFFER_INSTEAD) {
        if (base->pMethods != &databaseMethods || !((File *)base)->log) return SQLITE_NOTFOUND;
        ((File *)base)->instead = argument;
        return SQLITE_OK;
    }
    if (what == ELT_WALBUFFER_READS_ONCE) return readOnce((File *)base, *(int *)argument);
    int result = real(base)->pMethods->xFileControl(real(base), what, argument);
    /* SQLite asks before it deletes the log. What it doesn't delete it empties. */
    struct File *log = ((File *)base)->log;
    if (what == SQLITE_FCNTL_PERSIST_WAL && result == SQLITE_OK && log && isKept((sqlite3_file *)log)) *(int *)argument = 1;
    return result;
}
static int fileSector(sqlite3_file *base) { return real(base)->pMethods->xSectorSize(real(base)); }
static int fileTraits(sqlite3_file *base) { return real(base)->pMethods->xDeviceCharacteristics(real(base)); }
static int fileShmMap(sqlite3_file *base, int region, int size, int extend, void volatile **map) {
    return real(base)->pMethods->xShmMap(real(base), region, size, extend, map);
}
static int fileShmLock(sqlite3_file *base, int offset, int count, int flags) {
    /* The first lock is the writer's. What was rolled back before it was had may be another's frames by now. */
    struct File *log = ((File *)base)->log;
    if (offset == 0 && log && log->writer) log->writer->begin = -1;
    return real(base)->pMethods->xShmLock(real(base), offset, count, flags);
}
static void fileShmBarrier(sqlite3_file *base) {
    /* A commit syncs the log first and so leaves nothing here to do, unless "synchronous" is below FULL. */
    if (((File *)base)->log) flush((sqlite3_file *)((File *)base)->log);
    real(base)->pMethods->xShmBarrier(real(base));
}
static int fileShmUnmap(sqlite3_file *base, int remove) { return real(base)->pMethods->xShmUnmap(real(base), remove); }
static int fileFetch(sqlite3_file *base, sqlite3_int64 offset, int count, void **page) {
    int flushed = flush(base);
    if (flushed != SQLITE_OK) return flushed;
    if (((File *)base)->instead) {
        /* What's mapped is as it is. */
        *page = NULL;
        return SQLITE_OK;
    }
    return real(base)->pMethods->xFetch(real(base), offset, count, page);
}
static int fileUnfetch(sqlite3_file *base, sqlite3_int64 offset, void *page) {
    return real(base)->pMethods->xUnfetch(real(base), offset, page);
}

static const sqlite3_io_methods databaseMethods = {
    3, fileClose, fileRead, databaseWrite, fileTruncate, fileSync, fileSize, fileLock, fileUnlock, fileIsReserved,
    fileControl, fileSector, fileTraits, fileShmMap, fileShmLock, fileShmBarrier, fileShmUnmap, fileFetch, fileUnfetch};
static const sqlite3_io_methods logMethods = {
    1, fileClose, fileRead, logWrite, logTruncate, fileSync, fileSize, fileLock, fileUnlock, fileIsReserved,
    fileControl, fileSector, fileTraits};

static int vfsOpen(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *out) {
    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))) return below(vfs)->xOpen(below(vfs), name, base, flags, out);
    File *file = (File *)base;
    memset(file, 0, sizeof *file);
    file->name = name; /* SQLite's, as long as the file is open. */
    int result = below(vfs)->xOpen(below(vfs), name, real(base), flags, out);
    if (real(base)->pMethods == NULL) return result;
    if (result != SQLITE_OK) {
        real(base)->pMethods->xClose(real(base));
        return result;
    }
    if (flags & SQLITE_OPEN_WAL) {
        base->pMethods = &logMethods;
        file->owner = (File *)sqlite3_database_file_object(name);
        if (file->owner && file->owner->base.pMethods == &databaseMethods) file->owner->log = file;
        else file->owner = NULL;
    } else if (real(base)->pMethods->iVersion >= 3) {
        base->pMethods = &databaseMethods;
    } else {
        real(base)->pMethods->xClose(real(base));
        return SQLITE_CANTOPEN;
    }
    return SQLITE_OK;
}

static int vfsDelete(sqlite3_vfs *vfs, const char *name, int sync) { return below(vfs)->xDelete(below(vfs), name, sync); }
static int vfsAccess(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    return below(vfs)->xAccess(below(vfs), name, flags, result);
}
static int vfsFullPathname(sqlite3_vfs *vfs, const char *name, int count, char *out) {
    return below(vfs)->xFullPathname(below(vfs), name, count, out);
}
static void *vfsDlOpen(sqlite3_vfs *vfs, const char *name) { return below(vfs)->xDlOpen(below(vfs), name); }
static void vfsDlError(sqlite3_vfs *vfs, int count, char *out) { below(vfs)->xDlError(below(vfs), count, out); }
static void (*vfsDlSym(sqlite3_vfs *vfs, void *handle, const char *name))(void) {
    return below(vfs)->xDlSym(below(vfs), handle, name);
}
static void vfsDlClose(sqlite3_vfs *vfs, void *handle) { below(vfs)->xDlClose(below(vfs), handle); }
static int vfsRandomness(sqlite3_vfs *vfs, int count, char *out) { return below(vfs)->xRandomness(below(vfs), count, out); }
static int vfsSleep(sqlite3_vfs *vfs, int microseconds) { return below(vfs)->xSleep(below(vfs), microseconds); }
static int vfsCurrentTime(sqlite3_vfs *vfs, double *now) { return below(vfs)->xCurrentTime(below(vfs), now); }
static int vfsGetLastError(sqlite3_vfs *vfs, int count, char *out) {
    return below(vfs)->xGetLastError ? below(vfs)->xGetLastError(below(vfs), count, out) : 0;
}

static int vfsCurrentTimeInt64(sqlite3_vfs *vfs, sqlite3_int64 *now) {
    return below(vfs)->xCurrentTimeInt64(below(vfs), now);
}

int elt_walbuffer_register(const char *name, const char *lower) {
    writeback_prepare();
    sqlite3_vfs *system = sqlite3_vfs_find(lower);
    if (system == NULL || system->iVersion < 2) return SQLITE_ERROR;
    sqlite3_vfs *vfs = calloc(1, sizeof *vfs);
    if (vfs == NULL || (vfs->zName = strdup(name)) == NULL) return SQLITE_NOMEM;
    vfs->iVersion = 2;
    vfs->szOsFile = (int)sizeof(File) + system->szOsFile;
    vfs->mxPathname = system->mxPathname;
    vfs->pAppData = system;
    vfs->xOpen = vfsOpen;
    vfs->xDelete = vfsDelete;
    vfs->xAccess = vfsAccess;
    vfs->xFullPathname = vfsFullPathname;
    vfs->xDlOpen = vfsDlOpen;
    vfs->xDlError = vfsDlError;
    vfs->xDlSym = vfsDlSym;
    vfs->xDlClose = vfsDlClose;
    vfs->xRandomness = vfsRandomness;
    vfs->xSleep = vfsSleep;
    vfs->xCurrentTime = vfsCurrentTime;
    vfs->xGetLastError = vfsGetLastError;
    vfs->xCurrentTimeInt64 = system->xCurrentTimeInt64 ? vfsCurrentTimeInt64 : NULL;
    return sqlite3_vfs_register(vfs, 0);
}
