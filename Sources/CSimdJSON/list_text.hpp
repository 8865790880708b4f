// What the list splitter knows of JSON text: where values end, and whether a text is JSON at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace elt_list {

/// Where a reading stands inside a value, to go on with the next piece.
struct ScanState {
    /// All ones inside a string.
    uint64_t inString = 0;
    /// 1 if the next byte is escaped.
    uint64_t escaped = 0;
    int64_t depth = 0;
};

inline bool isSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// One past the bracket that closes the first one; nullptr if that isn't before `end`.
const char *containerEnd(ScanState &state, const char *p, const char *end);
/// One past the quote that closes the first one; nullptr if that isn't before `end`.
const char *stringEnd(ScanState &state, const char *p, const char *end);
/// The first byte that can't belong to a number or a word; nullptr if that isn't before `end`.
const char *scalarEnd(const char *p, const char *end);

/// Whether the text is one JSON value in UTF-8: a fault of list_splitter.h, 0 if it is.
/// 64 bytes behind it must be readable.
int validate(const char *text, size_t length);

/// Whether a key as it stands in the text, maybe with escapes, is this key.
bool equalsKey(const char *raw, size_t length, const std::string &key);

} // namespace elt_list
