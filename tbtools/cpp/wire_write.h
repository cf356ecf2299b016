// Writing protobuf's wire format to memory that is known to be large enough.
// Source: protobuf.dev/programming-guides/encoding.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "wire.h"

namespace tbtools {

constexpr size_t varint_size(uint64_t value) {
  return static_cast<size_t>(std::bit_width(value | 1) + 6) / 7;
}

// The size of a length-delimited field whose key takes one byte.
constexpr size_t field_size(size_t size) { return 1 + varint_size(size) + size; }

// Where the next byte goes. Whoever makes one has worked out how many will come.
class Pen {
 public:
  explicit Pen(uint8_t* at) : at_(at) {}

  uint8_t* at() const { return at_; }

  void byte(uint32_t value) { *at_++ = static_cast<uint8_t>(value); }

  template <class T>
  void fixed(T value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }

  void varint(uint64_t value) {
    for (; value > 0x7F; value >>= 7) byte(static_cast<uint32_t>(value & 0x7F) | 0x80);
    byte(static_cast<uint32_t>(value));
  }

  // The key and the length of a length-delimited field whose number is below 16.
  void begin(uint32_t number, size_t size) {
    byte(key_of(number, Wire::bytes));
    varint(size);
  }

  void bytes(Bytes value) {
    if (value.size > 0) std::memcpy(at_, value.data, value.size);
    at_ += value.size;
  }

 private:
  uint8_t* at_;
};

}  // namespace tbtools
