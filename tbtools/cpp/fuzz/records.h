// Files of records with good CRCs, whatever the bytes of an input are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "crc32c.h"
#include "frame.h"
#include "wire.h"

namespace tbtools {

inline void put_crc(std::vector<uint8_t>& file, size_t at, size_t size) {
  const uint32_t crc = mask(portable_crc32c().of(file.data() + at, size));
  std::memcpy(file.data() + at + size, &crc, sizeof crc);
}

// Gives every record of the file good CRCs. A length that is too large becomes what is left.
inline void fix_checksums(std::vector<uint8_t>& file) {
  size_t at = 0;
  while (file.size() - at >= kHeaderSize + kFooterSize) {
    const uint64_t left = file.size() - at - kHeaderSize - kFooterSize;
    const uint64_t length = std::min(load<uint64_t>(file.data() + at), left);
    std::memcpy(file.data() + at, &length, sizeof length);
    put_crc(file, at, sizeof length);
    put_crc(file, at + kHeaderSize, static_cast<size_t>(length));
    at += kHeaderSize + static_cast<size_t>(length) + kFooterSize;
  }
}

inline void append_record(std::vector<uint8_t>& file, Bytes payload, Bytes suffix) {
  const size_t at = file.size();
  const uint64_t length = payload.size + suffix.size;
  file.resize(at + kHeaderSize);
  std::memcpy(file.data() + at, &length, sizeof length);
  file.insert(file.end(), payload.data, payload.end());
  file.insert(file.end(), suffix.data, suffix.end());
  file.resize(file.size() + kFooterSize);
  put_crc(file, at, sizeof length);
  put_crc(file, at + kHeaderSize, static_cast<size_t>(length));
}

}  // namespace tbtools
