#include "event.h"

#include "utf8.h"
#include "wire.h"

namespace tbtools {
namespace {

// Reads a length-delimited field's key and size. The payload may reach beyond `end`.
bool read_prefix(const uint8_t*& p, const uint8_t* end, uint32_t& key, uint64_t& size) {
  uint64_t number;
  if (!read_varint(p, end, number) || (number & 7) != static_cast<uint32_t>(Wire::bytes)) {
    return false;
  }
  key = static_cast<uint32_t>(number);
  return read_varint(p, end, size);
}

}  // namespace

FieldId value_field(uint32_t key) {
  switch (key) {
    case key_of(3, Wire::bytes):
      return FieldId::obsolete_old_style_histogram;
    case key_of(4, Wire::bytes):
      return FieldId::image;
    case key_of(5, Wire::bytes):
      return FieldId::histo;
    case key_of(6, Wire::bytes):
      return FieldId::audio;
    case key_of(8, Wire::bytes):
      return FieldId::tensor;
    default:
      return FieldId::none;
  }
}

bool parse_event(Bytes message, Event& event) {
  event.wall_time = 0;
  event.step = 0;
  event.what.clear();
  event.is_summary = false;
  event.source_metadata.clear();
  Cursor fields(message);
  while (fields.next()) {
    switch (fields.key()) {
      case kWallTimeKey:
        event.wall_time = std::bit_cast<double>(fields.number());
        break;
      case kStepKey:
        event.step = static_cast<int64_t>(fields.number());
        break;
      case kSummaryKey:
        if (!event.is_summary) event.what.clear();
        if (event.what.bytes().data == nullptr) {
          event.what.set(FieldId::none, fields.bytes());
        } else {
          event.what.merge(FieldId::none, fields.bytes());
        }
        event.is_summary = true;
        continue;
      case key_of(3, Wire::bytes):
        event.what.set(FieldId::file_version, fields.bytes());
        event.is_summary = false;
        break;
      case key_of(4, Wire::bytes):
        event.what.set(FieldId::graph_def, fields.bytes());
        event.is_summary = false;
        break;
      case key_of(6, Wire::bytes):
        event.what.merge(FieldId::log_message, fields.bytes());
        event.is_summary = false;
        break;
      case key_of(7, Wire::bytes):
        event.what.merge(FieldId::session_log, fields.bytes());
        event.is_summary = false;
        break;
      case key_of(8, Wire::bytes):
        event.what.merge(FieldId::tagged_run_metadata, fields.bytes());
        event.is_summary = false;
        break;
      case key_of(9, Wire::bytes):
        event.what.set(FieldId::meta_graph_def, fields.bytes());
        event.is_summary = false;
        break;
      case key_of(10, Wire::bytes):
        event.source_metadata.merge(FieldId::metadata, fields.bytes());
        break;
      default:
        break;  // unknown field, or a known one of another wire type: protobuf passes over both
    }
  }
  return fields.ok();
}

bool parse_value(Bytes message, Value& value) {
  value.tag = {};
  value.what.clear();
  value.has_metadata = false;
  value.metadata.clear();
  if (message.size == 0) return true;  // a file may consist of them
  Bytes node_name;
  Cursor fields(message);
  while (fields.next()) {
    switch (fields.key()) {
      case kTagKey:
        value.tag = fields.bytes();
        break;
      case kSimpleValueKey:
        value.what.set(FieldId::simple_value, {});
        value.simple_value = std::bit_cast<float>(static_cast<uint32_t>(fields.number()));
        break;
      case key_of(3, Wire::bytes):
        value.what.set(FieldId::obsolete_old_style_histogram, fields.bytes());
        break;
      case key_of(7, Wire::bytes):
        node_name = fields.bytes();
        break;
      case kMetadataKey:
        value.metadata.merge(FieldId::metadata, fields.bytes());
        value.has_metadata = true;
        break;
      default:
        if (const FieldId field = value_field(fields.key()); field != FieldId::none) {
          value.what.merge(field, fields.bytes());
        }
    }
  }
  if (value.what.field() == FieldId::none && value.has_metadata) {
    value.what.set(FieldId::metadata, {});
  }
  if (value.tag.size == 0 && value.what.field() == FieldId::tensor) value.tag = node_name;
  return fields.ok();
}

std::string plugin_name_of(Bytes metadata) {
  Oneof plugin_data;
  Cursor outer(metadata);
  while (outer.next()) {
    if (outer.key() == key_of(1, Wire::bytes)) {
      plugin_data.merge(FieldId::metadata, outer.bytes());
    }
  }
  Bytes name;
  if (!outer.ok() || plugin_data.bytes().size == 0) return {};
  Cursor inner(plugin_data.bytes());
  while (inner.next()) {
    if (inner.key() == key_of(1, Wire::bytes)) name = inner.bytes();
  }
  // A copy: the pieces of plugin_data may have been joined in a string of this function's.
  return inner.ok() && is_utf8(name) ? std::string(name.text()) : std::string();
}

bool parse_cut_event(Bytes begin, uint64_t size, CutValue& value) {
  const uint8_t* const payload = begin.data;
  const uint8_t* const end = begin.end();
  const uint8_t* p = payload;
  uint32_t key;
  uint64_t length;
  // Every length must reach exactly to the end of what encloses it; compared as distances from the
  // payload's beginning, because the bytes themselves are not there.
  const auto reaches_end = [&](uint64_t enclosing_end) {
    return length <= size && static_cast<uint64_t>(p - payload) + length == enclosing_end;
  };
  if (end - p < 9 || *p != kWallTimeKey) return false;
  p += 9;
  if (p < end && *p == kStepKey) {
    uint64_t step;
    ++p;
    if (!read_varint(p, end, step)) return false;
  }
  if (!read_prefix(p, end, key, length) || key != kSummaryKey || !reaches_end(size)) return false;
  if (!read_prefix(p, end, key, length) || key != kValueKey || !reaches_end(size)) return false;
  if (!read_prefix(p, end, key, length) || key != kTagKey) return false;
  if (length > static_cast<uint64_t>(end - p)) return false;
  value.tag = {p, static_cast<size_t>(length)};
  p += length;
  if (!read_prefix(p, end, key, length)) return false;
  value.field = value_field(key);
  const uint64_t member_end = static_cast<uint64_t>(p - payload) + length;
  if (value.field == FieldId::none || length > size || member_end > size) return false;
  value.size = static_cast<size_t>(length);
  return member_end >= begin.size;
}

}  // namespace tbtools
