#include <optional>

#include "frame.h"
#include "scan.h"

namespace tbtools {

uint64_t walk(Bytes buffer) {
  const Crc32c& crc = crc32c();
  uint64_t records = 0;
  size_t at = 0;
  while (buffer.size - at >= kHeaderSize) {
    const std::optional<uint64_t> length = read_header(crc, buffer.data + at);
    if (!length || *length + kHeaderSize + kFooterSize > buffer.size - at) break;
    const uint8_t* const payload = buffer.data + at + kHeaderSize;
    const size_t size = static_cast<size_t>(*length);
    if (mask(crc.of(payload, size)) != load<uint32_t>(payload + size)) break;
    at += kHeaderSize + static_cast<size_t>(*length) + kFooterSize;
    ++records;
  }
  return records;
}

}  // namespace tbtools
