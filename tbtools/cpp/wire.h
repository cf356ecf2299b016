// A cursor over the fields of one protobuf message. Two pointers; nothing is allocated, and every
// length is compared with what is left before it is used.
// Source: protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "work.h"

namespace tbtools {

enum class Wire : uint32_t { varint = 0, fixed64 = 1, bytes = 2, group = 3, fixed32 = 5 };

// A field's key as it stands on the wire, for use in a switch.
constexpr uint32_t key_of(uint32_t number, Wire wire) {
  return number << 3 | static_cast<uint32_t>(wire);
}

TBTOOLS_NOINLINE inline const uint8_t* read_long_varint(const uint8_t* p, const uint8_t* end,
                                                        uint64_t& value) {
  uint64_t result = 0;
  for (int shift = 0; shift < 70 && p < end; shift += 7) {
    const uint64_t byte = *p++;
    result |= (byte & 0x7F) << shift;
    if (byte < 0x80) {  // bits beyond the 64th are dropped, as protobuf does
      value = result;
      return p;
    }
  }
  return nullptr;
}

// Reads a varint of at most ten bytes and moves behind it. Returns false if it is cut off or
// longer.
TBTOOLS_INLINE bool read_varint(const uint8_t*& p, const uint8_t* end, uint64_t& value) {
  if (p < end && *p < 0x80) {
    value = *p++;
    return true;
  }
  const uint8_t* const next = read_long_varint(p, end, value);
  if (next == nullptr) return false;
  p = next;
  return true;
}

class Cursor {
 public:
  explicit Cursor(Bytes message) : p_(message.data), end_(message.end()) {}

  // Moves to the next field. False at the end of the message and where it is malformed: see ok().
  bool next() {
    if (p_ == end_) return false;
    count_work(1);
    uint64_t key;
    if (!read_varint(p_, end_, key) || key > 0xFFFFFFFFu || key < 8) return fail();
    key_ = static_cast<uint32_t>(key);
    return read_value() || fail();
  }

  bool ok() const { return ok_; }

  uint32_t key() const { return key_; }
  uint64_t number() const { return number_; }  // of a varint, fixed32 or fixed64 field
  Bytes bytes() const { return bytes_; }       // of a length-delimited field
  const uint8_t* position() const { return p_; }

 private:
  bool fail() {
    ok_ = false;
    p_ = end_;
    return false;
  }

  size_t left() const { return static_cast<size_t>(end_ - p_); }

  bool read_value() {
    switch (static_cast<Wire>(key_ & 7)) {
      case Wire::varint:
        return read_varint(p_, end_, number_);
      case Wire::fixed64:
        if (left() < 8) return false;
        number_ = load<uint64_t>(p_);
        p_ += 8;
        return true;
      case Wire::fixed32:
        if (left() < 4) return false;
        number_ = load<uint32_t>(p_);
        p_ += 4;
        return true;
      case Wire::bytes: {
        uint64_t size;
        if (!read_varint(p_, end_, size) || size > left()) return false;
        bytes_ = {p_, static_cast<size_t>(size)};
        p_ += size;
        return true;
      }
      case Wire::group:
        return skip_group();
    }
    return false;  // a group's end without its start, or a wire type that does not exist
  }

  // Groups are long gone from protobuf, but a parser must still pass over unknown ones.
  bool skip_group() {
    constexpr int kMaxDepth = 100;  // protobuf's own limit
    const uint32_t outer = key_;
    uint32_t open[kMaxDepth];
    int depth = 0;
    open[depth++] = key_ >> 3;
    while (depth > 0) {
      uint64_t key;
      if (!read_varint(p_, end_, key) || key > 0xFFFFFFFFu || key < 8) return false;
      key_ = static_cast<uint32_t>(key);
      const uint32_t wire = key_ & 7;
      if (wire == static_cast<uint32_t>(Wire::group)) {
        if (depth == kMaxDepth) return false;
        open[depth++] = key_ >> 3;
      } else if (wire == 4) {  // the group's end
        if (open[--depth] != key_ >> 3) return false;
      } else if (!read_value()) {
        return false;
      }
    }
    key_ = outer;
    return true;
  }

  const uint8_t* p_;
  const uint8_t* end_;
  uint32_t key_ = 0;
  uint64_t number_ = 0;
  Bytes bytes_;
  bool ok_ = true;
};

}  // namespace tbtools
