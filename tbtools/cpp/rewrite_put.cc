// The records that a Rewriter changes, written.
#include <type_traits>

#include "crc32c.h"
#include "frame.h"
#include "rewrite.h"
#include "wire_write.h"

namespace tbtools {
namespace {

// The field that the cursor has just passed, as it stands.
Bytes field_at(const uint8_t* begin, const Cursor& cursor) {
  return {begin, static_cast<size_t>(cursor.position() - begin)};
}

// Takes what a Pen takes, and only counts it.
class Ruler {
 public:
  size_t size() const { return size_; }
  void grow(size_t size) { size_ += size; }

  void byte(uint32_t) { ++size_; }
  void varint(uint64_t value) { size_ += varint_size(value); }
  void begin(uint32_t, size_t size) { size_ += 1 + varint_size(size); }
  void bytes(Bytes value) { size_ += value.size; }
  template <class T>
  void fixed(T) {
    size_ += sizeof(T);
  }

 private:
  size_t size_ = 0;
};

template <class Sink>
void put_time(double time, Sink& sink) {
  sink.byte(kWallTimeKey);
  sink.fixed(time);
}

template <class Sink>
void put_step(int64_t step, Sink& sink) {
  sink.byte(kStepKey);
  sink.varint(static_cast<uint64_t>(step));
}

template <class Sink>
void put_field(uint32_t key, Bytes bytes, Sink& sink) {
  sink.begin(key >> 3, bytes.size);
  sink.bytes(bytes);
}

// Where the parts of the Summary begin. One before another member of the oneof is void.
const uint8_t* summaries_of(Bytes event) {
  const uint8_t* begin = event.data;
  Cursor cursor(event);
  while (cursor.next()) {
    const uint32_t number = cursor.key() >> 3;
    const bool is_bytes = (cursor.key() & 7) == static_cast<uint32_t>(Wire::bytes);
    if (is_bytes && number >= 3 && number <= 9 && number != 5) begin = cursor.position();
  }
  return begin;
}

}  // namespace

// Whether each piece of the event's Summary is a message of its own, as protobuf wants it. The
// reader takes pieces that only make one when they are put together for one; such an event stays as
// it is.
bool Rewriter::is_in_messages(Bytes payload) const {
  const Bytes summary = event_.what.bytes();
  if (summary.data >= payload.data && summary.end() <= payload.end()) return true;  // one piece
  const uint8_t* const summaries = summaries_of(payload);
  Cursor cursor(payload);
  for (const uint8_t* begin = payload.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() != kSummaryKey || begin < summaries) continue;
    Cursor piece(cursor.bytes());
    while (piece.next()) {
    }
    if (!piece.ok()) return false;
  }
  return true;
}

void Rewriter::write_plain(Bytes payload, const PlainEvent& plain, Buffer& out) const {
  const Bytes name = bytes_of(plain_->name);
  const Bytes time_field{payload.data, 9};
  const Bytes step_field{plain.step_field, static_cast<size_t>(plain.step_end - plain.step_field)};
  const Bytes tag_field{plain.tag_field, static_cast<size_t>(plain.tag.end() - plain.tag_field)};
  const size_t value =
      (plain_->is_renamed ? field_size(name.size) : tag_field.size) + plain.rest.size;
  const bool has_other_step = step_ != event_.step;
  const size_t step =
      has_other_step ? 1 + varint_size(static_cast<uint64_t>(step_)) : step_field.size;
  const size_t summary = field_size(value);
  const size_t size = time_field.size + step + field_size(summary);
  uint8_t* const record = out.extend(kHeaderSize + size + kFooterSize);
  const Crc32c& crc = crc32c();
  Pen pen(record);
  pen.fixed(static_cast<uint64_t>(size));
  pen.fixed(mask(crc.of8(size)));
  if (plan.time_shift != 0) {
    put_time(plain.wall_time + plan.time_shift, pen);
  } else {
    pen.bytes(time_field);
  }
  if (has_other_step) {
    put_step(step_, pen);
  } else {
    pen.bytes(step_field);
  }
  pen.begin(kSummaryKey >> 3, summary);
  pen.begin(kValueKey >> 3, value);
  if (plain_->is_renamed) {
    put_field(kTagKey, name, pen);
  } else {
    pen.bytes(tag_field);
  }
  pen.bytes(plain.rest);
  pen.fixed(mask(crc.of(record + kHeaderSize, size)));
}

