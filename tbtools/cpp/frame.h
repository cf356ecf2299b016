// TFRecord framing: length u64 | masked CRC of the length u32 | payload | masked CRC of it u32.
// Source: docs/format.md, "Framing".
#pragma once

#include <cstdint>
#include <optional>

#include "bytes.h"
#include "crc32c.h"

namespace tbtools {

constexpr size_t kHeaderSize = 8 + 4;
constexpr size_t kFooterSize = 4;

// protobuf refuses a message of 2 GiB or more, so a longer record cannot hold an Event: a header
// that claims one is as wrong as a header whose CRC is.
constexpr uint64_t kMaxLength = 0x7FFFFFFF;

// The length that a believable header at `p` (kHeaderSize readable bytes) claims, else nothing.
// Forty bits and more have to agree by chance for junk to pass, so the header serves as the magic
// that the format lacks.
inline std::optional<uint64_t> read_header(const Crc32c& crc, const uint8_t* p) {
  const uint64_t length = load<uint64_t>(p);
  if (mask(crc.of8(length)) != load<uint32_t>(p + 8) || length > kMaxLength) return std::nullopt;
  return length;
}

// The first position at or after `from` where a believable header stands whole in the window;
// nothing if there is none.
std::optional<size_t> find_header(const Crc32c& crc, Bytes window, size_t from);

}  // namespace tbtools
