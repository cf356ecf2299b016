// Records that are the last one of their tag again but for wall time, step and value: what scalars
// are. They are recognised by their bytes and never parsed. Whatever differs in any other way is
// left to the reader of values, which says what the next such record has to look like.
#pragma once

#include <cstdint>

#include "batch.h"
#include "bytes.h"
#include "tags.h"

namespace tbtools {

// Makes `tag` remember the record of `payload`, with the step's varint at `step` and its four bytes
// of value at `value`. `is_point`: a point is to be pushed of the next one too.
void remember(Tag& tag, Bytes payload, const uint8_t* step, const uint8_t* step_end,
              const uint8_t* value, bool is_point);

// Whether the record at `at` begins as the template of the tag that is due; a cheap guess.
TBTOOLS_INLINE bool may_repeat(const TagTable& tags, Bytes window, size_t at) {
  const Tag* const due = tags.last()->follower;
  return due != nullptr && due->repeat.length == load<uint64_t>(window.data + at);
}

// Reads such records from window[at:end] on as long as they come, and returns where the first
// other one begins. Both CRCs are checked. Only where crc32c().has_hardware; `position` is the
// window's in the file.
size_t read_repeats(Bytes window, size_t at, uint64_t position, TagTable& tags, Points& points,
                    uint64_t& records);

}  // namespace tbtools
