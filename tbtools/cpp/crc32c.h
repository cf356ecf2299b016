// CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, initial value and final xor 0xFFFFFFFF.
// Source of the parameters and of the mask: docs/format.md, "Framing".
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes.h"

namespace tbtools {

inline constexpr uint32_t kPolynomial = 0x82F63B78u;  // reflected

// One implementation of the CRC. Every one gives the same answer for the same bytes.
struct Crc32c {
  const char* name;
  bool has_hardware;  // the steps of crc32c_steps.h may be used
  uint32_t (*of)(const uint8_t* data, size_t size);
  uint32_t (*of8)(uint64_t word);  // the same for the eight bytes of one little-endian word
  // What the register becomes over these bytes: without the first and the last xor, so that it is
  // linear. For a few bytes at a time.
  uint32_t (*extend)(uint32_t crc, const uint8_t* data, size_t size);
};

// The slicing-by-8 implementation that runs everywhere.
const Crc32c& portable_crc32c();

// The fastest that this machine runs: SSE4.2, ARMv8 CRC, or the portable one. Picked once.
const Crc32c& crc32c();

// A CRC stored beside the data it covers is masked, because the CRC of a string that holds its own
// CRC is weak.
inline uint32_t mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u; }

}  // namespace tbtools
