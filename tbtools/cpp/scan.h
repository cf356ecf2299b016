// One window of an event file → columns. The core's one entry: stateless, and ignorant of files.
#pragma once

#include <cstdint>
#include <memory>

#include "batch.h"
#include "event.h"
#include "tags.h"

namespace tbtools {

struct Options {
  uint64_t position = 0;           // of the window's first byte in its file
  bool at_end = false;             // nothing follows the window in the file now
  bool search = false;             // begin by looking for a believable header
  bool may_skip = true;            // large unwanted records may be stepped over (unread, unchecked)
  bool offsets = false;            // fill Points::offset
  uint32_t fields = kAllFields;    // a mask of bit(FieldId): what the caller wants rows of,
  uint32_t payloads = kAllFields;  // and of which of them the payload
  uint32_t heads = 0;              // of which of them only a head: see heads.h
  size_t largest = SIZE_MAX;       // values with a larger payload are not wanted
  const NameSet* skip = nullptr;   // tags that are not wanted
  const NameSet* plugins = nullptr;  // if given: tensors that declare another plugin are not wanted
  const NameSet* head_plugins = nullptr;  // plugins whose tensors are wanted as heads
  const NameSet* declared = nullptr;  // tags of which an earlier window's metadata named a plugin
  const NameSet* scalars = nullptr;   // tags whose bare tensors (without metadata) are scalars
};

// Reads records from window[begin:] until one stops it. Throws nothing but std::bad_alloc.
std::shared_ptr<const Batch> scan(Bytes window, size_t begin, const Options& options);

// Walks the frames of a buffer, checks every CRC and returns the number of good records: the floor
// that benchmarks/ compares scan() with.
uint64_t walk(Bytes buffer);

}  // namespace tbtools
