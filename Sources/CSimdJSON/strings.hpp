#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace elt {

#if defined(__x86_64__)
/// Whether bytes can be shuffled, which compilers don't take for granted.
inline const bool has_ssse3 = (__builtin_cpu_init(), __builtin_cpu_supports("ssse3"));
#endif

/// Finds the first backslash in `begin..<end`, or `end`. Reads nothing at or beyond `limit`.
inline const uint8_t *find_backslash(const uint8_t *begin, const uint8_t *end, const uint8_t *limit) {
    const uint8_t *p = begin;
#if defined(__SSE2__)
    const __m128i backslash = _mm_set1_epi8('\\');
    while (p < end && limit - p >= 16) {
        __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
        unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, backslash)));
        if (mask) {
            p += __builtin_ctz(mask);
            return p < end ? p : end;
        }
        p += 16;
    }
#endif
    while (p < end && *p != '\\') p++;
    return p < end ? p : end;
}

/// Copies what comes before the first backslash; both pointers move past it. `to` has 16 bytes to spare.
inline void copy_to_backslash(
    const uint8_t *&from, const uint8_t *end, const uint8_t *limit, uint8_t *&to) {
#if defined(__SSE2__)
    const __m128i backslash = _mm_set1_epi8('\\');
    while (from < end && limit - from >= 16) {
        __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
        unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, backslash)));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to), block);
        ptrdiff_t count = mask ? __builtin_ctz(mask) : 16;
        if (count > end - from) count = end - from;
        from += count;
        to += count;
        if (mask) return;
    }
#endif
    while (from < end && *from != '\\') *to++ = *from++;
}

/// The value of four hex digits; -1 if they aren't.
inline int32_t hex4(const uint8_t *p) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p[i];
        int32_t digit;
        if (c >= '0' && c <= '9') digit = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f') digit = (c | 32) - 'a' + 10;
        else return -1;
        value = value << 4 | digit;
    }
    return value;
}

inline uint8_t *put_utf8(uint32_t code, uint8_t *to) {
    if (code < 0x80) {
        *to++ = static_cast<uint8_t>(code);
    } else if (code < 0x800) {
        *to++ = static_cast<uint8_t>(0xC0 | code >> 6);
        *to++ = static_cast<uint8_t>(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *to++ = static_cast<uint8_t>(0xE0 | code >> 12);
        *to++ = static_cast<uint8_t>(0x80 | (code >> 6 & 63));
        *to++ = static_cast<uint8_t>(0x80 | (code & 63));
    } else {
        *to++ = static_cast<uint8_t>(0xF0 | code >> 18);
        *to++ = static_cast<uint8_t>(0x80 | (code >> 12 & 63));
        *to++ = static_cast<uint8_t>(0x80 | (code >> 6 & 63));
        *to++ = static_cast<uint8_t>(0x80 | (code & 63));
    }
    return to;
}

} // namespace elt
