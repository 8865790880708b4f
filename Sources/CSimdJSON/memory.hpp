#pragma once
#include <cstddef>
#include <cstdlib>

namespace elt {

/// An array that grows and never shrinks, so that a steady stream of messages allocates nothing.
/// What it held is lost when it grows, unless `keep` says how much to keep.
template <typename Element> class Growing {
  public:
    Growing() = default;
    Growing(const Growing &) = delete;
    Growing &operator=(const Growing &) = delete;
    ~Growing() { std::free(base); }

    bool reserve(size_t count, size_t keep = 0) {
        if (count <= capacity) return true;
        size_t wanted = capacity < 256 ? 256 : capacity * 2;
        if (wanted < count) wanted = count;
        Element *larger = static_cast<Element *>(std::malloc(wanted * sizeof(Element)));
        if (!larger) return false;
        for (size_t i = 0; i < keep; i++) larger[i] = base[i];
        std::free(base);
        base = larger;
        capacity = wanted;
        return true;
    }

    Element *base = nullptr;
    size_t capacity = 0;
};

} // namespace elt
