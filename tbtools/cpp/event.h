// The envelopes of an event file: Event and Summary.Value. What they carry stays bytes.
// Source of the field numbers: docs/format.md, "Event" and "Summary".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "bytes.h"
#include "wire.h"
#include "work.h"

namespace tbtools {

// Keys of fields as they stand on the wire.
constexpr uint32_t kWallTimeKey = key_of(1, Wire::fixed64);  // of an Event
constexpr uint32_t kStepKey = key_of(2, Wire::varint);
constexpr uint32_t kSummaryKey = key_of(5, Wire::bytes);
constexpr uint32_t kValueKey = key_of(1, Wire::bytes);  // of a Summary
constexpr uint32_t kTagKey = key_of(1, Wire::bytes);    // of a Value
constexpr uint32_t kSimpleValueKey = key_of(2, Wire::fixed32);
constexpr uint32_t kMetadataKey = key_of(9, Wire::bytes);

// What a row came from: the member of Event.what or of Summary.Value.value that was set.
// The order is that of kFieldNames and of the bits of a field mask.
enum class FieldId : uint8_t {
  none,      // no member that tbtools knows
  metadata,  // a Value with nothing but a tag and metadata, as PyTorch writes hparams
  simple_value,
  obsolete_old_style_histogram,
  image,
  histo,
  audio,
  tensor,
  file_version,
  graph_def,
  log_message,
  session_log,
  tagged_run_metadata,
  meta_graph_def,
};

constexpr std::array<std::string_view, 14> kFieldNames = {
    "none",
    "metadata",
    "simple_value",
    "obsolete_old_style_histogram",
    "image",
    "histo",
    "audio",
    "tensor",
    "file_version",
    "graph_def",
    "log_message",
    "session_log",
    "tagged_run_metadata",
    "meta_graph_def",
};

constexpr uint32_t bit(FieldId field) { return 1u << static_cast<uint32_t>(field); }
constexpr uint32_t kAllFields = (1u << kFieldNames.size()) - 1;

// The member of a oneof that was set last. A message that comes in pieces is the same message as
// its pieces put together (protobuf's merging), so those are joined; the joined bytes live here.
class Oneof {
 public:
  void clear() {
    field_ = FieldId::none;
    bytes_ = {};
  }

  void set(FieldId field, Bytes bytes) {
    field_ = field;
    bytes_ = bytes;
  }

  void merge(FieldId field, Bytes piece) {
    if (field_ != field) return set(field, piece);
    if (bytes_.data != reinterpret_cast<const uint8_t*>(joined_.data())) {
      count_work(bytes_.size);
      joined_.assign(bytes_.text());
    }
    count_work(piece.size);
    joined_.append(piece.text());
    bytes_ = {reinterpret_cast<const uint8_t*>(joined_.data()), joined_.size()};
  }

  FieldId field() const { return field_; }
  Bytes bytes() const { return bytes_; }

 private:
  FieldId field_ = FieldId::none;
  Bytes bytes_;
  std::string joined_;
};

struct Event {
  double wall_time = 0;
  int64_t step = 0;
  Oneof what;
  bool is_summary = false;  // then `what` holds the Summary, under FieldId::none
  Oneof source_metadata;    // its bytes, under FieldId::metadata
};

struct Value {
  Bytes tag;  // node_name where a tensor has no tag, as TensorBoard reads it
  Oneof what;
  float simple_value = 0;
  bool has_metadata = false;
  Oneof metadata;  // SummaryMetadata, under FieldId::metadata
};

// The length-delimited member of Summary.Value.value that a key stands for; none if it is no such.
FieldId value_field(uint32_t key);

// Each returns false if the bytes are not such a message.
bool parse_event(Bytes message, Event& event);
bool parse_value(Bytes message, Value& value);

// SummaryMetadata.plugin_data.plugin_name; empty if it is absent, no UTF-8, or the message
// malformed. The one authority on what plugin metadata names, for Python too.
std::string plugin_name_of(Bytes metadata);

// What can be said of a record of which only the beginning is there.
struct CutValue {
  Bytes tag;
  FieldId field;  // the large member that the window's end cuts off
  size_t size;    // of that member's payload
};

// True if a record whose payload is `size` bytes long, and of which only `begin` is there, is an
// Event with exactly one Value and the window ends inside that Value's payload. Only then may it be
// passed over by its tag or field without losing anything else that it holds.
bool parse_cut_event(Bytes begin, uint64_t size, CutValue& value);

}  // namespace tbtools
