// Preloaded into the program: notes every call that touches a file below FAULT_ROOT, and makes one of them fail.
//
// FAULT_ROOT   calls on files elsewhere, on sockets and pipes pass untouched
// FAULT_LOG    a line for each call: KIND RESULT PATH, tabs between them; a rename has a second path
// FAULT_KEEP   for each call that changed something or made it durable, what a disk needs to do the same:
//              KIND PLACE COUNT PATH OTHER, tabs between them, then COUNT bytes; see disk.py
// FAULT_CALL   which kind fails: write pwrite read sync open close rename link unlink truncate mkdir
// FAULT_NTH    from 1
// FAULT_ERRNO  a number
// FAULT_MODE   once, sticky (this and all that follow), short (half of the bytes), kill (before the call),
//              lie (says that it's done, does nothing and notes nothing: what a test of the log has to notice)
// FAULT_TIMES  how many in a row, if it's not one
// FAULT_PATH   only calls whose path holds this count for FAULT_NTH
//
// A close that fails has closed its file all the same, as on Linux.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum verdict { PASS, FAIL, SHORT, LIE };

static const char *root, *kind_wanted, *mode = "once", *path_wanted;
static size_t root_length;
static long nth, number = EIO, times = 1, seen;
static int log_file = -1, keep_file = -1;

