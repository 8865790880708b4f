#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#if defined(__GLIBC__)
#include <malloc.h>
/// Gives free memory back to the system, which glibc keeps for threads that may be gone.
static inline void elt_return_memory(void) { malloc_trim(0); }
#else
static inline void elt_return_memory(void) {}
#endif
