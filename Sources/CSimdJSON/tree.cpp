#include "tree.hpp"
#include "strings.hpp"
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace elt {

static bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
static bool is_digit(uint8_t c) { return static_cast<uint8_t>(c - '0') < 10; }

int Tree::parse(const uint8_t *bytes, size_t length) {
    if (int fault = begin(bytes, length)) return fault;
    return walk();
}

int Tree::begin(const uint8_t *bytes, size_t length) {
    text = bytes;
    size = length;
    count = 0;
    unescaped_count = 0;
    if (length == 0) return fail(elt_json_empty, 0);
    if (length > length_max) return fail(elt_json_too_long, length_max);
    if (!stage || stage->capacity() < length) {
        size_t capacity = 4096;
        while (capacity < length) capacity *= 2;
        auto &active = simdjson::get_active_implementation();
        if (active->create_dom_parser_implementation(capacity, 1, stage)) return fail(elt_json_no_memory, 0);
    }
    if (auto error = stage->stage1(bytes, length, simdjson::stage1_mode::regular)) {
        return first_stage_fault(error);
    }
    count = stage->n_structural_indexes;
    starts = stage->structural_indexes.get();
    starts[count] = static_cast<uint32_t>(length);
    if (!note_store.reserve(count)) return fail(elt_json_no_memory, 0);
    notes = note_store.base;
    return elt_json_ok;
}

/// The first stage says what's wrong, not where: look again, slowly.
int Tree::first_stage_fault(simdjson::error_code error) {
    if (error == simdjson::EMPTY) return fail(elt_json_empty, 0);
    if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY) return fail(elt_json_no_memory, 0);
    if (!simdjson::validate_utf8(reinterpret_cast<const char *>(text), size)) {
        size_t good = 0;
        while (good < size) {
            uint8_t c = text[good];
            size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
            const char *character = reinterpret_cast<const char *>(text + good);
            if (good + length > size || (c >= 0x80 && !simdjson::validate_utf8(character, length))) break;
            good += length;
        }
        return fail(elt_json_not_utf8, good);
    }
    bool inside = false;
    size_t opened = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = text[i];
        if (inside && c < 0x20) return fail(elt_json_control_character, i);
        if (inside && c == '\\') {
            i++;
        } else if (c == '"') {
            inside = !inside;
            opened = i;
        }
    }
    return fail(elt_json_not_json, inside ? opened : 0);
}

int Tree::walk() {
    uint32_t opened[depth_max];
    size_t depth = 0;
    uint32_t i = 0;
    for (;;) {
        uint8_t byte = byte_at(i);
        if (byte == '{' || byte == '[') {
            if (depth == depth_max) return fail(elt_json_too_deep, starts[i]);
            opened[depth++] = i++;
            // Both closing brackets come two after their opening ones.
            if (byte_at(i) != byte + 2) {
                if (byte == '[') continue;
                if (int fault = name(i)) return fault;
                i += 2;
                continue;
            }
        } else {
            if (int fault = scalar(i)) return fault;
            i++;
        }
        for (;;) {
            if (depth == 0) return i == count ? elt_json_ok : fail(elt_json_trailing, starts[i]);
            uint32_t container = opened[depth - 1];
            uint8_t open = text[starts[container]], next = byte_at(i);
            if (next == ',') {
                i++;
                if (open == '{') {
                    if (int fault = name(i)) return fault;
                    i += 2;
                }
                break;
            }
            if (next != open + 2) return fail(elt_json_not_json, start_of(i));
            notes[container].at = i++;
            depth--;
        }
    }
}

int Tree::name(uint32_t token) {
    if (byte_at(token) != '"') return fail(elt_json_not_json, start_of(token));
    if (int fault = string_token(token)) return fault;
    return byte_at(token + 1) == ':' ? elt_json_ok : fail(elt_json_not_json, start_of(token + 1));
}

int Tree::scalar(uint32_t token) {
    switch (byte_at(token)) {
    case '"': return string_token(token);
    case 't': return literal(token, "true", 4);
    case 'f': return literal(token, "false", 5);
    case 'n': return literal(token, "null", 4);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return number(token);
    default: return fail(elt_json_not_json, start_of(token));
    }
}

int Tree::literal(uint32_t token, const char *word, uint32_t length) {
    uint32_t start = starts[token], limit = starts[token + 1];
    // What follows a word belongs to its token until a space or a bracket, comma or colon.
    if (limit - start < length || std::memcmp(text + start, word, length) != 0
        || (limit - start > length && !is_space(text[start + length]))) {
        return fail(elt_json_not_json, start);
    }
    notes[token].length = length;
    return elt_json_ok;
}