static int appended(const char *name) {
    if (!name) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void begin(void) {
    if (!(root = getenv("FAULT_ROOT"))) return;
    root_length = strlen(root);
    kind_wanted = getenv("FAULT_CALL");
    path_wanted = getenv("FAULT_PATH");
    if (getenv("FAULT_NTH")) nth = atol(getenv("FAULT_NTH"));
    if (getenv("FAULT_TIMES")) times = atol(getenv("FAULT_TIMES"));
    if (getenv("FAULT_ERRNO")) number = atol(getenv("FAULT_ERRNO"));
    if (getenv("FAULT_MODE")) mode = getenv("FAULT_MODE");
    log_file = appended(getenv("FAULT_LOG"));
    keep_file = appended(getenv("FAULT_KEEP"));
}

static int is_ours(const char *path) {
    return root && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

// The path of an open file; 0 where it's none of ours.
static int path_of(int file, char *path) {
    char link[64];
    if (!root || file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t count = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (count <= 0) return 0;
    path[count] = 0;
    return is_ours(path);
}

static int path_at(int folder, const char *name, char *path) {
    if (!root) return 0;
    if (name[0] == '/') return snprintf(path, PATH_MAX, "%s", name) > 0 && is_ours(path);
    if (folder == AT_FDCWD) {
        if (syscall(SYS_getcwd, path, PATH_MAX) < 0) return 0;
    } else if (!path_of(folder, path)) {
        return 0;
    }
    size_t length = strlen(path);
    if (strcmp(name, ".")) snprintf(path + length, PATH_MAX - length, "/%s", name);
    return is_ours(path);
}

static void note(const char *kind, long result, const char *path, const char *other) {
    char line[2 * PATH_MAX + 64];
    if (log_file < 0) return;
    int before = errno;
    int length = snprintf(line, sizeof line, "%s\t%ld\t%s%s%s\n", kind, result, path, other ? "\t" : "", other ? other : "");
    syscall(SYS_write, log_file, line, (size_t)length);
    errno = before;
}

// One call, so that what two threads do isn't mixed up.
static void keep(const char *kind, off_t place, const void *bytes, size_t count, const char *path, const char *other) {
    char line[2 * PATH_MAX + 96];
    if (keep_file < 0) return;
    int before = errno;
    int length = snprintf(line, sizeof line, "%s\t%lld\t%zu\t%s\t%s\n", kind, (long long)place, count, path, other ? other : "");
    struct iovec parts[] = {{line, (size_t)length}, {(void *)bytes, count}};
    syscall(SYS_writev, keep_file, parts, count ? 2 : 1);
    errno = before;
}

static enum verdict judge(const char *kind, const char *path) {
    if (!kind_wanted || strcmp(kind, kind_wanted) || (path_wanted && !strstr(path, path_wanted))) return PASS;
    long count = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    int isSticky = !strcmp(mode, "sticky") || !strcmp(mode, "lie");
    if (!nth || count < nth || (!isSticky && count >= nth + times)) return PASS;
    if (!strcmp(mode, "kill")) {
        note("kill", 0, path, 0);
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    }
    if (!strcmp(mode, "lie")) return LIE;
    if (!strcmp(mode, "short")) return SHORT;
    errno = (int)number;
    return FAIL;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

// One body for all: how the path is found, what the call is, what's noted after it.
#define CALL(kind, isMatch, doing, second, size) \
    char path[PATH_MAX]; \
    if (!(isMatch)) return doing; \
    enum verdict verdict = judge(kind, path); \
    if (verdict == LIE) return 0; \
    if (verdict == FAIL) { note(kind, -errno, path, second); return -1; } \
    __typeof__(doing) result = doing; \
    note(kind, result < 0 ? -errno : result, path, second); \
    if (result >= 0) keep(kind, size, 0, 0, path, second); \
    return result

#define TRANSFER(kind, full, half, place) \
    char path[PATH_MAX]; \
    if (!path_of(file, path)) return full; \
    enum verdict verdict = judge(kind, path); \
    if (verdict == FAIL) { note(kind, -errno, path, 0); return -1; } \
    ssize_t result = verdict == SHORT && count > 1 ? half : full; \
    note(kind, result < 0 ? -errno : result, path, 0); \
    if (result > 0 && *kind != 'r') keep("write", place, bytes, (size_t)result, path, 0); \
    return result

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(write);
    // Where the file's end or place was before.
    TRANSFER("write", real(file, bytes, count), real(file, bytes, count / 2), lseek(file, 0, SEEK_CUR) - result);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    REAL(pwrite);
    TRANSFER("pwrite", real(file, bytes, count, at), real(file, bytes, count / 2, at), at);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    REAL(pwrite64);
    TRANSFER("pwrite", real(file, bytes, count, at), real(file, bytes, count / 2, at), at);
}
ssize_t read(int file, void *bytes, size_t count) {
    REAL(read);
    TRANSFER("read", real(file, bytes, count), real(file, bytes, count / 2), 0);
}
ssize_t pread(int file, void *bytes, size_t count, off_t at) {
    REAL(pread);
    TRANSFER("read", real(file, bytes, count, at), real(file, bytes, count / 2, at), at);
}
ssize_t pread64(int file, void *bytes, size_t count, off64_t at) {
    REAL(pread64);
    TRANSFER("read", real(file, bytes, count, at), real(file, bytes, count / 2, at), at);
}
int fsync(int file) {
    REAL(fsync);
    CALL("sync", path_of(file, path), real(file), 0, 0);
}
int fdatasync(int file) {
    REAL(fdatasync);
    CALL("sync", path_of(file, path), real(file), 0, 0);
}
int ftruncate(int file, off_t size) {
    REAL(ftruncate);
    CALL("truncate", path_of(file, path), real(file, size), 0, size);
}
int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    CALL("truncate", path_of(file, path), real(file, size), 0, size);
}
int close(int file) {
    REAL(close);
    char path[PATH_MAX];
    if (!path_of(file, path)) return real(file);
    enum verdict verdict = judge("close", path);
    int result = real(file);
    if (verdict == FAIL) {
        errno = (int)number;
        result = -1;
    }
    note("close", result < 0 ? -errno : result, path, 0);
    return result;
}
int unlink(const char *name) {
    REAL(unlink);
    CALL("unlink", path_at(AT_FDCWD, name, path), real(name), 0, 0);
}
int unlinkat(int folder, const char *name, int flags) {
    REAL(unlinkat);
    CALL("unlink", path_at(folder, name, path), real(folder, name, flags), 0, 0);
}
int mkdir(const char *name, mode_t rights) {
    REAL(mkdir);
    CALL("mkdir", path_at(AT_FDCWD, name, path), real(name, rights), 0, 0);
}
int mkdirat(int folder, const char *name, mode_t rights) {
    REAL(mkdirat);
    CALL("mkdir", path_at(folder, name, path), real(folder, name, rights), 0, 0);
}
int rename(const char *name, const char *target) {
    REAL(rename);
    char other[PATH_MAX];
    CALL("rename", path_at(AT_FDCWD, name, path) && path_at(AT_FDCWD, target, other), real(name, target), other, 0);
}
int renameat(int folder, const char *name, int into, const char *target) {
    REAL(renameat);
    char other[PATH_MAX];
    CALL("rename", path_at(folder, name, path) && path_at(into, target, other), real(folder, name, into, target), other, 0);
}
int link(const char *name, const char *target) {
    REAL(link);
    char other[PATH_MAX];
    CALL("link", path_at(AT_FDCWD, name, path) && path_at(AT_FDCWD, target, other), real(name, target), other, 0);
}
int linkat(int folder, const char *name, int into, const char *target, int flags) {
    REAL(linkat);
    char other[PATH_MAX];
    CALL("link", path_at(folder, name, path) && path_at(into, target, other), real(folder, name, into, target, flags), other, 0);
}

// A file that's made is told from one that's opened.
#define OPEN(folder, isReal) \
    va_list rest; \
    va_start(rest, flags); \
    mode_t rights = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    char path[PATH_MAX]; \
    if (!path_at(folder, name, path)) return isReal; \
    enum verdict verdict = judge("open", path); \
    if (verdict == FAIL) { note("open", -errno, path, 0); return -1; } \
    struct stat status; \
    int isNew = flags & O_CREAT && fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) != 0; \
    int result = isReal; \
    note(isNew ? "create" : "open", result < 0 ? -errno : 0, path, 0); \
    if (result >= 0 && isNew) keep("create", 0, 0, 0, path, 0); \
    if (result >= 0 && !isNew && flags & O_TRUNC) keep("truncate", 0, 0, 0, path, 0); \
    return result

int open(const char *name, int flags, ...) {
    REAL(open);
    OPEN(AT_FDCWD, real(name, flags, rights));
}
int open64(const char *name, int flags, ...) {
    REAL(open64);
    OPEN(AT_FDCWD, real(name, flags, rights));
}
int openat(int folder, const char *name, int flags, ...) {
    REAL(openat);
    OPEN(folder, real(folder, name, flags, rights));
}
int openat64(int folder, const char *name, int flags, ...) {
    REAL(openat64);
    OPEN(folder, real(folder, name, flags, rights));
}

// A request of Kafka's protocol begins with its length and its kind: 8 tells offsets to a group.
static void watch(const struct iovec *parts, size_t count) {
    const unsigned char *head = count ? parts[0].iov_base : 0;
    if (head && parts[0].iov_len >= 8 && head[4] == 0 && head[5] == 8) {
        note("offset-commit", 0, "", 0);
        keep("offset-commit", 0, 0, 0, "", 0);
    }
}
ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    if (root) watch(message->msg_iov, message->msg_iovlen);
    return real(socket, message, flags);
}
