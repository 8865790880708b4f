#include "elt_json.h"
#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

/// How a byte is written in a string; length 0 where it stays as it is.
struct Escape {
    uint8_t text[7];
    uint8_t length;
};

constexpr struct EscapeTable {
    Escape of[256] = {};
    constexpr EscapeTable() {
        const char *hex = "0123456789abcdef";
        for (int i = 0; i < 32; i++) {
            const auto high = static_cast<uint8_t>('0' + i / 16), low = static_cast<uint8_t>(hex[i % 16]);
            of[i] = {{'\\', 'u', '0', '0', high, low}, 6};
        }
        const char *pairs = "\"\"\\\\\bb\ff\nn\rr\tt";
        for (int i = 0; pairs[i]; i += 2) {
            of[static_cast<int>(pairs[i])] = {{'\\', static_cast<uint8_t>(pairs[i + 1])}, 2};
        }
    }
} table;

/// Writes `bytes` with escapes at `to`, which has room for six times as many and 16 more.
uint8_t *escape_into(uint8_t *to, const uint8_t *p, const uint8_t *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x1F);
    while (end - p >= 16) {
        __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
        __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_min_epu8(block, space), block));
        unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(odd));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to), block);
        if (!mask) {
            p += 16;
            to += 16;
            continue;
        }
        int plain = __builtin_ctz(mask);
        const Escape &escape = table.of[p[plain]];
        to += plain;
        std::memcpy(to, escape.text, 6);
        to += escape.length;
        p += plain + 1;
    }
#endif
    for (; p < end; p++) {
        const Escape &escape = table.of[*p];
        if (escape.length) {
            std::memcpy(to, escape.text, 6);
            to += escape.length;
        } else {
            *to++ = *p;
        }
    }
    return to;
}

constexpr char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr struct Values64 {
    int8_t of[256] = {};
    constexpr Values64() {
        for (int i = 0; i < 256; i++) of[i] = -1;
        for (int i = 0; i < 64; i++) of[static_cast<int>(digits64[i])] = static_cast<int8_t>(i);
    }
} values64;

} // namespace

bool elt_json_buffer_reserve(elt_json_buffer *buffer, size_t more) {
    size_t wanted = buffer->count + more + 32;
    if (wanted <= buffer->capacity) return true;
    size_t capacity = buffer->capacity < 4096 ? 4096 : buffer->capacity * 2;
    if (capacity < wanted) capacity = wanted;
    void *larger = std::realloc(buffer->base, capacity);
    if (!larger) return false;
    buffer->base = static_cast<uint8_t *>(larger);
    buffer->capacity = capacity;
    return true;
}

void elt_json_buffer_free(elt_json_buffer *buffer) {
    std::free(buffer->base);
    *buffer = {};
}

bool elt_json_append_string(elt_json_buffer *buffer, const uint8_t *bytes, size_t length) {
    if (!elt_json_buffer_reserve(buffer, 2)) return false;
    buffer->base[buffer->count++] = '"';
    // Piece by piece, so that the room for the worst case stays small.
    for (size_t done = 0; done < length;) {
        size_t piece = length - done < 65536 ? length - done : 65536;
        if (!elt_json_buffer_reserve(buffer, piece * 6 + 1)) return false;
        uint8_t *to = buffer->base + buffer->count;
        buffer->count += static_cast<size_t>(escape_into(to, bytes + done, bytes + done + piece) - to);
        done += piece;
    }
    buffer->base[buffer->count++] = '"';
    return true;
}

bool elt_json_append_base64(elt_json_buffer *buffer, const uint8_t *bytes, size_t length) {
    if (!elt_json_buffer_reserve(buffer, (length + 2) / 3 * 4 + 2)) return false;
    uint8_t *to = buffer->base + buffer->count;
    *to++ = '"';
    for (size_t i = 0; i < length; i += 3) {
        size_t part = length - i < 3 ? length - i : 3;
        uint32_t word = static_cast<uint32_t>(bytes[i]) << 16;
        if (part > 1) word |= static_cast<uint32_t>(bytes[i + 1]) << 8;
        if (part > 2) word |= bytes[i + 2];
        *to++ = static_cast<uint8_t>(digits64[word >> 18]);
        *to++ = static_cast<uint8_t>(digits64[word >> 12 & 63]);
        *to++ = static_cast<uint8_t>(part > 1 ? digits64[word >> 6 & 63] : '=');
        *to++ = static_cast<uint8_t>(part > 2 ? digits64[word & 63] : '=');
    }
    *to++ = '"';
    buffer->count = static_cast<size_t>(to - buffer->base);
    return true;
}

bool elt_json_is_utf8(const uint8_t *bytes, size_t length) {
    return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length);
}

ptrdiff_t elt_json_decode_base64(const uint8_t *text, size_t length, uint8_t *out) {
    if (length % 4) return -1;
    uint8_t *to = out;
    for (size_t i = 0; i < length; i += 4) {
        size_t padding = 0;
        if (i + 4 == length) padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++) {
            int32_t value = k >= 4 - padding ? 0 : values64.of[text[i + k]];
            if (value < 0) return -1;
            word = word << 6 | static_cast<uint32_t>(value);
        }
        // Bits that nobody reads must be zero: one text for one content.
        if ((padding == 1 && (word & 0xFF)) || (padding == 2 && (word & 0xFFFF))) return -1;
        *to++ = static_cast<uint8_t>(word >> 16);
        if (padding < 2) *to++ = static_cast<uint8_t>(word >> 8);
        if (padding < 1) *to++ = static_cast<uint8_t>(word);
    }
    return to - out;
}
