// What a selection leaves of a file: what is read without one, but for what it says to leave out.
#pragma once

#include <algorithm>
#include <vector>

#include "check.h"
#include "event.h"
#include "frame.h"
#include "reading.h"
#include "wire.h"

namespace tbtools {

// What the options ask of a value beside where it went.
struct Origin {
  FieldId field;
  size_t size;               // of its payload
  bool is_undesired_plugin;  // its own metadata names a plugin that is not asked for
};

// Of each value of the record at this offset, in order.
inline std::vector<Origin> origins_of(Bytes file, size_t offset, const Options& options) {
  const uint8_t* const record = file.data + offset;
  const size_t size = static_cast<size_t>(load<uint64_t>(record));
  const Bytes payload{record + kHeaderSize, size};
  Event event;
  CHECK(parse_event(payload, event));
  if (!event.is_summary) {
    const FieldId field = event.what.field();
    return {{field, field == FieldId::none ? size : event.what.bytes().size, false}};
  }
  std::vector<Origin> origins;
  Cursor fields(event.what.bytes());
  while (fields.next()) {
    if (fields.key() != key_of(1, Wire::bytes)) continue;
    Value value;
    CHECK(parse_value(fields.bytes(), value));
    const std::string plugin = value.has_metadata ? plugin_name_of(value.metadata.bytes()) : "";
    origins.push_back(
        {value.what.field(), value.what.bytes().size,
         options.plugins != nullptr && !plugin.empty() && !options.plugins->has(plugin)});
  }
  return origins;
}

// What is left of the reading of everything.
inline Reading select(Bytes file, const Reading& whole, const Options& options) {
  Reading selected = whole;
  selected.values.clear();
  std::vector<Origin> origins;
  size_t next = 0;
  int64_t offset = -1;
  for (ReadValue value : whole.values) {
    if (value.offset != offset) {
      CHECK(next == origins.size());
      offset = value.offset;
      origins = origins_of(file, static_cast<size_t>(offset), options);
      next = 0;
    }
    CHECK(next < origins.size());
    const Origin& origin = origins[next++];
    const bool is_point = value.field < 0;
    const bool has_tag = (value.nulls & 1) == 0;
    CHECK(is_point || value.field == static_cast<int>(origin.field));
    if ((options.fields & bit(origin.field)) == 0) continue;
    if (has_tag && options.skip != nullptr && options.skip->has(value.tag)) continue;
    if (origin.field != FieldId::simple_value && origin.size > options.largest) continue;
    if (origin.field == FieldId::tensor && !is_point && origin.is_undesired_plugin) continue;
    if (!is_point && (options.payloads & bit(origin.field)) == 0) {
      value.payload.clear();
      value.nulls |= 4;
    }
    selected.values.push_back(value);
  }
  CHECK(next == origins.size());
  return selected;
}

}  // namespace tbtools
