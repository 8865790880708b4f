#include "list_text.hpp"
#include "list_splitter.h"

#include <cstring>
#include <simdjson.h>
#include <vector>

namespace elt_list {
namespace {

/// clang's vectors: SSE2 or better on Intel, NEON on ARM, from one source.
using Bytes16 = uint8_t __attribute__((vector_size(16)));
using Bools16 = bool __attribute__((ext_vector_type(16)));

inline Bytes16 load(const char *p) {
    Bytes16 bytes;
    memcpy(&bytes, p, sizeof bytes);
    return bytes;
}

template <typename Mask> inline uint64_t bits(Mask mask) {
    const Bools16 bools = __builtin_convertvector(mask, Bools16);
    uint16_t word;
    memcpy(&word, &bools, sizeof word);
    return word;
}

/// One bit for each of 64 bytes.
struct Block {
    uint64_t quote = 0;
    uint64_t backslash = 0;
    uint64_t open = 0;
    uint64_t close = 0;

    explicit Block(const char *p) {
        for (int part = 0; part < 4; ++part) {
            const Bytes16 bytes = load(p + part * 16);
            // '[' and ']' differ from '{' and '}' by this bit alone.
            const Bytes16 folded = bytes | 0x20;
            quote |= bits(bytes == '"') << (part * 16);
            backslash |= bits(bytes == '\\') << (part * 16);
            open |= bits(folded == '{') << (part * 16);
            close |= bits(folded == '}') << (part * 16);
        }
    }
};

/// Bits of the bytes that a backslash escapes; as in simdjson, "find_escaped". `carry` is 1 if the
/// first byte is escaped by the block before, and on return if the byte after the block is.
inline uint64_t escapedBits(uint64_t backslash, uint64_t &carry) {
    if (backslash == 0) {
        const uint64_t escaped = carry;
        carry = 0;
        return escaped;
    }
    constexpr uint64_t even = 0x5555555555555555ULL;
    backslash &= ~carry;
    const uint64_t follows = backslash << 1 | carry;
    const uint64_t oddStarts = backslash & ~even & ~follows;
    unsigned long long evenSequences = 0;
    carry = __builtin_uaddll_overflow(oddStarts, backslash, &evenSequences) ? 1 : 0;
    return (even ^ (static_cast<uint64_t>(evenSequences) << 1)) & follows;
}

/// Bit n is the exclusive or of bits 0...n: quotes become the stretches between them.
inline uint64_t prefixXor(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

/// Goes through `count` bytes of a block; gives the index of the closing bracket or -1.
inline int closingBracket(ScanState &state, const char *p, unsigned count) {
    const Block block(p);
    uint64_t carry = state.escaped;
    const uint64_t escaped = escapedBits(block.backslash, carry);
    const uint64_t inString = prefixXor(block.quote & ~escaped) ^ state.inString;
    uint64_t brackets = (block.open | block.close) & ~inString;
    while (brackets != 0) {
        const int index = __builtin_ctzll(brackets);
        brackets &= brackets - 1;
        if (block.open >> index & 1) {
            ++state.depth;
        } else if (--state.depth == 0) {
            return index;
        }
    }
    state.inString = static_cast<uint64_t>(static_cast<int64_t>(inString) >> 63);
    state.escaped = count == 64 ? carry : escaped >> count & 1;
    return -1;
}

} // namespace

const char *containerEnd(ScanState &state, const char *p, const char *end) {
    while (end - p >= 64) {
        const int index = closingBracket(state, p, 64);
        if (index >= 0) return p + index + 1;
        p += 64;
    }
    const size_t rest = static_cast<size_t>(end - p);
    if (rest == 0) return nullptr;
    char tail[64];
    memcpy(tail, p, rest);
    memset(tail + rest, ' ', sizeof tail - rest);
    const int index = closingBracket(state, tail, static_cast<unsigned>(rest));
    return index >= 0 ? p + index + 1 : nullptr;
}

const char *stringEnd(ScanState &state, const char *p, const char *end) {
    for (; p < end; ++p) {
        if (state.inString == 0) {
            state.inString = ~0ULL;
        } else if (state.escaped != 0) {
            state.escaped = 0;
        } else if (*p == '\\') {
            state.escaped = 1;
        } else if (*p == '"') {
            return p + 1;
        }
    }
    return nullptr;
}

const char *scalarEnd(const char *p, const char *end) {
    for (; p < end; ++p) {
        const char c = *p;
        if (isSpace(c) || c == ',' || c == ']' || c == '}' || c == 0) return p;
    }
    return nullptr;
}

namespace {

/// A reader of one text by RFC 8259. Each function moves `p` behind what it reads.
class Grammar {
public:
    Grammar(const char *text, size_t length) : p(text), end(text + length) {}

