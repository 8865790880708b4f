#include "elt_json.h"
#include "strings.hpp"
#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#if defined(__x86_64__)
#include <immintrin.h>
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

/// Writes one byte, with its escape if it has one, at `to`, which has room for six.
inline uint8_t *escape_byte(uint8_t *to, uint8_t byte) {
    const Escape &escape = table.of[byte];
    if (!escape.length) {
        *to = byte;
        return to + 1;
    }
    std::memcpy(to, escape.text, 6);
    return to + escape.length;
}

#if defined(__x86_64__)
/// For each set of eight bytes that get a backslash before them: where the bytes go, and how many there are then.
constexpr struct Spread {
    /// Above 127 where a backslash stands.
    alignas(16) uint8_t from[256][16] = {};
    uint8_t count[256] = {};
    constexpr Spread() {
        for (int set = 0; set < 256; set++) {
            int to = 0;
            for (int i = 0; i < 8; i++) {
                if (set >> i & 1) from[set][to++] = 0x80;
                from[set][to++] = static_cast<uint8_t>(i);
            }
            count[set] = static_cast<uint8_t>(to);
        }
    }
} spread;

__attribute__((target("ssse3"))) inline uint8_t *spread_into(uint8_t *to, __m128i bytes, unsigned set) {
    const __m128i from = _mm_load_si128(reinterpret_cast<const __m128i *>(spread.from[set]));
    const __m128i backslashes = _mm_and_si128(_mm_cmplt_epi8(from, _mm_setzero_si128()), _mm_set1_epi8('\\'));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), _mm_or_si128(_mm_shuffle_epi8(bytes, from), backslashes));
    return to + spread.count[set];
}

/// Escapes blocks of 16 bytes for as long as there's a whole one; most bytes that aren't plain are quotes.
__attribute__((target("ssse3"))) uint8_t *escape_blocks(uint8_t *to, const uint8_t *&p, const uint8_t *end) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x1F);
    for (; end - p >= 16; p += 16) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(block, space), block))) {
            for (int i = 0; i < 16; i++) to = escape_byte(to, p[i]);
            continue;
        }
        const auto set = static_cast<unsigned>(
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash))));
        if (!set) {
            _mm_storeu_si128(reinterpret_cast<__m128i *>(to), block);
            to += 16;
            continue;
        }
        to = spread_into(to, block, set & 0xFF);
        to = spread_into(to, _mm_srli_si128(block, 8), set >> 8);
    }
    return to;
}
#endif

/// Writes `bytes` with escapes at `to`, which has room for six times as many and 16 more.
uint8_t *escape_into(uint8_t *to, const uint8_t *p, const uint8_t *end) {
#if defined(__x86_64__)
    if (elt::has_ssse3) to = escape_blocks(to, p, end);
#endif
    for (; p < end; p++) to = escape_byte(to, *p);
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
