// The payload of a record → points, rows, tags and metadata of a batch. What is no Event is refused
// before anything of it is there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "batch.h"
#include "event.h"
#include "options.h"
#include "plain_event.h"
#include "repeats.h"
#include "tags.h"
#include "tensor.h"
#include "wire.h"

namespace tbtools {

// Of one batch, whatever the number of files whose rows it has.
struct Dictionaries {
  explicit Dictionaries(Batch& batch) : tags(batch.tags), metadata(batch.metadata) {}

  Names tags;
  Names metadata;
};

// Reads the records of one file, or of one window of it.
class ValueReader {
 public:
  ValueReader(Batch& batch, Dictionaries& dictionaries, const Options& options)
      : batch_(batch), dictionaries_(dictionaries), points_(batch.points), options_(options) {}
  ValueReader(const ValueReader&) = delete;
  ValueReader& operator=(const ValueReader&) = delete;

  // Appends what the Event at this offset of the file holds. If it is none, returns false and
  // appends nothing.
  TBTOOLS_INLINE bool read(Bytes payload, uint64_t offset) {
    offset_ = offset;
    resume_ = 0;
    return read_plain_event(payload) || read_any_event(payload);
  }

  // The same for the rest of an event that filled the batch: from resume() on, as it was then. It
  // was looked at as a whole, and is not again.
  void read_rest(Bytes payload, uint64_t offset, uint64_t from);

  // How much of the Summary of the event that was read last is told, if not all: the batch is full.
  uint64_t resume() const { return resume_; }

  // Whether the caller wants the values of this field, of this size and with this tag.
  bool wants(FieldId field) const { return (options_.fields & bit(field)) != 0; }
  bool wants(const CutValue& value) const;

  TagTable& tags() { return tags_; }

  // Gives the batch the tags and what is told once of a file, when all is read.
  void finish();

 private:
  // Declines whatever looks different from what plain_event.h says in any way; parse_event() and
  // parse_value() read all of it.
  TBTOOLS_INLINE bool read_plain_event(Bytes payload) {
    PlainEvent plain;
    if (!read_plain_head(payload, plain)) return false;
    event_.wall_time = plain.wall_time;
    event_.step = plain.step;
    plain_ = {payload, plain.step_field + 1, plain.step_end};
    const uint8_t* const p = plain.rest.data;
    if (plain.rest.size == 5 && *p == kSimpleValueKey) {
      Tag* const tag = tag_of(plain.tag);
      if (tag == nullptr) return false;
      if (tag->wants_points) push_point(*tag, load<float>(p + 1));
      remember_plain(*tag, p + 1, tag->wants_points);
      return true;
    }
    return read_plain_member(plain.tag, p, plain.rest.end());
  }

  // What read_plain_event() knows of its event.
  struct Plain {
    Bytes payload;
    const uint8_t* step;
    const uint8_t* step_end;
  };

  // For read_repeats(), if it may not read the next record of this tag yet.
  TBTOOLS_INLINE void remember_plain(Tag& tag, const uint8_t* value, bool is_point) {
    if (tag.repeat.length == plain_.payload.size || plain_.step > plain_.step_end) return;
    remember(tag, plain_.payload, plain_.step, plain_.step_end, value, is_point);
  }

  static TBTOOLS_INLINE uint64_t left(const uint8_t* p, const uint8_t* end) {
    return static_cast<uint64_t>(end - p);
  }

  TBTOOLS_INLINE void push_point(const Tag& tag, double value) {
    points_.push(tag.number, event_.step, event_.wall_time, value, static_cast<int64_t>(offset_));
  }

  // Null if the name is not UTF-8: protobuf accepts no other string, so the record is no Event.
  TBTOOLS_INLINE Tag* tag_of(Bytes name) {
    Tag* const tag = tags_.find(name);
    return tag != nullptr ? tag : new_tag(name);
  }

  TBTOOLS_NOINLINE bool read_plain_member(Bytes name, const uint8_t* p, const uint8_t* end);
  bool read_plain_tensor(Bytes name, Bytes tensor, Bytes metadata);
  TBTOOLS_NOINLINE bool read_any_event(Bytes payload);
  bool read_summary();
  void add_values(Cursor fields, const uint8_t* begin);
  bool is_full() const;
  bool parse_one(Bytes message, Value& value);
  void add_value(Value& value, Tag& tag);
  void add_other(Bytes payload);
  void note_source();
  bool wants_heads(const Value& value, const Tag& tag) const;
  void push_row(FieldId field, Bytes payload, bool as_head);
  TBTOOLS_NOINLINE Tag* new_tag(Bytes name);
  void note_metadata(Tag& tag, Bytes metadata);

  Batch& batch_;
  Dictionaries& dictionaries_;
  Points& points_;  // of batch_
  const Options options_;
  TagTable tags_;
  bool has_version_ = false;  // the batch has that of this file
  bool has_source_ = false;
  uint64_t offset_ = 0;  // of the record
  uint64_t resume_ = 0;
  Plain plain_;
  Event event_;
  std::array<Value, 8> values_;  // of a Summary, as many as are kept when they are looked at first
};

}  // namespace tbtools
