// Cuts a JSON document that arrives in pieces into the elements of one list in it.
//
// Two ways of reading share the work. The envelope, which is all that's not an element, is read byte
// by byte: it's short. Elements are nearly all of a listing; their ends are found 64 bytes at a time,
// with masks of quotes, escapes and brackets as simdjson's first stage makes them.

#include "list_splitter.h"
#include "list_text.hpp"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using elt_list::ScanState;

namespace {

constexpr size_t padding = 64;

/// What RFC 7464 (application/json-seq) puts before each record.
constexpr char recordSeparator = 0x1E;

/// Bytes with room to read on behind them.
class PaddedBuffer {
public:
    ~PaddedBuffer() { free(base_); }
    const char *data() const { return base_; }
    size_t size() const { return size_; }
    void clear() { size_ = 0; }

    bool append(const char *bytes, size_t count) {
        if (size_ + count + padding > capacity_ && !grow(size_ + count + padding)) return false;
        memcpy(base_ + size_, bytes, count);
        size_ += count;
        memset(base_ + size_, ' ', padding);
        return true;
    }

private:
    bool grow(size_t needed) {
        size_t capacity = capacity_ == 0 ? 4096 : capacity_ * 2;
        while (capacity < needed) capacity *= 2;
        char *base = static_cast<char *>(realloc(base_, capacity));
        if (base == nullptr) return false;
        base_ = base;
        capacity_ = capacity;
        return true;
    }

    char *base_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

enum class State { start, envelope, listFirst, listValue, listComma, element, lines, end, failed };
enum class Kind { container, string, scalar };

} // namespace

struct elt_list_splitter {
    std::vector<std::string> path;
    size_t elementBytesMax = 0;
    size_t envelopeBytesMax = 0;
    bool validates = true;

    State state = State::start;
    int fault = elt_list_ok;
    int shape = elt_list_shape_unknown;

    const char *piece = nullptr;
    const char *cursor = nullptr;
    const char *pieceEnd = nullptr;
    uint64_t pieceOffset = 0;

    // The element that's being read: its beginning in this piece, or what earlier pieces had of it.
    Kind kind = Kind::container;
    ScanState scan;
    const char *elementStart = nullptr;
    PaddedBuffer carried;
    bool carriedIsGiven = false;

    // The envelope.
    PaddedBuffer skeleton;
    std::vector<bool> isObject;
    std::vector<bool> seen;
    size_t matched = 0;
    bool listFound = false;
    bool inString = false;
    bool escaped = false;
    bool expectsKey = false;
    bool isKey = false;
    bool awaitsValue = false;
    size_t keyStart = 0;

    int fail(int why) {
        fault = why;
        state = State::failed;
        return elt_list_failed;
    }
    int unexpected(char c) {
        // JSON never has a NUL; in UTF-16 every other byte is one.
        return fail(c == 0 ? elt_list_not_utf8 : elt_list_not_json);
    }
    uint64_t offset() const { return pieceOffset + static_cast<uint64_t>(cursor - piece); }

