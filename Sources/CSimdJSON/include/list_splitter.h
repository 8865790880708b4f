#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Cuts a JSON document that arrives in pieces into the elements of one list in it.
typedef struct elt_list_splitter elt_list_splitter;

/// What `elt_list_next` brought.
enum {
    elt_list_more = 0,
    elt_list_element = 1,
    elt_list_failed = 2,
};

/// Why a document was refused.
enum {
    elt_list_ok = 0,
    elt_list_byte_order_mark,
    elt_list_not_utf8,
    elt_list_not_json,
    elt_list_not_a_list,
    elt_list_no_list,
    elt_list_two_lists,
    elt_list_trailing,
    elt_list_truncated,
    elt_list_empty,
    elt_list_element_too_long,
    elt_list_envelope_too_long,
    elt_list_no_memory,
};

/// What the document turned out to be.
enum {
    elt_list_shape_unknown = 0,
    /// An object with the list at the path.
    elt_list_shape_envelope,
    /// The document is the list.
    elt_list_shape_array,
    /// Objects one after another, as NDJSON and JSON text sequences (RFC 7464) have them.
    elt_list_shape_lines,
};

/// The path is given as keys one after another, each ended by a NUL. NULL if there's no memory.
elt_list_splitter *elt_list_new(
    const char *path, size_t path_count, size_t element_bytes_max, size_t envelope_bytes_max, bool validates);
void elt_list_free(elt_list_splitter *splitter);

/// Hands over the next piece; it must stay where it is until `elt_list_next` says `elt_list_more`.
void elt_list_feed(elt_list_splitter *splitter, const void *piece, size_t length);

/// Brings the next element of the piece. It's valid until the next call, and at least 64 bytes after
/// it can be read.
int elt_list_next(elt_list_splitter *splitter, const uint8_t **element, size_t *length);

/// The document ends here. Gives 0 or why it's refused.
int elt_list_finish(elt_list_splitter *splitter);

int elt_list_fault(const elt_list_splitter *splitter);
int elt_list_shape(const elt_list_splitter *splitter);
/// Bytes read up to the element or the fault that was brought last.
uint64_t elt_list_offset(const elt_list_splitter *splitter);
/// The document with the list emptied.
const uint8_t *elt_list_skeleton(const elt_list_splitter *splitter, size_t *length);

/// Whether the text is one JSON value by RFC 8259 in UTF-8. Gives 0, `elt_list_not_utf8` or
/// `elt_list_not_json`. Numbers of any size, any depth and lone surrogate escapes are JSON.
int elt_list_validate(const uint8_t *text, size_t length);

/// What stands at a path.
enum {
    elt_list_absent = 0,
    elt_list_null,
    elt_list_boolean,
    elt_list_number,
    elt_list_string,
    elt_list_container,
};

/// Looks up a path in a valid JSON text. Of keys that occur twice the last one counts. `value` is the
/// text as it stands there; a string is without its quotes but with its escapes.
int elt_list_find(
    const uint8_t *text, size_t length, const char *path, size_t path_count, const uint8_t **value,
    size_t *value_length);

/// Writes a string without its escapes and gives the length, which is never more than before. A lone
/// surrogate becomes U+FFFD.
size_t elt_list_unescape(const uint8_t *text, size_t length, uint8_t *out);

#ifdef __cplusplus
}
#endif
