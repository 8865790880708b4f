#include "tree.hpp"
#include <new>

struct elt_json_document {
    elt::Tree tree;
};

elt_json_document *elt_json_document_new(void) { return new (std::nothrow) elt_json_document; }

void elt_json_document_free(elt_json_document *document) { delete document; }

int elt_json_document_parse(
    elt_json_document *document, const uint8_t *bytes, size_t length, size_t *fault_offset) {
    int fault = document->tree.parse(bytes, length);
    *fault_offset = document->tree.fault_offset;
    return fault;
}

elt_json_field elt_json_document_value(const elt_json_document *document, uint32_t node) {
    return document->tree.value(node);
}

uint32_t elt_json_document_member(const elt_json_document *document, uint32_t node, elt_json_bytes name) {
    return document->tree.is_object(node) ? document->tree.member(node, name) : 0;
}

uint32_t elt_json_document_first(const elt_json_document *document, uint32_t node) {
    uint8_t byte = document->tree.kind_byte(node);
    if (byte != '{' && byte != '[') return 0;
    uint32_t token = document->tree.first(node);
    return token && byte == '{' ? token + 2 : token;
}

uint32_t elt_json_document_next(const elt_json_document *document, uint32_t node) {
    uint32_t token = node ? document->tree.after(node) : 0;
    // A member's value comes after a colon, an element doesn't.
    return token && document->tree.is_member(node) ? token + 2 : token;
}

elt_json_bytes elt_json_document_name(const elt_json_document *document, uint32_t node) {
    return document->tree.is_member(node) ? document->tree.string(node - 2) : elt_json_bytes{nullptr, 0};
}
