#define _GNU_SOURCE
#include "CSandbox.h"

static _Thread_local unsigned short pinned_port;
static _Thread_local int is_armed;
static _Thread_local int pinned_count;

void csandbox_pin_port(unsigned short port) {
    pinned_port = port;
    is_armed = 1;
    pinned_count = 0;
}

int csandbox_unpin_port(void) {
    is_armed = 0;
    return pinned_count > 0;
}

#ifdef __linux__
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

typedef int bind_function(int, const struct sockaddr *, socklen_t);

/// Stands before the C library's bind in this program's symbols, so shared libraries call it too.
/// Everything passes through unchanged, save what this thread has asked for.
__attribute__((visibility("default"))) int bind(int descriptor, const struct sockaddr *address,
                                                socklen_t length) {
    static bind_function *system_bind;
    bind_function *next = __atomic_load_n(&system_bind, __ATOMIC_RELAXED);
    if (!next) {
        next = (bind_function *)dlsym(RTLD_NEXT, "bind");
        if (!next) {
            errno = ENOSYS;
            return -1;
        }
        __atomic_store_n(&system_bind, next, __ATOMIC_RELAXED);
    }
    if (!is_armed || address == NULL || length < sizeof(struct sockaddr_in) || address->sa_family != AF_INET)
        return next(descriptor, address, length);

    struct sockaddr_in wanted;
    memcpy(&wanted, address, sizeof wanted);
    if (wanted.sin_port != 0) return next(descriptor, address, length);
    wanted.sin_port = htons(pinned_port);
    is_armed = 0;
    pinned_count++;
    // Connections inherit it. Without it the mock broker's answers wait 40 ms for an acknowledgement.
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return next(descriptor, (const struct sockaddr *)&wanted, sizeof wanted);
}
#endif
