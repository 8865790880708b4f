#pragma once
#include "elt_json.h"
#include "memory.hpp"
#include <memory>
#include <simdjson.h>

namespace elt {

/// A document of which every byte has been checked, as a row of tokens.
///
/// simdjson's first stage finds where tokens begin and checks UTF-8, control characters and quotes,
/// with the best instructions the machine has. Its on-demand API would then read values lazily and
/// leave skipped ones unchecked. So this walks all tokens once: grammar, depth, numbers, escapes.
/// Each container remembers where it ends, so looking something up skips what isn't asked for.
class Tree {
  public:
    static constexpr size_t depth_max = 512;
    static constexpr size_t length_max = 0x7FFF0000;
    static constexpr size_t digits_max = 1000;
    static constexpr int32_t exponent_max = 10000;

    /// `fault_offset` says where the trouble is.
    int parse(const uint8_t *bytes, size_t length);
    size_t fault_offset = 0;

    uint8_t kind_byte(uint32_t token) const { return text[starts[token]]; }
    bool is_object(uint32_t token) const { return kind_byte(token) == '{'; }
    bool is_member(uint32_t value) const { return value > 0 && kind_byte(value - 1) == ':'; }
    bool is_null() const { return kind_byte(0) == 'n'; }

    /// The first member's name or first element; 0 if the container is empty.
    uint32_t first(uint32_t container) const {
        return notes[container].at == container + 1 ? 0 : container + 1;
    }
    /// What follows the value: the next member's name or next element; 0 at the end.
    uint32_t after(uint32_t value) const {
        uint8_t byte = kind_byte(value);
        uint32_t end = byte == '{' || byte == '[' ? notes[value].at + 1 : value + 1;
        return end < count && text[starts[end]] == ',' ? end + 1 : 0;
    }
    /// How many tokens a container has between its brackets.
    size_t inside(uint32_t container) const { return notes[container].at - container - 1; }

    elt_json_bytes string(uint32_t token) const {
        const Note &note = notes[token];
        const uint8_t *base = note.length & escaped ? unescaped.base : text;
        return {base + note.at, note.length & ~escaped};
    }
    bool is_name(uint32_t token, elt_json_bytes name) const {
        elt_json_bytes own = string(token);
        return own.length == name.length && std::memcmp(own.base, name.base, name.length) == 0;
    }
    /// Everything but the name.
    elt_json_field value(uint32_t token) const;
    /// The value of the last member of that name; 0 if there's none.
    uint32_t member(uint32_t object, elt_json_bytes name) const;
    /// Follows `path` from `token` through objects; false if it ends nowhere.
    bool find(uint32_t &token, const elt_json_bytes *path, size_t length) const;

  private:
    static constexpr uint32_t escaped = 1u << 31;
    /// Strings: where their text is and how long. Numbers: kind and length. Containers: the closing token.
    struct Note {
        uint32_t at;
        uint32_t length;
    };

    int begin(const uint8_t *bytes, size_t length);
    int walk();
    int fail(int fault, size_t offset) {
        fault_offset = offset;
        return fault;
    }
    int first_stage_fault(simdjson::error_code error);
    int name(uint32_t token);
    int scalar(uint32_t token);
    int string_token(uint32_t token);
    int unescape(const uint8_t *from, const uint8_t *end, uint32_t token);
    int escape(const uint8_t *&from, const uint8_t *end, uint8_t *&to);
    int number(uint32_t token);
    int literal(uint32_t token, const char *word, uint32_t length);

    uint8_t byte_at(size_t token) const { return token < count ? text[starts[token]] : 0; }
    size_t start_of(size_t token) const { return token < count ? starts[token] : size; }

    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
    const uint8_t *text = nullptr;
    size_t size = 0;
    uint32_t *starts = nullptr;
    uint32_t count = 0;
    Note *notes = nullptr;
    Growing<Note> note_store;
    Growing<uint8_t> unescaped;
    size_t unescaped_count = 0;
};

} // namespace elt