// Appends a record of the event, with those of its values that go to the lane. It is measured
// before it is written: what encloses something begins with its size.
void Rewriter::write_record(Bytes payload, uint32_t lane, Buffer& out) {
  sizes_.clear();
  Ruler ruler;
  put_event(payload, lane, ruler);
  const size_t size = ruler.size();
  uint8_t* const record = out.extend(kHeaderSize + size + kFooterSize);
  const Crc32c& crc = crc32c();
  Pen pen(record);
  pen.fixed(static_cast<uint64_t>(size));
  pen.fixed(mask(crc.of8(size)));
  next_size_ = 0;
  put_event(payload, lane, pen);
  pen.fixed(mask(crc.of(record + kHeaderSize, size)));
}

// What `put` puts, as a field. Ruler: and its size is kept for the Pen.
template <class Sink, class Put>
void Rewriter::put_sized(uint32_t key, Sink& sink, Put put) {
  if constexpr (std::is_same_v<Sink, Ruler>) {
    const size_t place = sizes_.size();
    sizes_.push_back(0);
    Ruler inner;
    put(inner);
    sizes_[place] = inner.size();
    sink.begin(key >> 3, inner.size());
    sink.grow(inner.size());
  } else {
    sink.begin(key >> 3, sizes_[next_size_++]);
    put(sink);
  }
}

template <class Sink>
void Rewriter::put_event(Bytes payload, uint32_t lane, Sink& sink) {
  const bool has_other_step = step_ != event_.step;
  const bool has_other_time = plan.time_shift != 0;
  bool has_step = false;
  bool has_time = false;
  Place next;
  const uint8_t* const summaries = summaries_of(payload);
  Cursor cursor(payload);
  for (const uint8_t* begin = payload.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() == kStepKey && has_other_step) {
      put_step(step_, sink);
      has_step = true;
    } else if (cursor.key() == kWallTimeKey && has_other_time) {
      put_time(event_.wall_time + plan.time_shift, sink);
      has_time = true;
    } else if (cursor.key() == kSummaryKey && event_.is_summary && begin >= summaries) {
      const Bytes summary = cursor.bytes();
      put_sized(kSummaryKey, sink, [&](auto& inner) { put_summary(summary, lane, next, inner); });
    } else {
      sink.bytes(field_at(begin, cursor));
    }
  }
  if (has_other_step && !has_step) put_step(step_, sink);
  if (has_other_time && !has_time) put_time(event_.wall_time + plan.time_shift, sink);
}

const Rewriter::Fate& Rewriter::take(Place& next) const {
  const Fate& fate = fates_[next.fate];
  if (++next.passed == fate.count) next = {next.fate + 1, 0};
  return fate;
}

template <class Sink>
void Rewriter::put_summary(Bytes summary, uint32_t lane, Place& next, Sink& sink) {
  Cursor cursor(summary);
  for (const uint8_t* begin = summary.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() != kValueKey) {
      sink.bytes(field_at(begin, cursor));
      continue;
    }
    const Fate& fate = take(next);
    if (!fate.is_kept || fate.tag->lane != lane) continue;
    if (fate.needs_metadata || fate.tag->is_renamed) {
      const Bytes value = cursor.bytes();
      put_sized(kValueKey, sink, [&](auto& inner) { put_value(value, fate, inner); });
    } else {
      sink.bytes(field_at(begin, cursor));
    }
  }
}

template <class Sink>
void Rewriter::put_value(Bytes value, const Fate& fate, Sink& sink) {
  const Bytes name = bytes_of(fate.tag->name);
  bool is_named = !fate.tag->is_renamed;
  Cursor cursor(value);
  for (const uint8_t* begin = value.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() == kTagKey && fate.tag->is_renamed) {
      if (!is_named) put_field(kTagKey, name, sink);
      is_named = true;
    } else {
      sink.bytes(field_at(begin, cursor));
    }
  }
  if (!is_named) put_field(kTagKey, name, sink);
  if (fate.needs_metadata) put_field(kMetadataKey, bytes_of(fate.tag->metadata), sink);
}

}  // namespace tbtools