    bool isJSON() {
        space();
        if (!value()) return false;
        for (;;) {
            space();
            if (depth == 0) return p == end;
            if (p >= end) return false;
            const char c = *p++;
            if (c == ',') {
                space();
                if (isObject() ? !keyAndValue() : !value()) return false;
            } else if (c == (isObject() ? '}' : ']')) {
                --depth;
            } else {
                return false;
            }
        }
    }

private:
    void space() {
        while (p < end && isSpace(*p)) ++p;
    }

    /// Reads a scalar or an empty container whole. Of another container it reads the opening, and
    /// goes on with its first value: the depth says what is still to be closed.
    bool value() {
        for (;;) {
            if (p >= end) return false;
            const char c = *p;
            if (c == '"') return string();
            if (c != '{' && c != '[') return c == '-' || (c >= '0' && c <= '9') ? number() : word();
            ++p;
            push(c == '{');
            space();
            if (p < end && *p == (c == '{' ? '}' : ']')) {
                ++p;
                --depth;
                return true;
            }
            if (c == '{' && !key()) return false;
        }
    }

    bool keyAndValue() { return key() && value(); }

    /// A key, its colon and the space around it.
    bool key() {
        if (p >= end || *p != '"' || !string()) return false;
        space();
        if (p >= end || *p != ':') return false;
        ++p;
        space();
        return true;
    }

    bool string() {
        ++p;
        for (;;) {
            // Reads behind the end at most into the padding.
            const Bytes16 bytes = load(p);
            const uint64_t stops = bits((bytes == '"') | (bytes == '\\') | (bytes < 0x20));
            if (stops == 0) {
                p += 16;
                if (p >= end) return false;
                continue;
            }
            p += __builtin_ctzll(stops);
            if (p >= end) return false;
            if (*p == '"') {
                ++p;
                return true;
            }
            if (*p != '\\' || !escape()) return false;
        }
    }

    bool escape() {
        ++p;
        if (p >= end) return false;
        switch (*p++) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': break;
        case 'u':
            if (end - p < 4) return false;
            for (int digit = 0; digit < 4; ++digit, ++p) {
                const char c = static_cast<char>(*p | 0x20);
                if (!((*p >= '0' && *p <= '9') || (c >= 'a' && c <= 'f'))) return false;
            }
            break;
        default: return false;
        }
        return p < end;
    }

    bool digits() {
        const char *from = p;
        while (p < end && *p >= '0' && *p <= '9') ++p;
        return p > from;
    }

    bool number() {
        if (*p == '-') ++p;
        if (p < end && *p == '0') {
            ++p;
        } else if (!digits()) {
            return false;
        }
        if (p < end && *p == '.') {
            ++p;
            if (!digits()) return false;
        }
        if (p < end && (*p | 0x20) == 'e') {
            ++p;
            if (p < end && (*p == '+' || *p == '-')) ++p;
            if (!digits()) return false;
        }
        return true;
    }

    bool word() {
        const size_t left = static_cast<size_t>(end - p);
        for (const char *word : {"true", "false", "null"}) {
            const size_t length = strlen(word);
            if (left >= length && memcmp(p, word, length) == 0) {
                p += length;
                return true;
            }
        }
        return false;
    }

    // One bit for each open container, 1 for an object. The first 64 levels cost no memory.
    bool isObject() const {
        const uint64_t word = depth <= 64 ? near : deep[(depth - 1) / 64 - 1];
        return word >> ((depth - 1) % 64) & 1;
    }
    void push(bool object) {
        const size_t place = depth / 64;
        if (place > deep.size()) deep.push_back(0);
        uint64_t &word = place == 0 ? near : deep[place - 1];
        const uint64_t bit = 1ULL << (depth % 64);
        word = object ? word | bit : word & ~bit;
        ++depth;
    }

    const char *p;
    const char *end;
    size_t depth = 0;
    uint64_t near = 0;
    std::vector<uint64_t> deep;
};

} // namespace

int validate(const char *text, size_t length) {
    if (!simdjson::validate_utf8(text, length)) return elt_list_not_utf8;
    return Grammar(text, length).isJSON() ? elt_list_ok : elt_list_not_json;
}

} // namespace elt_list
