#include "tree.hpp"
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace elt {

/// A path that owns its names.
struct Path {
    std::vector<std::string> names;
    std::vector<elt_json_bytes> parts;

    void set(const elt_json_bytes *path, size_t count) {
        for (size_t i = 0; i < count; i++) {
            names.emplace_back(reinterpret_cast<const char *>(path[i].base), path[i].length);
        }
        for (const std::string &name : names) {
            parts.push_back({reinterpret_cast<const uint8_t *>(name.data()), name.size()});
        }
    }
};

/// Finds names that stand twice in an object, also if somebody made up a hundred thousand of them.
class Names {
  public:
    Names() : seed(static_cast<uint64_t>(std::random_device()()) << 32 | 0x9E3779B9) {}

    bool begin(size_t fields_max) {
        size_t wanted = 64;
        while (wanted < fields_max * 2) wanted *= 2;
        if (wanted > slots.capacity) {
            if (!slots.reserve(wanted)) return false;
            std::memset(slots.base, 0, slots.capacity * sizeof(Slot));
            round = 0;
        }
        if (++round == 0) {
            std::memset(slots.base, 0, slots.capacity * sizeof(Slot));
            round = 1;
        }
        mask = wanted - 1;
        return true;
    }

    /// The field of the same name, or `index`, which is then noted.
    uint32_t place(const elt_json_field *fields, uint32_t index) {
        const elt_json_field &field = fields[index];
        for (size_t i = hash(field.name, field.name_length);; i++) {
            Slot &slot = slots.base[i & mask];
            if (slot.round != round) {
                slot = {round, index};
                return index;
            }
            const elt_json_field &other = fields[slot.index];
            if (other.name_length == field.name_length
                && std::memcmp(other.name, field.name, field.name_length) == 0) {
                return slot.index;
            }
        }
    }

  private:
    struct Slot {
        uint32_t round;
        uint32_t index;
    };

    uint64_t hash(const uint8_t *p, uint32_t length) const {
        uint64_t state = seed ^ length * 0xA0761D6478BD642Full;
        auto mix = [&](uint64_t word) {
            __uint128_t product = static_cast<__uint128_t>(state ^ word) * 0xE7037ED1A0B428DBull;
            state = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ seed;
        };
        while (length > 0) {
            uint64_t word = 0;
            uint32_t part = length < 8 ? length : 8;
            std::memcpy(&word, p, part);
            mix(word);
            p += part;
            length -= part;
        }
        mix(0);
        return state;
    }

    uint64_t seed;
    uint32_t round = 0;
    size_t mask = 0;
    Growing<Slot> slots;
};

} // namespace elt

struct elt_json_decoder {
    elt::Tree tree;
    elt::Path record, key, event_time;
    bool has_event_time = false;

    int decode(const uint8_t *bytes, size_t length, elt_json_record &out) {
        if (int fault = tree.parse(bytes, length)) return fault;
        if (tree.is_null()) {
            out.is_null = true;
            return elt_json_ok;
        }
        uint32_t token = 0;
        if (has_event_time && tree.find(token, event_time.parts.data(), event_time.parts.size())) {
            out.event_time = tree.value(token);
            out.has_event_time = true;
        }
        token = 0;
        if (!tree.find(token, record.parts.data(), record.parts.size()) || !tree.is_object(token)) {
            tree.fault_offset = 0;
            return elt_json_no_record;
        }
        if (!take_fields(token)) return elt_json_no_memory;
        out.fields = fields.base;
        out.count = count;
        out.shape = shape;
        if (tree.find(token, key.parts.data(), key.parts.size())) {
            out.key = tree.value(token);
            out.has_key = true;
        }
        return elt_json_ok;
    }

  private:
    /// The members of the object. Those of one stream mostly have the same names in the same order as
    /// the record before, which can't repeat any: only others are looked at for repeated names.
    bool take_fields(uint32_t object) {
        size_t fields_max = tree.inside(object) / 4 + 1;
        if (!fields.reserve(fields_max)) return false;
        count = 0;
        bool known = true;
        for (uint32_t i = tree.first(object); i; i = tree.after(i + 2)) {
            elt_json_bytes name = tree.string(i);
            elt_json_field &field = fields.base[count];
            field = tree.value(i + 2);
            field.name = name.base;
            field.name_length = static_cast<uint32_t>(name.length);
            if (known && is_as_before(field)) {
                count++;
                continue;
            }
            if (known && !begin_names(fields_max)) return false;
            known = false;
            uint32_t place = names.place(fields.base, count);
            if (place == count) {
                count++;
            } else {
                fields.base[place] = field;
            }
        }
        return (known && count == shape_count) || remember_names();
    }

    bool is_as_before(const elt_json_field &field) const {
        if (count >= shape_count) return false;
        uint32_t begin = shape_ends.base[count], end = shape_ends.base[count + 1];
        return end - begin == field.name_length
            && std::memcmp(shape_text.base + begin, field.name, field.name_length) == 0;
    }

    bool begin_names(size_t fields_max) {
        if (!names.begin(fields_max)) return false;
        for (uint32_t i = 0; i < count; i++) names.place(fields.base, i);
        return true;
    }

    bool remember_names() {
        shape++;
        shape_count = 0;
        if (!shape_ends.reserve(count + 1)) return false;
        uint32_t end = 0;
        shape_ends.base[0] = 0;
        for (uint32_t i = 0; i < count; i++) {
            const elt_json_field &field = fields.base[i];
            if (!shape_text.reserve(end + field.name_length + 1, end)) return false;
            std::memcpy(shape_text.base + end, field.name, field.name_length);
            end += field.name_length;
            shape_ends.base[i + 1] = end;
        }
        shape_count = count;
        return true;
    }

    elt::Growing<elt_json_field> fields;
    uint32_t count = 0;
    elt::Names names;
    uint64_t shape = 0;
    uint32_t shape_count = 0;
    elt::Growing<uint8_t> shape_text;
    elt::Growing<uint32_t> shape_ends;
};

elt_json_decoder *elt_json_decoder_new(
    const elt_json_bytes *record, size_t record_count, const elt_json_bytes *key, size_t key_count,
    const elt_json_bytes *event_time, ptrdiff_t event_time_count) {
    try {
        auto decoder = std::make_unique<elt_json_decoder>();
        decoder->record.set(record, record_count);
        decoder->key.set(key, key_count);
        decoder->has_event_time = event_time_count >= 0;
        if (event_time_count > 0) decoder->event_time.set(event_time, static_cast<size_t>(event_time_count));
        return decoder.release();
    } catch (const std::exception &) {
        return nullptr;
    }
}

void elt_json_decoder_free(elt_json_decoder *decoder) { delete decoder; }

int elt_json_decode(elt_json_decoder *decoder, const uint8_t *bytes, size_t length, elt_json_record *record) {
    *record = {};
    int fault = decoder->decode(bytes, length, *record);
    if (fault) record->fault_offset = decoder->tree.fault_offset;
    return fault;
}
