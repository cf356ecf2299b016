// What a caller of scan() says of the window, and what it wants of it.
#pragma once

#include <cstdint>

#include "crc32c.h"
#include "event.h"
#include "tags.h"

namespace tbtools {

// A batch ends behind the record with which it has as many rows: more than a window has of what a
// writer writes, and no more than stay in the processor's cache where a file is nothing but rows.
constexpr size_t kMostRows = size_t{1} << 15;
constexpr size_t kMostRowsOfGroup = size_t{1} << 18;
constexpr size_t kMostDamages = size_t{1} << 18;

struct Options {
  uint64_t position = 0;           // of the window's first byte in its file
  bool at_end = false;             // nothing follows the window in the file now
  uint64_t file_end = UINT64_MAX;  // where the file ends now, if that is known
  bool search = false;             // begin by looking for a believable header
  bool salvage = false;            // go on behind what is damaged, and tell it as Damages
  uint64_t resume = 0;             // Batch::resume of the scan that stopped inside the first record
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
  size_t most_rows = kMostRows;  // a batch ends behind the record with which it has as many
  const Crc32c* crc = &crc32c();      // for tests: another implementation
};

}  // namespace tbtools
