// One window of an event file → columns. The core's one entry: stateless, and ignorant of files.
#pragma once

#include <cstdint>
#include <memory>

#include "batch.h"
#include "options.h"

namespace tbtools {

// Reads records from window[begin:] until one stops it. Throws nothing but std::bad_alloc.
std::shared_ptr<const Batch> scan(Bytes window, size_t begin, const Options& options);

// Walks the frames of a buffer, checks every CRC and returns the number of good records: the floor
// that benchmarks/ compares scan() with.
uint64_t walk(Bytes buffer);

}  // namespace tbtools