    void skipSpace() {
        while (cursor < pieceEnd && elt_list::isSpace(*cursor)) ++cursor;
    }
    /// Keeps what was read of the envelope since `from`.
    bool keep(const char *from) { return skeleton.append(from, static_cast<size_t>(cursor - from)); }
    int next(const uint8_t **element, size_t *length);
    int start();
    int readEnvelope();
    bool envelopeStructural(char c, int *result);
    int envelopeValueBegins(char c);
    int keyEnds();
    void beginElement();
    int readElement(const uint8_t **element, size_t *length);
    int give(const char *base, size_t count, const uint8_t **element, size_t *length);
    bool onPath() const { return !isObject.empty() && isObject.size() == matched + 1 && isObject.back(); }
};

int elt_list_splitter::next(const uint8_t **element, size_t *length) {
    if (carriedIsGiven) {
        carried.clear();
        carriedIsGiven = false;
    }
    for (;;) {
        if (state == State::failed) return elt_list_failed;
        if (state != State::element && state != State::envelope) skipSpace();
        if (cursor == pieceEnd) return elt_list_more;
        int result = elt_list_more;
        switch (state) {
        case State::start: result = start(); break;
        case State::envelope: result = readEnvelope(); break;
        case State::listFirst:
        case State::listValue:
            if (*cursor == ']' && state == State::listFirst) {
                ++cursor;
                state = path.empty() ? State::end : State::envelope;
                if (!skeleton.append("]", 1)) return fail(elt_list_no_memory);
            } else {
                beginElement();
            }
            break;
        case State::listComma:
            if (*cursor == ',') {
                ++cursor;
                state = State::listValue;
            } else if (*cursor == ']') {
                state = State::listFirst;
            } else {
                return unexpected(*cursor);
            }
            break;
        case State::lines:
            if (*cursor == recordSeparator) {
                ++cursor;
                break;
            }
            if (*cursor != '{') return unexpected(*cursor);
            beginElement();
            break;
        case State::element: result = readElement(element, length); break;
        case State::end: return *cursor == 0 ? unexpected(0) : fail(elt_list_trailing);
        case State::failed: return elt_list_failed;
        }
        if (result != elt_list_more) return result;
    }
}

/// The first byte that isn't space tells what the document is.
int elt_list_splitter::start() {
    const unsigned char c = static_cast<unsigned char>(*cursor);
    if (c == 0xEF || c == 0xFE || c == 0xFF) return fail(elt_list_byte_order_mark);
    const bool isSequence = path.empty() && *cursor == recordSeparator;
    if (c != '{' && c != '[' && !isSequence) return unexpected(*cursor);
    if (path.empty()) {
        if (c == '[') {
            ++cursor;
            shape = elt_list_shape_array;
            state = State::listFirst;
            if (!skeleton.append("[", 1)) return fail(elt_list_no_memory);
        } else {
            shape = elt_list_shape_lines;
            state = State::lines;
        }
        return elt_list_more;
    }
    if (c == '[') return fail(elt_list_no_list);
    shape = elt_list_shape_envelope;
    state = State::envelope;
    return elt_list_more;
}

/// Reads up to the list, the end of the document or of the piece. What's read is kept; whether it's
/// JSON is decided at the end, over the whole of it.
int elt_list_splitter::readEnvelope() {
    const char *from = cursor;
    int result = elt_list_more;
    bool leaves = false;
    while (cursor < pieceEnd && !leaves) {
        const char c = *cursor++;
        if (inString) {
            if (escaped) {
                escaped = false;
            } else if (c == '\\') {
                escaped = true;
            } else if (c == '"') {
                inString = false;
                if (isKey) {
                    if (!keep(from)) return fail(elt_list_no_memory);
                    from = cursor;
                    result = keyEnds();
                    leaves = result != elt_list_more;
                }
            }
            continue;
        }
        if (c == 0) return unexpected(c);
        if (c == '"' && expectsKey && onPath()) {
            if (!keep(from)) return fail(elt_list_no_memory);
            from = cursor;
            keyStart = skeleton.size();
            inString = isKey = true;
            expectsKey = false;
        } else {
            leaves = envelopeStructural(c, &result);
        }
    }
    if (result == elt_list_failed) return result;
    if (!keep(from)) return fail(elt_list_no_memory);
    if (skeleton.size() > envelopeBytesMax) return fail(elt_list_envelope_too_long);
    return result;
}

/// One byte of the envelope outside of strings. Gives whether the reading of the envelope stops.
bool elt_list_splitter::envelopeStructural(char c, int *result) {
    if (elt_list::isSpace(c)) return false;
    if (awaitsValue && c != ':') {
        *result = envelopeValueBegins(c);
        if (*result == elt_list_failed || state != State::envelope) return true;
    }
    switch (c) {
    case '"':
        inString = true;
        isKey = false;
        break;
    case '{':
        isObject.push_back(true);
        expectsKey = true;
        break;
    case '[':
        isObject.push_back(false);
        break;
    case ',':
        expectsKey = true;
        break;
    case '}':
    case ']':
        if (isObject.empty() || isObject.back() != (c == '}')) {
            *result = fail(elt_list_not_json);
            return true;
        }
        if (onPath() && matched > 0) --matched;
        isObject.pop_back();
        if (isObject.empty()) {
            state = State::end;
            return true;
        }
        break;
    default: break;
    }
    return false;
}

/// The value of a key on the path begins with `c`: it's the next object or the list itself.
int elt_list_splitter::envelopeValueBegins(char c) {
    awaitsValue = false;
    if (matched + 1 < path.size()) {
        if (c != '{') return fail(elt_list_not_a_list);
        ++matched;
        seen[matched] = false;
        return elt_list_more;
    }
    if (c != '[') return fail(elt_list_not_a_list);
    listFound = true;
    state = State::listFirst;
    return elt_list_more;
}

/// A key of an object on the path was read: is it the one that leads on?
int elt_list_splitter::keyEnds() {
    isKey = false;
    const size_t length = skeleton.size() - keyStart - 1;
    const char *key = skeleton.data() + keyStart;
    if (!elt_list::equalsKey(key, length, path[matched])) return elt_list_more;
    if (seen[matched]) return fail(elt_list_two_lists);
    seen[matched] = true;
    awaitsValue = true;
    return elt_list_more;
}

void elt_list_splitter::beginElement() {
    const char c = *cursor;
    kind = c == '{' || c == '[' ? Kind::container : c == '"' ? Kind::string : Kind::scalar;
    scan = ScanState();
    elementStart = cursor;
    state = State::element;
}

/// Goes to the end of the element and brings it, or keeps what this piece has of it.
int elt_list_splitter::readElement(const uint8_t **element, size_t *length) {
    const char *stop = nullptr;
    switch (kind) {
    case Kind::container: stop = elt_list::containerEnd(scan, cursor, pieceEnd); break;
    case Kind::string: stop = elt_list::stringEnd(scan, cursor, pieceEnd); break;
    case Kind::scalar: stop = elt_list::scalarEnd(cursor, pieceEnd); break;
    }
    const bool ends = stop != nullptr;
    if (!ends) stop = pieceEnd;
    const size_t here = static_cast<size_t>(stop - elementStart);
    if (carried.size() + here > elementBytesMax) return fail(elt_list_element_too_long);
    cursor = stop;

    const bool isWholeHere = ends && carried.size() == 0;
    if (isWholeHere && static_cast<size_t>(pieceEnd - stop) >= padding) {
        return give(elementStart, here, element, length);
    }
    if (!carried.append(elementStart, here)) return fail(elt_list_no_memory);
    elementStart = pieceEnd;
    if (!ends) return elt_list_more;
    carriedIsGiven = true;
    return give(carried.data(), carried.size(), element, length);
}

int elt_list_splitter::give(const char *base, size_t count, const uint8_t **element, size_t *length) {
    if (count == 0) return unexpected(*cursor);
    if (validates) {
        const int why = elt_list::validate(base, count);
        if (why != elt_list_ok) return fail(why);
    }
    state = path.empty() && shape == elt_list_shape_lines ? State::lines : State::listComma;
    *element = reinterpret_cast<const uint8_t *>(base);
    *length = count;
    return elt_list_element;
}

elt_list_splitter *elt_list_new(
    const char *path, size_t path_count, size_t element_bytes_max, size_t envelope_bytes_max,
    bool validates) {
    try {
        auto *splitter = new elt_list_splitter;
        for (size_t index = 0; index < path_count; ++index) {
            splitter->path.emplace_back(path);
            path += splitter->path.back().size() + 1;
        }
        splitter->seen.assign(path_count, false);
        splitter->elementBytesMax = element_bytes_max;
        splitter->envelopeBytesMax = envelope_bytes_max;
        splitter->validates = validates;
        return splitter;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void elt_list_free(elt_list_splitter *splitter) { delete splitter; }

void elt_list_feed(elt_list_splitter *splitter, const void *piece, size_t length) {
    splitter->pieceOffset = splitter->offset();
    splitter->piece = splitter->cursor = splitter->elementStart = static_cast<const char *>(piece);
    splitter->pieceEnd = splitter->piece + length;
}

int elt_list_next(elt_list_splitter *splitter, const uint8_t **element, size_t *length) {
    try {
        return splitter->next(element, length);
    } catch (const std::bad_alloc &) {
        return splitter->fail(elt_list_no_memory);
    }
}

int elt_list_finish(elt_list_splitter *splitter) {
    switch (splitter->state) {
    case State::failed: return splitter->fault;
    case State::start: splitter->fail(elt_list_empty); return splitter->fault;
    case State::lines:
    case State::end: break;
    default: splitter->fail(elt_list_truncated); return splitter->fault;
    }
    if (splitter->shape == elt_list_shape_lines) return elt_list_ok;
    int why = elt_list_no_memory;
    try {
        why = elt_list::validate(splitter->skeleton.data(), splitter->skeleton.size());
    } catch (const std::bad_alloc &) {
    }
    if (why == elt_list_ok && !splitter->path.empty() && !splitter->listFound) why = elt_list_no_list;
    if (why != elt_list_ok) splitter->fail(why);
    return why;
}

int elt_list_fault(const elt_list_splitter *splitter) { return splitter->fault; }
int elt_list_shape(const elt_list_splitter *splitter) { return splitter->shape; }
uint64_t elt_list_offset(const elt_list_splitter *splitter) { return splitter->offset(); }

const uint8_t *elt_list_skeleton(const elt_list_splitter *splitter, size_t *length) {
    *length = splitter->skeleton.size();
    return reinterpret_cast<const uint8_t *>(splitter->skeleton.data());
}