int Tree::string_token(uint32_t token) {
    // The closing quote is the last byte before the next token that isn't a space.
    uint32_t start = starts[token] + 1, end = starts[token + 1] - 1;
    while (end >= start && is_space(text[end])) end--;
    if (end < start || text[end] != '"') return fail(elt_json_not_json, starts[token]);
    const uint8_t *from = text + start, *to = text + end;
    if (find_backslash(from, to, text + size) != to) return unescape(from, to, token);
    notes[token] = {start, end - start};
    return elt_json_ok;
}

/// What follows a backslash, or 0.
static constexpr struct Escapes {
    uint8_t of[256] = {};
    constexpr Escapes() {
        of[static_cast<int>('"')] = '"';
        of[static_cast<int>('\\')] = '\\';
        of[static_cast<int>('/')] = '/';
        of[static_cast<int>('b')] = '\b';
        of[static_cast<int>('f')] = '\f';
        of[static_cast<int>('n')] = '\n';
        of[static_cast<int>('r')] = '\r';
        of[static_cast<int>('t')] = '\t';
    }
} escapes;

#if defined(__x86_64__)
/// For each set of eight bytes that are left out: which of the others come where, and how many there are.
static constexpr struct Gather {
    alignas(8) uint8_t from[256][8] = {};
    uint8_t count[256] = {};
    constexpr Gather() {
        for (int set = 0; set < 256; set++) {
            for (int i = 0; i < 8; i++) {
                if (!(set >> i & 1)) from[set][count[set]++] = static_cast<uint8_t>(i);
            }
        }
    }
} gather;

__attribute__((target("ssse3"))) static inline uint8_t *gather_into(uint8_t *to, __m128i bytes, unsigned out) {
    const __m128i from = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(gather.from[out]));
    _mm_storel_epi64(reinterpret_cast<__m128i *>(to), _mm_shuffle_epi8(bytes, from));
    return to + gather.count[out];
}

/// Copies blocks of 16 bytes, without backslashes before quotes and slashes, up to the first one with another escape; both
/// pointers move past them.
__attribute__((target("ssse3"))) static void unescape_blocks(const uint8_t *&from, const uint8_t *end, uint8_t *&to) {
    const __m128i backslash = _mm_set1_epi8('\\'), quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('/');
    while (end - from >= 16) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
        const auto escapes = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, backslash)));
        if (!escapes) {
            _mm_storeu_si128(reinterpret_cast<__m128i *>(to), block);
            from += 16;
            to += 16;
            continue;
        }
        const auto same = static_cast<unsigned>(
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, slash))));
        if (escapes << 1 & ~same & 0xFFFF) return;
        to = gather_into(to, block, escapes & 0xFF);
        to = gather_into(to, _mm_srli_si128(block, 8), escapes >> 8 & 0x7F);
        // What the last one stands before is in the next block, and so is it.
        const unsigned last = escapes >> 15;
        from += 16 - last;
        to -= last;
    }
}
#endif

int Tree::unescape(const uint8_t *from, const uint8_t *end, uint32_t token) {
    // Text only gets shorter; blocks of 16 are stored whole. Both come once per document at most.
    if (!unescaped.reserve(size + 64, unescaped_count)) return fail(elt_json_no_memory, 0);
    uint8_t *start = unescaped.base + unescaped_count, *to = start;
    for (;;) {
#if defined(__x86_64__)
        if (has_ssse3) {
            const uint8_t *block_from = from;
            uint8_t *block_to = to;
            unescape_blocks(block_from, end, block_to);
            from = block_from;
            to = block_to;
        }
#endif
        copy_to_backslash(from, end, text + size, to);
        if (from == end) break;
        if (uint8_t plain = end - from >= 2 ? escapes.of[from[1]] : 0) {
            *to++ = plain;
            from += 2;
            continue;
        }
        // Copies, so that the loop's own pointers stay in registers.
        const uint8_t *rare_from = from;
        uint8_t *rare_to = to;
        if (int fault = escape(rare_from, end, rare_to)) return fault;
        from = rare_from;
        to = rare_to;
    }
    notes[token] = {static_cast<uint32_t>(unescaped_count), static_cast<uint32_t>(to - start) | escaped};
    unescaped_count += static_cast<size_t>(to - start);
    return elt_json_ok;
}

