// The head of the events that most files consist of: of one value, their fields in the order in
// which every writer gives them. It is on the path of every record.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "event.h"
#include "wire.h"

namespace tbtools {

// Moves to the content of a length-delimited field whose key is one byte, if that comes next.
TBTOOLS_INLINE bool enter(uint32_t key, const uint8_t*& p, const uint8_t* end, uint64_t& size) {
  if (p == end || *p != key || !read_varint(++p, end, size)) return false;
  return size <= static_cast<uint64_t>(end - p);
}

struct PlainEvent {
  double wall_time;  // its field is the first, of nine bytes
  int64_t step;
  const uint8_t* step_field;
  const uint8_t* step_end;  // where the field begins if there is none
  const uint8_t* tag_field;
  Bytes tag;
  Bytes rest;  // of the value
};

// wall_time, step, summary { value { tag, … } }, with a single value. False for whatever looks
// different in any way.
TBTOOLS_INLINE bool read_plain_head(Bytes payload, PlainEvent& event) {
  const uint8_t* p = payload.data;
  const uint8_t* const end = payload.end();
  if (payload.size < 16 || *p != kWallTimeKey) return false;
  event.wall_time = load<double>(p + 1);
  p += 9;
  uint64_t step = 0;
  event.step_field = p;
  if (*p == kStepKey && !read_varint(++p, end, step)) return false;
  event.step = static_cast<int64_t>(step);
  event.step_end = p;
  uint64_t size;
  const auto reaches_end = [&] { return size == static_cast<uint64_t>(end - p); };
  if (!enter(kSummaryKey, p, end, size) || !reaches_end()) return false;
  if (!enter(kValueKey, p, end, size) || !reaches_end()) return false;
  event.tag_field = p;
  if (!enter(kTagKey, p, end, size)) return false;
  event.tag = {p, static_cast<size_t>(size)};
  p += size;
  event.rest = {p, static_cast<size_t>(end - p)};
  return true;
}

}  // namespace tbtools
