// Runs of zeros in damaged stretches: what a file system leaves of pages that it never wrote.
#pragma once

#include "bytes.h"

namespace tbtools {

// Fewer zeros one behind the other are not looked for: there are so many in good records.
constexpr size_t kLeastZeros = 64;

struct Zeros {
  size_t leading;   // zeros at the beginning and at the end, however few,
  size_t trailing;  // so that runs can be put together of pieces
  size_t begin;     // of the longest run
  size_t size;      // 0 if none has kLeastZeros
};

Zeros zeros_in(Bytes bytes);

}  // namespace tbtools
