#include "values.h"

#include <algorithm>

#include "heads.h"
#include "utf8.h"

namespace tbtools {
namespace {

// Of a batch that ends inside a record.
constexpr size_t kMostPoints = size_t{1} << 21;

}  // namespace

bool ValueReader::wants(const CutValue& value) const {
  return wants(value.field) && value.size <= options_.largest &&
         (options_.skip == nullptr || !options_.skip->has(value.tag.text()));
}

void ValueReader::finish() {
  for (const Tag& tag : tags_.tags()) {
    batch_.told_tags.push(tag.number);
    if (tag.first_metadata < 0) {
      batch_.first_metadata.push_null();
    } else {
      batch_.first_metadata.push(tag.first_metadata);
    }
  }
  if (!has_version_) batch_.file_version.push_null();
  if (!has_source_) batch_.source_metadata.push_null();
}

// --- events of one value -------------------------------------------------------------------------

// A plain event whose member is length-delimited: a tensor, histogram, image or audio.
bool ValueReader::read_plain_member(Bytes name, const uint8_t* p, const uint8_t* end) {
  if (p == end || name.size == 0) return false;
  uint64_t size;
  const FieldId field = value_field(*p);
  if (field == FieldId::none || !enter(*p, p, end, size)) return false;
  const Bytes member{p, static_cast<size_t>(size)};
  p += size;
  Value& value = values_[0];
  value.has_metadata = p < end;
  if (value.has_metadata) {
    if (!enter(kMetadataKey, p, end, size) || size != left(p, end)) return false;
    const Bytes metadata{p, static_cast<size_t>(size)};
    if (field == FieldId::tensor && read_plain_tensor(name, member, metadata)) return true;
    value.metadata.set(FieldId::metadata, metadata);
  }
  Tag* const tag = tag_of(name);
  if (tag == nullptr) return false;
  value.tag = name;
  value.what.set(field, member);
  add_value(value, *tag);
  return true;
}

// A scalar as TF2 writes it, with the metadata that its tag had before.
TBTOOLS_INLINE bool ValueReader::read_plain_tensor(Bytes name, Bytes tensor, Bytes metadata) {
  const std::optional<double> number = plain_float(tensor);
  if (!number) return false;
  Tag* const tag = tag_of(name);
  if (tag == nullptr || tag->metadata < 0 || !(tag->metadata_bytes == metadata)) return false;
  if (!tag->wants_tensors) {
    remember_plain(*tag, tensor.end() - sizeof(float), false);
    return true;
  }
  if (!tag->plugin_is_scalars) return false;
  push_point(*tag, *number);
  remember_plain(*tag, tensor.end() - sizeof(float), true);
  return true;
}

// --- any event -----------------------------------------------------------------------------------

bool ValueReader::read_any_event(Bytes payload) {
  if (!parse_event(payload, event_)) return false;
  if (!event_.is_summary) {
    add_other(payload);
  } else if (!read_summary()) {
    return false;
  }
  note_source();
  return true;
}

bool ValueReader::parse_one(Bytes message, Value& value) {
  return parse_value(message, value) && is_utf8(value.tag);
}

// All values are looked at before the first is added. Those that do not fit are parsed again.
bool ValueReader::read_summary() {
  size_t count = 0;
  const Bytes summary = event_.what.bytes();
  Cursor fields(summary);
  Cursor rest(summary);
  while (fields.next()) {
    if (fields.key() != kValueKey) continue;
    if (!parse_one(fields.bytes(), values_[std::min(count, values_.size() - 1)])) return false;
    if (++count < values_.size()) rest = fields;
  }
  if (!fields.ok()) return false;
  if (count == 0) batch_.empty_summaries.push_back({offset_, event_.step, event_.wall_time});
  const size_t kept = count < values_.size() ? count : values_.size() - 1;
  for (size_t i = 0; i < kept; ++i) add_value(values_[i], *tag_of(values_[i].tag));
  if (kept < count) add_values(rest, summary.data);
  return true;
}

// Those that `fields` has before it, until the batch is full.
void ValueReader::add_values(Cursor fields, const uint8_t* begin) {
  Value& value = values_.back();
  while (!is_full()) {
    if (!fields.next()) return;
    if (fields.key() != kValueKey || !parse_one(fields.bytes(), value)) continue;
    add_value(value, *tag_of(value.tag));
  }
  resume_ = static_cast<uint64_t>(fields.position() - begin);
}

void ValueReader::read_rest(Bytes payload, uint64_t offset, uint64_t from) {
  offset_ = offset;
  resume_ = 0;
  if (!parse_event(payload, event_) || !event_.is_summary) return;
  const Bytes summary = event_.what.bytes();
  if (from < summary.size) {
    add_values(Cursor({summary.data + from, summary.size - from}), summary.data);
  }
}

// Rows and points of a value without content are ten times as large as it, and a record may be of
// any size, so that a batch ends inside of one if it has to.
bool ValueReader::is_full() const {
  return batch_.rows.size() >= options_.most_rows || points_.size() >= kMostPoints;
}

void ValueReader::add_value(Value& value, Tag& tag) {
  if (value.has_metadata) note_metadata(tag, value.metadata.bytes());
  const FieldId field = value.what.field();
  if (tag.unwanted || !wants(field)) return;
  if (field == FieldId::simple_value) return push_point(tag, value.simple_value);
  const Bytes payload = value.what.bytes();
  if (payload.size > options_.largest) return;
  std::optional<double> scalar;
  if (field == FieldId::tensor) {
    const bool declared = value.has_metadata && tag.plugin_is_known;
    const bool is_scalar = declared ? tag.plugin_is_scalars : tag.scalar_when_bare;
    if (is_scalar || !declared) scalar = scalar_of(payload);
    if (is_scalar && scalar) return push_point(tag, *scalar);
    if (declared && !tag.plugin_is_wanted) return;
  }
  push_row(field, payload, field == FieldId::tensor && wants_heads(value, tag));
  Rows& rows = batch_.rows;
  rows.tag.push(tag.number);
  value.has_metadata ? rows.metadata.push(tag.metadata) : rows.metadata.push_null();
  scalar ? rows.value.push(*scalar) : rows.value.push_null();
}

// An event without a Summary. One without anything that tbtools knows is kept whole.
void ValueReader::add_other(Bytes payload) {
  const FieldId field = event_.what.field();
  const Bytes bytes = field == FieldId::none ? payload : event_.what.bytes();
  if (field == FieldId::file_version && !has_version_) {
    has_version_ = true;
    batch_.file_version.push(bytes);
  }
  if (!wants(field) || bytes.size > options_.largest) return;
  push_row(field, bytes, false);
  Rows& rows = batch_.rows;
  rows.tag.push_null();
  rows.value.push_null();
  if (event_.source_metadata.field() == FieldId::none) {
    rows.metadata.push_null();
  } else {
    rows.metadata.push(dictionaries_.metadata.of(event_.source_metadata.bytes()).second);
  }
}

// Of whatever event: not every writer opens a file with a version.
void ValueReader::note_source() {
  if (event_.source_metadata.field() == FieldId::none || has_source_) return;
  has_source_ = true;
  batch_.source_metadata.push(event_.source_metadata.bytes());
}

// --- columns -------------------------------------------------------------------------------------

// Of a tensor of this tag, as far as the metadata read so far says.
bool ValueReader::wants_heads(const Value& value, const Tag& tag) const {
  return value.has_metadata && tag.plugin_is_known ? tag.plugin_has_heads : tag.heads_when_bare;
}

void ValueReader::push_row(FieldId field, Bytes payload, bool as_head) {
  Rows& rows = batch_.rows;
  rows.offset.push(static_cast<int64_t>(offset_));
  rows.step.push(event_.step);
  rows.wall_time.push(event_.wall_time);
  rows.field.push(static_cast<int8_t>(field));
  const bool has_payload = (options_.payloads & bit(field)) != 0 && payload.data != nullptr;
  if (!has_payload) {
    rows.payload.push_null();
  } else if (as_head || (options_.heads & kHeadFields & bit(field)) != 0) {
    push_head(rows.payload, field, payload);
  } else {
    rows.payload.push(payload);
  }
  rows.points_before.push(static_cast<int64_t>(points_.size()));
}

// --- tags and metadata ---------------------------------------------------------------------------

Tag* ValueReader::new_tag(Bytes name) {
  if (!is_utf8(name)) return nullptr;
  Tag& tag = tags_.add(dictionaries_.tags.of(name));
  const auto in = [&](const NameSet* set) { return set != nullptr && set->has(name.text()); };
  tag.unwanted = in(options_.skip);
  tag.wants_points = !tag.unwanted && wants(FieldId::simple_value);
  tag.wants_tensors = !tag.unwanted && wants(FieldId::tensor) && options_.largest >= kPlainFloat;
  tag.declared = in(options_.declared);
  tag.scalar_when_bare = in(options_.scalars);
  return &tag;
}

// Metadata often comes with every value of a tag and is nearly always the same.
void ValueReader::note_metadata(Tag& tag, Bytes metadata) {
  if (tag.metadata >= 0 && tag.metadata_bytes == metadata) return;
  tag.repeat.length = UINT64_MAX;  // it may be of a tensor with other metadata
  const auto& [bytes, number] = dictionaries_.metadata.of(metadata);
  tag.metadata = number;
  tag.metadata_bytes = bytes_of(bytes);
  if (tag.first_metadata < 0) tag.first_metadata = number;
  const std::string plugin = plugin_name_of(metadata);
  tag.plugin_is_known = !plugin.empty();
  tag.plugin_is_scalars = plugin == "scalars";
  tag.plugin_is_wanted = options_.plugins == nullptr || options_.plugins->has(plugin);
  tag.plugin_has_heads = options_.head_plugins != nullptr && options_.head_plugins->has(plugin);
  if (tag.plugin_is_known && !tag.declared) {
    tag.declared = true;
    tag.first_metadata = number;
    tag.heads_when_bare = tag.plugin_has_heads;
    tag.scalar_when_bare = tag.scalar_when_bare || tag.plugin_is_scalars;
  }
}

}  // namespace tbtools
