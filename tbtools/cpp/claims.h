// The data CRC of records that headers claim. Headers may stand inside what another one claims in
// vain, and each may claim all that follows; every byte is worked through a bounded number of times
// all the same.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bytes.h"
#include "crc32c.h"

namespace tbtools {

class Claims {
 public:
  Claims(const Crc32c& crc, Bytes window) : crc_(crc), window_(window) {}

  // True if the payload of a whole record of the window agrees with the CRC behind it.
  TBTOOLS_INLINE bool data_is_good(Bytes payload) {
    if (payload.data < worked_) return overlapping_is_good(payload);
    if (mask(crc_.of(payload.data, payload.size)) == load<uint32_t>(payload.end())) return true;
    worked_ = payload.end();
    return false;
  }

 private:
  TBTOOLS_NOINLINE bool overlapping_is_good(Bytes payload);
  uint32_t crc_up_to(const uint8_t* end);
  void take_power(size_t size);
  uint32_t times_power(uint32_t a) const;

  const Crc32c& crc_;
  const Bytes window_;
  const uint8_t* worked_ = nullptr;  // bytes before this one were worked through in vain

  // The register at every kStride-th byte from base_ on, where it is zero. A CRC is linear: that of
  // a stretch is the register at its end but for what the register at its beginning makes there.
  const uint8_t* base_ = nullptr;
  std::vector<uint32_t> registers_;
  size_t size_ = 0;  // of the last stretch; none is empty
  std::array<uint32_t, 16> multiples_{};  // of x to the power of its bits, by four bits
};

}  // namespace tbtools
