#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a value is. An integer has neither fraction nor exponent, fits 64 bits and isn't "-0".
enum {
    elt_json_null = 0,
    elt_json_boolean = 1,
    elt_json_integer = 2,
    elt_json_number = 3,
    elt_json_string = 4,
    elt_json_object = 5,
    elt_json_array = 6,
};

/// Why bytes were refused.
enum {
    elt_json_ok = 0,
    elt_json_empty,
    elt_json_not_utf8,
    elt_json_not_json,
    elt_json_trailing,
    elt_json_too_deep,
    elt_json_bad_escape,
    elt_json_lone_surrogate,
    elt_json_control_character,
    elt_json_bad_number,
    elt_json_number_too_big,
    elt_json_no_record,
    elt_json_too_long,
    elt_json_no_memory,
};

/// Bytes that somebody else owns.
typedef struct elt_json_bytes {
    const uint8_t *base;
    size_t length;
} elt_json_bytes;

/// A value and its name. Strings are without quotes and escapes; everything else as written.
typedef struct elt_json_field {
    const uint8_t *name;
    const uint8_t *text;
    /// The value of an integer; 0 or 1 of a boolean.
    int64_t integer;
    uint32_t name_length;
    uint32_t text_length;
    uint8_t kind;
} elt_json_field;

/// What a message holds: valid until the next decode, and as long as the message's bytes are.
typedef struct elt_json_record {
    const elt_json_field *fields;
    size_t count;
    bool is_null;
    bool has_key;
    bool has_event_time;
    /// Changes whenever the names, in their order, aren't those of the record before.
    uint64_t shape;
    elt_json_field key;
    elt_json_field event_time;
    /// Where the trouble is, if there's any.
    size_t fault_offset;
} elt_json_record;

typedef struct elt_json_decoder elt_json_decoder;

/// `event_time_count` of -1 says that there's no such path. NULL if there's no memory.
elt_json_decoder *elt_json_decoder_new(
    const elt_json_bytes *record, size_t record_count, const elt_json_bytes *key, size_t key_count,
    const elt_json_bytes *event_time, ptrdiff_t event_time_count);
void elt_json_decoder_free(elt_json_decoder *decoder);
/// Checks the whole message and takes its record apart. Reads nothing beyond `length`.
int elt_json_decode(elt_json_decoder *decoder, const uint8_t *bytes, size_t length, elt_json_record *record);

typedef struct elt_json_document elt_json_document;

elt_json_document *elt_json_document_new(void);
void elt_json_document_free(elt_json_document *document);
/// Checks a document, which the caller keeps as long as it looks anything up in it.
int elt_json_document_parse(
    elt_json_document *document, const uint8_t *bytes, size_t length, size_t *fault_offset);
/// The value at a node; 0 is the root. Its name is empty.
elt_json_field elt_json_document_value(const elt_json_document *document, uint32_t node);
/// The node of an object's member, the last of that name; 0 if there's none.
uint32_t elt_json_document_member(const elt_json_document *document, uint32_t node, elt_json_bytes name);
/// The first element of an array or value of an object, and the one that follows; 0 if there's none.
uint32_t elt_json_document_first(const elt_json_document *document, uint32_t node);
uint32_t elt_json_document_next(const elt_json_document *document, uint32_t node);
/// The name of a member whose value is at `node`.
elt_json_bytes elt_json_document_name(const elt_json_document *document, uint32_t node);

/// Text that grows. Zeroed means empty.
typedef struct elt_json_buffer {
    uint8_t *base;
    size_t count;
    size_t capacity;
} elt_json_buffer;

/// Makes room for `more` bytes and a little beyond; false if there's no memory.
bool elt_json_buffer_reserve(elt_json_buffer *buffer, size_t more);
void elt_json_buffer_free(elt_json_buffer *buffer);
/// Appends `bytes`, which are valid UTF-8, as a string with its quotes; false if there's no memory.
bool elt_json_append_string(elt_json_buffer *buffer, const uint8_t *bytes, size_t length);
bool elt_json_append_base64(elt_json_buffer *buffer, const uint8_t *bytes, size_t length);
bool elt_json_is_utf8(const uint8_t *bytes, size_t length);
/// Undoes base64 into `out`, which has room for 3/4 of `length`; -1 if it isn't base64 with padding.
ptrdiff_t elt_json_decode_base64(const uint8_t *text, size_t length, uint8_t *out);

#ifdef __cplusplus
}
#endif