/// A character by its number; pairs of surrogates are one.
int Tree::escape(const uint8_t *&from, const uint8_t *end, uint8_t *&to) {
    size_t offset = static_cast<size_t>(from - text);
    if (end - from < 6 || from[1] != 'u') return fail(elt_json_bad_escape, offset);
    int32_t unit = hex4(from + 2);
    if (unit < 0) return fail(elt_json_bad_escape, offset);
    from += 6;
    uint32_t code = static_cast<uint32_t>(unit);
    if (code >= 0xDC00 && code <= 0xDFFF) return fail(elt_json_lone_surrogate, offset);
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (end - from < 6 || from[0] != '\\' || from[1] != 'u') return fail(elt_json_lone_surrogate, offset);
        int32_t low = hex4(from + 2);
        if (low < 0) return fail(elt_json_bad_escape, offset + 6);
        if (low < 0xDC00 || low > 0xDFFF) return fail(elt_json_lone_surrogate, offset);
        from += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
    }
    to = put_utf8(code, to);
    return elt_json_ok;
}

int Tree::number(uint32_t token) {
    const uint8_t *start = text + starts[token], *limit = text + starts[token + 1], *p = start;
    size_t digits = 0;
    auto skip_digits = [&] {
        const uint8_t *from = p;
        while (p < limit && is_digit(*p)) p++;
        digits += static_cast<size_t>(p - from);
        return p > from;
    };
    bool negative = *p == '-';
    p += negative;
    bool whole = true, zero = p < limit && *p == '0';
    const uint8_t *mantissa = p;
    if (!skip_digits() || (zero && p - mantissa > 1)) return fail(elt_json_bad_number, starts[token]);
    size_t whole_digits = digits;
    if (p < limit && *p == '.') {
        p++;
        whole = false;
        if (!skip_digits()) return fail(elt_json_bad_number, starts[token]);
    }
    int32_t exponent = 0;
    if (p < limit && (*p | 32) == 'e') {
        p++;
        whole = false;
        if (p < limit && (*p == '+' || *p == '-')) p++;
        const uint8_t *from = p;
        if (!skip_digits()) return fail(elt_json_bad_number, starts[token]);
        for (; from < p && exponent <= exponent_max; from++) exponent = exponent * 10 + (*from - '0');
    }
    if (p < limit && !is_space(*p)) return fail(elt_json_bad_number, starts[token]);
    if (digits > digits_max || exponent > exponent_max) return fail(elt_json_number_too_big, starts[token]);
    // Whether 19 digits fit is decided when the value is taken. "-0" isn't 0: it stays as written.
    bool integer = whole && whole_digits <= 19 && !(negative && zero);
    notes[token] = {integer, static_cast<uint32_t>(p - start)};
    return elt_json_ok;
}

/// False if it doesn't fit.
static bool integer_of(const uint8_t *p, uint32_t length, int64_t &value) {
    bool negative = *p == '-';
    uint64_t magnitude = 0;
    for (uint32_t i = negative; i < length; i++) magnitude = magnitude * 10 + (p[i] - '0');
    // 19 digits never overflow 64 bits without a sign.
    if (magnitude > static_cast<uint64_t>(INT64_MAX) + negative) return false;
    value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
    return true;
}

elt_json_field Tree::value(uint32_t token) const {
    elt_json_field field = {};
    uint8_t byte = kind_byte(token);
    field.text = text + starts[token];
    field.text_length = notes[token].length;
    switch (byte) {
    case '"': {
        elt_json_bytes own = string(token);
        field.kind = elt_json_string;
        field.text = own.base;
        field.text_length = static_cast<uint32_t>(own.length);
        break;
    }
    case '{': case '[':
        field.kind = byte == '{' ? elt_json_object : elt_json_array;
        field.text_length = starts[notes[token].at] + 1 - starts[token];
        break;
    case 't': case 'f':
        field.kind = elt_json_boolean;
        field.integer = byte == 't';
        break;
    case 'n':
        field.kind = elt_json_null;
        break;
    default:
        field.kind = notes[token].at && integer_of(field.text, field.text_length, field.integer)
            ? elt_json_integer : elt_json_number;
    }
    return field;
}

uint32_t Tree::member(uint32_t object, elt_json_bytes wanted) const {
    uint32_t found = 0;
    for (uint32_t i = first(object); i; i = after(i + 2)) {
        if (is_name(i, wanted)) found = i + 2;
    }
    return found;
}

bool Tree::find(uint32_t &token, const elt_json_bytes *path, size_t length) const {
    for (size_t i = 0; i < length; i++) {
        if (!is_object(token)) return false;
        token = member(token, path[i]);
        if (!token) return false;
    }
    return true;
}

} // namespace elt
