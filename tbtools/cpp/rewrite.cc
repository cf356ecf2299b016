#include "rewrite.h"

#include <algorithm>

#include "crc32c.h"
#include "frame.h"
#include "wire.h"
#include "wire_write.h"

namespace tbtools {
namespace {

// Field numbers: docs/format.md.
constexpr uint32_t kWallTime = key_of(1, Wire::fixed64);
constexpr uint32_t kStep = key_of(2, Wire::varint);
constexpr uint32_t kSummary = key_of(5, Wire::bytes);
constexpr uint32_t kValue = key_of(1, Wire::bytes);  // of a Summary
constexpr uint32_t kTag = key_of(1, Wire::bytes);    // of a Value
constexpr uint32_t kMetadata = key_of(9, Wire::bytes);

constexpr uint32_t kDated = bit(FieldId::session_log) | bit(FieldId::log_message) |
                            bit(FieldId::tagged_run_metadata);

Bytes all_of(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

void append(Bytes bytes, Buffer& out) { out.insert(out.end(), bytes.data, bytes.end()); }

void append_varint(uint64_t value, Buffer& out) {
  uint8_t room[10];
  Pen pen(room);
  pen.varint(value);
  out.insert(out.end(), room, pen.at());
}

void append_field(uint32_t key, Bytes bytes, Buffer& out) {
  append_varint(key, out);
  append_varint(bytes.size, out);
  append(bytes, out);
}

void append_time(double time, Buffer& out) {
  uint8_t room[9];
  Pen pen(room);
  pen.byte(kWallTime);
  pen.fixed(time);
  out.insert(out.end(), room, pen.at());
}

void append_step(int64_t step, Buffer& out) {
  append_varint(kStep, out);
  append_varint(static_cast<uint64_t>(step), out);
}

void append_record(Bytes payload, Buffer& out) {
  const Crc32c& crc = crc32c();
  const size_t start = out.size();
  out.resize(start + kHeaderSize + payload.size + kFooterSize);
  Pen pen(out.data() + start);
  pen.fixed(static_cast<uint64_t>(payload.size));
  pen.fixed(mask(crc.of8(payload.size)));
  pen.bytes(payload);
  pen.fixed(mask(crc.of(payload.data, payload.size)));
}

// The field that the cursor has just passed, as it stands.
Bytes field_at(const uint8_t* begin, const Cursor& cursor) {
  return {begin, static_cast<size_t>(cursor.position() - begin)};
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
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

Buffer& lane_of(Rewritten& made, uint32_t lane) {
  for (auto& [number, buffer] : made.lanes) {
    if (number == lane) return buffer;
  }
  return made.lanes.emplace_back(lane, Buffer()).second;
}

}  // namespace

void Rewriter::set_tag(const std::string& tag, TagPlan plan) {
  tags_.insert_or_assign(tag, std::move(plan));
}

bool Rewriter::set_limit(const std::string& tag, std::optional<int64_t> limit) {
  const auto known = tags_.find(tag);
  if (known == tags_.end()) return false;
  known->second.limit = limit;
  return true;
}

void Rewriter::begin_files() {
  for (auto& [name, tag] : tags_) tag.is_told = false;
}

Rewritten Rewriter::run(Bytes window, size_t begin, bool answered, size_t most) {
  Rewritten made;
  size_t at = begin;
  size_t copied = begin;  // what stands before it is in the lane, or was dropped
  const auto stop = [&](RewriteStop why) {
    made.stop = why;
    made.offset = at;
    if (made.is_changed) append({window.data + copied, at - copied}, lane_of(made, 0));
    return std::move(made);
  };
  size_t bytes = 0;  // that stay
  while (at < window.size) {
    if (bytes >= most) return stop(RewriteStop::full);
    const size_t left = window.size - at;
    const uint64_t length = left < kHeaderSize ? UINT64_MAX : load<uint64_t>(window.data + at);
    if (length > kMaxLength || kHeaderSize + length + kFooterSize > left) {
      return stop(RewriteStop::broken);
    }
    const Bytes payload{window.data + at + kHeaderSize, static_cast<size_t>(length)};
    const Bytes record{window.data + at, kHeaderSize + payload.size + kFooterSize};
    // What is not changed waits to be copied in one piece, once something is.
    lanes_.clear();
    const std::optional<RewriteStop> why = edit(payload, answered);
    if (why) return stop(*why);
    answered = false;
    at += record.size;
    const bool stays = lanes_.size() == 1 && lanes_[0] == 0 && scratch_.empty();
    if (stays) {
      bytes += record.size;
      continue;
    }
    append({window.data + copied, at - record.size - copied}, lane_of(made, 0));
    copied = at;
    made.is_changed = true;
    for (const uint32_t lane : lanes_) {
      Buffer& out = lane_of(made, lane);
      const size_t before = out.size();
      if (lanes_.size() > 1) write(payload, lane, scratch_);
      if (scratch_.empty()) {
        append(record, out);
      } else {
        append_record(all_of(scratch_), out);
      }
      bytes += out.size() - before;
    }
  }
  return stop(RewriteStop::end);
}

// Finds out to which lanes the event goes (none: it is dropped), and if it is to one, puts it into
// `scratch_` unless it stays as it is.
std::optional<RewriteStop> Rewriter::edit(Bytes payload, bool answered) {
  scratch_.clear();
  fates_.clear();
  if (!parse_event(payload, event_)) return RewriteStop::broken;
  const FieldId field = event_.what.field();
  if (!event_.is_summary && (plan.asked & bit(field)) != 0 && !answered) return RewriteStop::asked;
  is_dated_ = event_.is_summary || (kDated & bit(field)) != 0;
  step_ = event_.step;
  if (is_dated_ && !step_of(step_)) return RewriteStop::overflow;
  if (event_.is_summary) {
    if (const auto why = judge(event_.what.bytes())) return why;
  }
  bool is_changed = step_ != event_.step || plan.time_shift != 0;
  if (fates_.empty()) {
    if (!is_dated_ || is_in_range()) lanes_.push_back(0);
  }
  for (const Fate& fate : fates_) {
    is_changed |= !fate.is_kept || fate.needs_metadata || fate.tag->is_renamed;
    if (!fate.is_kept) {
      counts_.dropped_values += fate.count;
      continue;
    }
    counts_.values += fate.count;
    if (std::find(lanes_.begin(), lanes_.end(), fate.tag->lane) == lanes_.end()) {
      lanes_.push_back(fate.tag->lane);
    }
  }
  if (lanes_.empty()) {
    ++counts_.dropped_events;
    return {};
  }
  counts_.events += lanes_.size();
  if (is_changed && lanes_.size() == 1) write(payload, lanes_[0], scratch_);
  counts_.changed += lanes_.size() > 1 ? lanes_.size() : is_changed;
  return {};
}

// False if the new step does not fit. Multiplier and divisor are positive and below 2^31.
bool Rewriter::step_of(int64_t& step) const {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  const int64_t whole = step / plan.divisor;
  if (whole > kMost / plan.multiplier || whole < kLeast / plan.multiplier) return false;
  const int64_t rest = step % plan.divisor * plan.multiplier;
  int64_t more = rest / plan.divisor;
  if (rest % plan.divisor < 0) --more;
  const auto add = [&](int64_t one, int64_t other, int64_t& sum) {
    if (other > 0 ? one > kMost - other : one < kLeast - other) return false;
    sum = one + other;
    return true;
  };
  return add(whole * plan.multiplier, more, step) && add(step, plan.shift, step);
}

bool Rewriter::is_in_range() const {
  const double time = event_.wall_time;
  return (!plan.first_step || event_.step >= *plan.first_step) &&
         (!plan.end_step || event_.step < *plan.end_step) &&
         (!plan.first_time || time >= *plan.first_time) &&
         (!plan.end_time || time < *plan.end_time);
}

// What becomes of each value of the event.
std::optional<RewriteStop> Rewriter::judge(Bytes summary) {
  const bool in_range = is_in_range();
  Cursor fields(summary);
  while (fields.next()) {
    if (fields.key() != kValue) continue;
    if (!parse_value(fields.bytes(), value_)) return RewriteStop::broken;
    const auto known = tags_.find(value_.tag.text());
    if (known == tags_.end()) return RewriteStop::unknown;
    TagPlan& tag = known->second;
    const bool in_time = tag.is_whole || (in_range && (!tag.limit || event_.step < *tag.limit));
    Fate fate{&tag, in_time && is_kept(tag, value_), false, 1};
    if (value_.has_metadata) {
      if (!tag.has_metadata) {
        tag.metadata = value_.metadata.bytes().text();
        tag.has_metadata = true;
      }
      tag.is_told |= fate.is_kept;
    } else if (fate.is_kept && tag.has_metadata && !tag.is_told) {
      fate.needs_metadata = tag.is_told = true;
    }
    Fate* const last = fates_.empty() ? nullptr : &fates_.back();
    if (last != nullptr && last->tag == fate.tag && last->is_kept == fate.is_kept &&
        last->needs_metadata == fate.needs_metadata) {
      ++last->count;
    } else {
      fates_.push_back(fate);
    }
  }
  return fields.ok() ? std::nullopt : std::optional(RewriteStop::broken);
}

bool Rewriter::is_kept(const TagPlan& tag, const Value& value) const {
  if (tag.exceptions.empty()) return tag.is_kept;
  const FieldId field = value.what.field();
  const std::string plugin =
      value.has_metadata ? plugin_name_of(value.metadata.bytes()) : std::string();
  for (const auto& [which, kept] : tag.exceptions) {
    if (which.first == field && which.second == plugin) return kept;
  }
  return tag.is_kept;
}

// Appends the event, with those of its values that go to the lane.
void Rewriter::write(Bytes payload, uint32_t lane, Buffer& out) {
  out.clear();
  bool has_step = false;
  bool has_time = false;
  Place next;
  const uint8_t* const summaries = summaries_of(payload);
  Cursor cursor(payload);
  for (const uint8_t* begin = payload.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() == kStep && step_ != event_.step) {
      append_step(step_, out);
      has_step = true;
    } else if (cursor.key() == kWallTime && plan.time_shift != 0) {
      append_time(event_.wall_time + plan.time_shift, out);
      has_time = true;
    } else if (cursor.key() == kSummary && event_.is_summary && begin >= summaries) {
      write_summary(cursor.bytes(), lane, next, out);
    } else {
      append(field_at(begin, cursor), out);
    }
  }
  if (step_ != event_.step && !has_step) append_step(step_, out);
  if (plan.time_shift != 0 && !has_time) {
    append_time(event_.wall_time + plan.time_shift, out);
  }
}

const Rewriter::Fate& Rewriter::take(Place& next) const {
  const Fate& fate = fates_[next.fate];
  if (++next.passed == fate.count) next = {next.fate + 1, 0};
  return fate;
}

void Rewriter::write_summary(Bytes summary, uint32_t lane, Place& next, Buffer& out) {
  summary_.clear();
  Cursor cursor(summary);
  for (const uint8_t* begin = summary.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() != kValue) {
      append(field_at(begin, cursor), summary_);
      continue;
    }
    const Fate& fate = take(next);
    if (!fate.is_kept || fate.tag->lane != lane) continue;
    if (fate.needs_metadata || fate.tag->is_renamed) {
      write_value(cursor.bytes(), fate);
      append_field(kValue, all_of(one_), summary_);
    } else {
      append(field_at(begin, cursor), summary_);
    }
  }
  append_field(kSummary, all_of(summary_), out);
}

void Rewriter::write_value(Bytes value, const Fate& fate) {
  one_.clear();
  const Bytes name = bytes_of(fate.tag->name);
  bool is_named = !fate.tag->is_renamed;
  Cursor cursor(value);
  for (const uint8_t* begin = value.data; cursor.next(); begin = cursor.position()) {
    if (cursor.key() == kTag && fate.tag->is_renamed) {
      if (!is_named) append_field(kTag, name, one_);
      is_named = true;
    } else {
      append(field_at(begin, cursor), one_);
    }
  }
  if (!is_named) append_field(kTag, name, one_);
  if (fate.needs_metadata) append_field(kMetadata, bytes_of(fate.tag->metadata), one_);
}

}  // namespace tbtools
