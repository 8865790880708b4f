// Looks single values up in a small JSON text: what the envelope of a page says besides its rows.

#include "list_splitter.h"
#include "list_text.hpp"

#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace elt_list;

const char *skipSpace(const char *p, const char *end) {
    while (p < end && isSpace(*p)) ++p;
    return p;
}

/// One past the value that begins at `p`. The text is valid, so there's always one.
const char *valueEnd(const char *p, const char *end) {
    ScanState state;
    const char *stop = nullptr;
    switch (*p) {
    case '{': case '[': stop = containerEnd(state, p, end); break;
    case '"': stop = stringEnd(state, p, end); break;
    default: stop = scalarEnd(p, end); break;
    }
    return stop == nullptr ? end : stop;
}

/// The value of the last member called `key` of the object at `p`; nullptr if there's none.
const char *member(const char *p, const char *end, const std::string &key) {
    if (p >= end || *p != '{') return nullptr;
    const char *found = nullptr;
    p = skipSpace(p + 1, end);
    while (p < end && *p == '"') {
        const char *keyEnd = valueEnd(p, end);
        const bool matches = equalsKey(p + 1, static_cast<size_t>(keyEnd - p) - 2, key);
        p = skipSpace(keyEnd, end);
        if (p < end) p = skipSpace(p + 1, end); // the colon
        if (p >= end) break;
        if (matches) found = p;
        p = skipSpace(valueEnd(p, end), end);
        if (p < end) p = skipSpace(p + 1, end); // the comma, or the end of the object
    }
    return found;
}

uint32_t hex(const uint8_t *digits) {
    uint32_t value = 0;
    for (int index = 0; index < 4; ++index) {
        const uint8_t c = digits[index];
        value = value << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

size_t encode(uint32_t scalar, uint8_t *out) {
    if (scalar < 0x80) {
        out[0] = static_cast<uint8_t>(scalar);
        return 1;
    }
    if (scalar < 0x800) {
        out[0] = static_cast<uint8_t>(0xC0 | scalar >> 6);
        out[1] = static_cast<uint8_t>(0x80 | (scalar & 0x3F));
        return 2;
    }
    if (scalar < 0x10000) {
        out[0] = static_cast<uint8_t>(0xE0 | scalar >> 12);
        out[1] = static_cast<uint8_t>(0x80 | (scalar >> 6 & 0x3F));
        out[2] = static_cast<uint8_t>(0x80 | (scalar & 0x3F));
        return 3;
    }
    out[0] = static_cast<uint8_t>(0xF0 | scalar >> 18);
    out[1] = static_cast<uint8_t>(0x80 | (scalar >> 12 & 0x3F));
    out[2] = static_cast<uint8_t>(0x80 | (scalar >> 6 & 0x3F));
    out[3] = static_cast<uint8_t>(0x80 | (scalar & 0x3F));
    return 4;
}

/// Reads `uXXXX` at `p`, and the second half of a pair if one follows; moves `p` behind it.
uint32_t unicodeEscape(const uint8_t *&p, const uint8_t *end) {
    constexpr uint32_t replacement = 0xFFFD;
    const uint32_t first = hex(p + 1);
    p += 5;
    if (first < 0xD800 || first > 0xDFFF) return first;
    if (first > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u') return replacement;
    const uint32_t second = hex(p + 2);
    if (second < 0xDC00 || second > 0xDFFF) return replacement;
    p += 6;
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

} // namespace

size_t elt_list_unescape(const uint8_t *p, size_t length, uint8_t *out) {
    const uint8_t *end = p + length;
    uint8_t *to = out;
    while (p < end) {
        // An escape that breaks off is no JSON. It stays as it is: with anything else the text might grow.
        if (*p != '\\' || p + 1 == end || (p[1] == 'u' && end - p < 6)) {
            *to++ = *p++;
            continue;
        }
        ++p;
        switch (*p) {
        case 'u': to += encode(unicodeEscape(p, end), to); continue;
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        default: *to++ = *p; break;
        }
        ++p;
    }
    return static_cast<size_t>(to - out);
}

bool elt_list::equalsKey(const char *raw, size_t length, const std::string &key) {
    if (memchr(raw, '\\', length) == nullptr) {
        return length == key.size() && memcmp(raw, key.data(), length) == 0;
    }
    std::vector<uint8_t> plain(length);
    const size_t count = elt_list_unescape(reinterpret_cast<const uint8_t *>(raw), length, plain.data());
    return count == key.size() && memcmp(plain.data(), key.data(), count) == 0;
}

int elt_list_validate(const uint8_t *text, size_t length) {
    try {
        // The reader looks up to 64 bytes ahead.
        std::vector<char> padded(length + 64, ' ');
        memcpy(padded.data(), text, length);
        return validate(padded.data(), length);
    } catch (const std::bad_alloc &) {
        return elt_list_no_memory;
    }
}

int elt_list_find(
    const uint8_t *text, size_t length, const char *path, size_t path_count, const uint8_t **value,
    size_t *value_length) {
    const char *end = reinterpret_cast<const char *>(text) + length;
    const char *p = skipSpace(reinterpret_cast<const char *>(text), end);
    for (size_t index = 0; index < path_count; ++index) {
        const std::string key(path);
        path += key.size() + 1;
        p = member(p, end, key);
        if (p == nullptr) return elt_list_absent;
    }
    if (p >= end) return elt_list_absent;
    const char *stop = valueEnd(p, end);
    *value = reinterpret_cast<const uint8_t *>(p);
    *value_length = static_cast<size_t>(stop - p);
    switch (*p) {
    case '{': case '[': return elt_list_container;
    case '"':
        ++*value;
        *value_length -= 2;
        return elt_list_string;
    case 'n': return elt_list_null;
    case 't': case 'f': return elt_list_boolean;
    default: return elt_list_number;
    }
}
