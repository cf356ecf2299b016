// One window of an event file → columns. The core's one entry: stateless, and ignorant of files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "batch.h"
#include "options.h"

namespace tbtools {

// Reads records from window[begin:] until one stops it. Throws nothing but std::bad_alloc.
std::shared_ptr<const Batch> scan(Bytes window, size_t begin, const Options& options);

// A file in a buffer that holds many.
struct Extent {
  size_t begin;
  size_t size;
};

// Reads files that lie whole in one buffer, each as scan() does one that ends with its window. A
// file in which anything is damaged or not complete is left to scan(). The buffer is smaller than
// 2 GiB. Throws nothing but std::bad_alloc.
std::shared_ptr<const Group> scan_many(Bytes buffer, std::span<const Extent> extents,
                                       const Options& options);

// Walks the frames of a buffer, checks every CRC and returns the number of good records: the floor
// that benchmarks/ compares scan() with.
uint64_t walk(Bytes buffer);

}  // namespace tbtools
