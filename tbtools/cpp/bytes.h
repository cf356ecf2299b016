// Views of bytes and unaligned little-endian loads.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// For the few functions on the path of every record: a call there costs as much as the work.
#if defined(_MSC_VER)
#define TBTOOLS_INLINE __forceinline
#define TBTOOLS_NOINLINE __declspec(noinline)
#else
#define TBTOOLS_INLINE inline __attribute__((always_inline))
#define TBTOOLS_NOINLINE __attribute__((noinline))
#endif

namespace tbtools {

// Borrowed bytes of the caller's window (or of a scratch buffer): valid only as long as that is.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;

  const uint8_t* end() const { return data + size; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data), size}; }
};

// The format is little-endian everywhere; so is every machine that tbtools is built for.
static_assert(std::endian::native == std::endian::little);

template <class T>
TBTOOLS_INLINE T load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// memcmp() == 0 without the call, for the short strings that tags and metadata are.
TBTOOLS_INLINE bool same_bytes(const uint8_t* a, const uint8_t* b, size_t size) {
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (load<uint64_t>(a + i) != load<uint64_t>(b + i)) return false;
    }
    return load<uint64_t>(a + size - 8) == load<uint64_t>(b + size - 8);
  }
  if (size >= 4) {
    return load<uint32_t>(a) == load<uint32_t>(b) &&
           load<uint32_t>(a + size - 4) == load<uint32_t>(b + size - 4);
  }
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

TBTOOLS_INLINE bool operator==(Bytes a, Bytes b) {
  return a.size == b.size && same_bytes(a.data, b.data, a.size);
}

}  // namespace tbtools
