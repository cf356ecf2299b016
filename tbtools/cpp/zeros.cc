#include "zeros.h"

namespace tbtools {
namespace {

// A run of kLeastZeros holds at least one whole word at a multiple of this, wherever it begins.
constexpr size_t kStride = kLeastZeros / 2;

size_t end_of_zeros(Bytes bytes, size_t at) {
  while (at + 8 <= bytes.size && load<uint64_t>(bytes.data + at) == 0) at += 8;
  while (at < bytes.size && bytes.data[at] == 0) ++at;
  return at;
}

}  // namespace

Zeros zeros_in(Bytes bytes) {
  Zeros found{end_of_zeros(bytes, 0), 0, 0, 0};
  if (found.leading >= kLeastZeros) found.size = found.leading;
  size_t at = found.leading;  // what comes before it is known
  size_t probe = (at + kStride - 1) / kStride * kStride;
  while (probe + 8 <= bytes.size) {
    if (load<uint64_t>(bytes.data + probe) != 0) {
      probe += kStride;
      continue;
    }
    size_t begin = probe;
    while (begin > at && bytes.data[begin - 1] == 0) --begin;
    at = end_of_zeros(bytes, probe);
    if (at - begin >= kLeastZeros && at - begin > found.size) {
      found.begin = begin;
      found.size = at - begin;
    }
    probe = (at + kStride - 1) / kStride * kStride;
  }
  if (found.leading == bytes.size) {
    found.trailing = bytes.size;
  } else {
    while (bytes.data[bytes.size - 1 - found.trailing] == 0) ++found.trailing;
  }
  return found;
}

}  // namespace tbtools
