#include "frame.h"

#include "crc32c_steps.h"
#include "work.h"

namespace tbtools {
namespace {

const uint8_t* find(const Crc32c& crc, const uint8_t* p, const uint8_t* end) {
  for (size_t left = static_cast<size_t>(end - p); left >= kHeaderSize; ++p, --left) {
    // Most bytes are no beginning of a length, which costs less to see than a CRC.
    if (load<uint64_t>(p) <= kMaxLength && read_header(crc, p)) return p;
  }
  return nullptr;
}

#if defined(TBTOOLS_CRC_HARDWARE)
// The same without a call for each byte that may begin a length.
TBTOOLS_CRC_TARGET const uint8_t* find_with_hardware(const uint8_t* p, const uint8_t* end) {
  for (size_t left = static_cast<size_t>(end - p); left >= kHeaderSize; ++p, --left) {
    const uint64_t length = load<uint64_t>(p);
    if (length <= kMaxLength && mask(~step8(~0u, length)) == load<uint32_t>(p + 8)) return p;
  }
  return nullptr;
}
#else
const uint8_t* find_with_hardware(const uint8_t*, const uint8_t*) { return nullptr; }
#endif

}  // namespace

std::optional<size_t> find_header(const Crc32c& crc, Bytes window, size_t from) {
  if (from >= window.size) return std::nullopt;
  const uint8_t* const p = window.data + from;
  const uint8_t* const found =
      crc.has_hardware ? find_with_hardware(p, window.end()) : find(crc, p, window.end());
  if (found == nullptr) {
    count_work(window.size - from);
    return std::nullopt;
  }
  count_work(static_cast<size_t>(found - p));
  return static_cast<size_t>(found - window.data);
}

}  // namespace tbtools
