#include "rewrite.h"

#include <algorithm>

#include "frame.h"
#include "wire.h"

namespace tbtools {
namespace {

constexpr uint32_t kDated =
    bit(FieldId::session_log) | bit(FieldId::log_message) | bit(FieldId::tagged_run_metadata);

Buffer& lane_of(Rewritten& made, uint32_t lane) {
  for (auto& [number, buffer] : made.lanes) {
    if (number == lane) return buffer;
  }
  return made.lanes.emplace_back(lane, Buffer()).second;
}

}  // namespace

void Rewriter::set_tag(const std::string& tag, TagPlan plan) {
  tags_.insert_or_assign(tag, std::move(plan));  // what points to it from elsewhere stays right
}

TagPlan* Rewriter::find(Bytes tag) {
  if (last_ != nullptr) {
    auto* const follower = last_->second.follower;
    if (follower != nullptr && bytes_of(follower->first) == tag) {
      last_ = follower;
      return &follower->second;
    }
  }
  const auto known = tags_.find(tag.text());
  if (known == tags_.end()) return nullptr;
  if (last_ != nullptr) last_->second.follower = &*known;
  last_ = &*known;
  return &known->second;
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

// False if it has to go the long way. Else lanes and whether it is changed are known.
bool Rewriter::edit_plain(Bytes payload, PlainEvent& plain) {
  if (!read_plain_head(payload, plain) || plain.tag.size == 0) return false;
  Cursor rest(plain.rest);
  while (rest.next()) {
    if (rest.key() == kTagKey || rest.key() == kMetadataKey) return false;
  }
  if (!rest.ok()) return false;

  TagPlan* const tag = find(plain.tag);
  if (tag == nullptr || !tag->exceptions.empty() || (tag->has_metadata && !tag->is_told)) {
    return false;
  }
  event_.step = step_ = plain.step;
  if (!step_of(step_) || (plain.step_field == plain.step_end && step_ != 0)) return false;
  plain_ = tag;
  lanes_.clear();
  const bool in_time = tag->is_whole || (is_in_range(event_.step, plain.wall_time) &&
                                         (!tag->limit || event_.step < *tag->limit));
  if (!tag->is_kept || !in_time) {
    ++counts_.dropped_values;
    ++counts_.dropped_events;
    is_changed_ = true;
    return true;
  }
  lanes_.push_back(tag->lane);
  is_changed_ = tag->is_renamed || step_ != event_.step || plan.time_shift != 0;
  ++counts_.values;
  ++counts_.events;
  counts_.changed += is_changed_;
  return true;
}

Rewritten Rewriter::run(Bytes window, size_t begin, bool answered, size_t most) {
  Rewritten made;
  size_t at = begin;
  size_t copied = begin;  // what stands before it is in the lane, or was dropped
  // What is not changed waits to be copied in one piece, once something is.
  const auto catch_up = [&] {
    if (at == copied) return;
    lane_of(made, 0).append(window.data + copied, at - copied);
    copied = at;
  };
  const auto stop = [&](RewriteStop why) {
    made.stop = why;
    made.offset = at;
    if (made.is_changed) catch_up();
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
    PlainEvent plain;
    const bool is_plain = edit_plain(payload, plain);
    if (!is_plain) {
      if (const std::optional<RewriteStop> why = edit(payload, answered)) return stop(*why);
    }
    answered = false;
    if (!is_changed_ && lanes_.size() == 1 && lanes_[0] == 0) {
      bytes += record.size;
      at += record.size;
      continue;
    }
    catch_up();
    at += record.size;
    copied = at;
    made.is_changed = true;
    for (const uint32_t lane : lanes_) {
      Buffer& out = lane_of(made, lane);
      const size_t before = out.size();
      if (is_changed_ && is_plain) {
        write_plain(payload, plain, out);
      } else if (is_changed_) {
        write_record(payload, lane, out);
      } else {
        out.append(record.data, record.size);
      }
      bytes += out.size() - before;
    }
  }
  return stop(RewriteStop::end);
}

// Finds out to which lanes the event goes (none: it is dropped), and whether it is changed.
std::optional<RewriteStop> Rewriter::edit(Bytes payload, bool answered) {
  lanes_.clear();
  fates_.clear();
  if (!parse_event(payload, event_)) return RewriteStop::broken;
  const FieldId field = event_.what.field();
  if (!event_.is_summary && (plan.asked & bit(field)) != 0 && !answered) return RewriteStop::asked;
  is_dated_ = event_.is_summary || (kDated & bit(field)) != 0;
  step_ = event_.step;
  if (is_dated_ && !step_of(step_)) return RewriteStop::overflow;
  if (event_.is_summary && !is_in_messages(payload)) {
    is_changed_ = false;
    lanes_.push_back(0);
    ++counts_.events;
    return {};
  }
  if (event_.is_summary) {
    if (const auto why = judge(event_.what.bytes())) return why;
  }
  is_changed_ = step_ != event_.step || plan.time_shift != 0;
  if (fates_.empty()) {
    if (!is_dated_ || is_in_range(event_.step, event_.wall_time)) lanes_.push_back(0);
  }
  for (const Fate& fate : fates_) {
    is_changed_ |= !fate.is_kept || fate.needs_metadata || fate.tag->is_renamed;
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
  is_changed_ |= lanes_.size() > 1;
  counts_.events += lanes_.size();
  counts_.changed += is_changed_ ? lanes_.size() : 0;
  return {};
}

// False if the new step does not fit. Multiplier and divisor are positive and below 2^31.
bool Rewriter::step_of(int64_t& step) const {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  if (plan.multiplier == 1 && plan.divisor == 1 && plan.shift == 0) return true;
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

bool Rewriter::is_in_range(int64_t step, double time) const {
  return (!plan.first_step || step >= *plan.first_step) &&
         (!plan.end_step || step < *plan.end_step) &&
         (!plan.first_time || time >= *plan.first_time) &&
         (!plan.end_time || time < *plan.end_time);
}

// What becomes of each value of the event.
std::optional<RewriteStop> Rewriter::judge(Bytes summary) {
  const bool in_range = is_in_range(event_.step, event_.wall_time);
  Cursor fields(summary);
  while (fields.next()) {
    if (fields.key() != kValueKey) continue;
    if (!parse_value(fields.bytes(), value_)) return RewriteStop::broken;
    TagPlan* const known = find(value_.tag);
    if (known == nullptr) return RewriteStop::unknown;
    TagPlan& tag = *known;
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

}  // namespace tbtools
