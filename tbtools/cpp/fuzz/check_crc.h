// Every implementation of the CRC gives the same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "check.h"
#include "crc32c.h"

namespace tbtools {

inline uint32_t crc_bit_by_bit(Bytes bytes) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < bytes.size; ++i) {
    crc ^= bytes.data[i];
    for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  return ~crc;
}

// Of these bytes, from any alignment and of many lengths, short ones and such that are worked
// through in lanes.
inline void check_crc(Bytes bytes) {
  if (bytes.size == 0) return;
  const Crc32c& fast = crc32c();
  const Crc32c& portable = portable_crc32c();
  constexpr size_t kLong = 7000;
  std::vector<uint8_t> repeated;
  while (repeated.size() < kLong) repeated.insert(repeated.end(), bytes.data, bytes.end());
  for (size_t begin = 0; begin < 9; ++begin) {
    const uint8_t* const data = repeated.data() + begin;
    for (const size_t size : {begin, bytes.size % 61, repeated.size() - begin}) {
      CHECK(fast.of(data, size) == portable.of(data, size));
      CHECK(fast.extend(0, data, size) == portable.extend(0, data, size));
      CHECK(~fast.extend(~0u, data, size) == portable.of(data, size));
    }
    const uint64_t word = load<uint64_t>(data);
    CHECK(fast.of8(word) == portable.of8(word) && fast.of8(word) == fast.of(data, sizeof word));
  }
  const size_t size = std::min<size_t>(bytes.size, 64);
  CHECK(fast.of(bytes.data, size) == crc_bit_by_bit({bytes.data, size}));
}

}  // namespace tbtools
