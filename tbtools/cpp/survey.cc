#include "survey.h"

#include <algorithm>
#include <cmath>

#include "utf8.h"
#include "wire.h"

namespace tbtools {
namespace {

// The tag that a graph_def has in TensorBoard.
constexpr std::string_view kRunGraph = "__run_graph__";

// Sequences of steps that are kept of one count.
constexpr size_t kMostSequences = 32;

// Steps of this size are never joined, so that no sum of them overflows.
constexpr int64_t kFar = int64_t{1} << 60;

void add_to(Count& count, uint64_t offset, int64_t step, double time) {
  if (count.points++ == 0) {
    count.first_step = count.min_step = count.max_step = step;
    count.first_time = count.min_time = count.max_time = time;
  } else if (step < count.last_step && count.falls++ == 0) {
    count.first_fall = offset;
  }
  if (!std::isfinite(time) && count.odd_times++ == 0) count.first_odd_time = offset;
  count.last_step = step;
  count.last_time = time;
  count.min_step = std::min(count.min_step, step);
  count.max_step = std::max(count.max_step, step);
  count.min_time = std::fmin(count.min_time, time);
  count.max_time = std::fmax(count.max_time, time);
  count.steps.add(step);
}

// SessionLog.status is START. Source of the field numbers: docs/format.md, "Event".
bool is_start(Bytes session_log) {
  constexpr int32_t kStart = 1;
  int32_t status = 0;
  Cursor fields(session_log);
  while (fields.next()) {
    if (fields.key() == key_of(1, Wire::varint)) status = static_cast<int32_t>(fields.number());
    const bool is_string =
        fields.key() == key_of(2, Wire::bytes) || fields.key() == key_of(3, Wire::bytes);
    if (is_string && !is_utf8(fields.bytes())) return false;
  }
  return fields.ok() && status == kStart;
}

// TaggedRunMetadata.tag; nothing if the message is malformed.
std::optional<Bytes> tag_of_run_metadata(Bytes message) {
  Bytes tag;
  Cursor fields(message);
  while (fields.next()) {
    if (fields.key() == key_of(1, Wire::bytes)) tag = fields.bytes();
  }
  if (!fields.ok() || !is_utf8(tag)) return std::nullopt;
  return tag;
}

}  // namespace

void Steps::add_other(int64_t step) {
  if (!is_regular_) return;
  if (step <= -kFar || step >= kFar || sequences_.size() == kMostSequences) {
    is_regular_ = false;
    sequences_ = {};
    return;
  }
  if (!sequences_.empty() && sequences_.back().count == 1) {
    Sequence& last = sequences_.back();
    stride_ = last.stride = step - last.first;
    last.count = 2;
  } else {
    stride_ = 0;  // until a second one comes; a step that is repeated goes on with it
    sequences_.push_back({step, 0, 1});
  }
  due_ = step + stride_;
}

size_t Survey::Hash::operator()(const Key& key) const {
  const uint64_t joined = static_cast<uint64_t>(static_cast<uint32_t>(key.tag)) << 32 ^
                          static_cast<uint64_t>(static_cast<uint32_t>(key.plugin)) << 8 ^
                          static_cast<uint64_t>(key.field);
  return static_cast<size_t>(joined * 0x9E37'79B9'7F4A'7C15u >> 16);
}

Survey::Numbers::Numbers(const Batch& of)
    : batch(of), tags(of.tags.size(), -1), plugins(of.metadata.size(), -1) {}

Survey::Survey() { plugin_of(""); }

void Survey::add(const Batch& batch) {
  if (files_.empty()) begin_file();
  Numbers numbers(batch);
  add(numbers, {0, batch.points.size(), 0, batch.rows.size(), 0, batch.empty_summaries.size()});
}

void Survey::add(const Group& group) {
  Numbers numbers(group.batch);
  FileEnd before;
  for (const FileEnd& end : group.files) {
    begin_file();
    add(numbers, {before.points, end.points, before.rows, end.rows, before.empty_summaries,
                  end.empty_summaries});
    before = end;
  }
}

void Survey::begin_file() {
  files_.emplace_back();
  looks_at_steps_ = true;
  is_marked_ = false;
  event_ = UINT64_MAX;
  begin_segment();
}

void Survey::begin_segment() {
  ++segment_;
  values_ = 0;
  others_.clear();
}

// Points, rows and empty Summaries in the order of the file.
void Survey::add(Numbers& numbers, Slice slice) {
  const Batch& batch = numbers.batch;
  const auto empties_up_to = [&](int64_t offset) {
    while (slice.empty < slice.empties &&
           static_cast<int64_t>(batch.empty_summaries[slice.empty].offset) < offset) {
      add_empty(batch.empty_summaries[slice.empty++]);
    }
  };
  const auto points_up_to = [&](size_t end) {
    const int64_t* const offset = batch.points.offset();
    while (slice.point < end) {
      size_t until = end;
      if (slice.empty < slice.empties) {
        empties_up_to(offset[slice.point]);
        if (slice.empty < slice.empties) {
          const auto next = static_cast<int64_t>(batch.empty_summaries[slice.empty].offset);
          until = static_cast<size_t>(
              std::lower_bound(offset + slice.point, offset + end, next) - offset);
        }
      }
      add_points(numbers, slice.point, until);
      slice.point = until;
    }
  };
  for (; slice.row < slice.rows; ++slice.row) {
    points_up_to(static_cast<size_t>(batch.rows.points_before[slice.row]));
    empties_up_to(batch.rows.offset[slice.row]);
    add_row(numbers, slice.row);
  }
  points_up_to(slice.points);
  empties_up_to(INT64_MAX);
}

void Survey::add_points(Numbers& numbers, size_t begin, size_t end) {
  const Points& points = numbers.batch.points;
  if (begin == end) return;
  for (size_t i = begin; i < end; ++i) {
    const int32_t tag = tag_of(numbers, points.tag()[i]);
    const auto offset = static_cast<uint64_t>(points.offset()[i]);
    add_to(points_of(tag), offset, points.step()[i], points.wall_time()[i]);
    if (looks_at_steps_) note(offset, points.step()[i], tag);
  }
  values_ += static_cast<int64_t>(end - begin);
  if (looks_at_steps_) return;
  event_ = static_cast<uint64_t>(points.offset()[end - 1]);
  is_marked_ = false;
  files_.back().last_step = points.step()[end - 1];
}

void Survey::add_row(Numbers& numbers, size_t row) {
  const Rows& rows = numbers.batch.rows;
  const auto field = static_cast<FieldId>(rows.field[row]);
  const auto offset = static_cast<uint64_t>(rows.offset[row]);
  const int64_t step = rows.step[row];
  FileSurvey& file = files_.back();
  const bool has_tag = rows.tag.valid(row);
  const int32_t tag = has_tag ? tag_of(numbers, rows.tag[row]) : -1;
  if (has_tag) {
    note(offset, step, tag);
  } else if (field == FieldId::graph_def) {
    note(offset, step,
         tag_of({reinterpret_cast<const uint8_t*>(kRunGraph.data()), kRunGraph.size()}));
  } else if (field == FieldId::tagged_run_metadata) {
    const std::optional<Bytes> name = tag_of_run_metadata(rows.payload[row]);
    note(offset, step, name ? tag_of(*name) : -1);
  } else if (field == FieldId::file_version) {
    const Bytes version = rows.payload[row];
    looks_at_steps_ = version.text() != "brain.Event:2";
    file.marks.push_back({.what = Mark::What::version,
                          .offset = offset,
                          .version = std::string(version.text())});
  } else if (field == FieldId::session_log && is_start(rows.payload[row])) {
    if (values_ > 0) {
      begin_segment();
      file.starts.push_back(offset);
    }
    file.marks.push_back({.what = Mark::What::start, .offset = offset, .step = step});
  }
  // Events without a Summary have their writer where values have metadata.
  const int32_t plugin =
      has_tag && rows.metadata.valid(row) ? plugin_of(numbers, rows.metadata[row]) : 0;
  add_to(count_of({tag, field, plugin}), offset, step, rows.wall_time[row]);
  // The event that opens a file belongs to no segment in particular.
  values_ += field != FieldId::file_version;
}

void Survey::add_empty(const EmptySummary& empty) {
  note(empty.offset, empty.step, -1);
  add_to(count_of({-1, FieldId::none, -1}, true), empty.offset, empty.step, empty.wall_time);
}

// An event with a Summary, and the tag of one of its values.
void Survey::note(uint64_t offset, int64_t step, int32_t tag) {
  FileSurvey& file = files_.back();
  if (offset != event_) {
    event_ = offset;
    is_marked_ = looks_at_steps_ && (!file.last_step || step < *file.last_step);
    if (is_marked_) {
      ++marks_;
      file.marks.push_back({.what = Mark::What::summary,
                            .offset = offset,
                            .step = step,
                            .before = file.last_step});
    }
    file.last_step = step;
  }
  if (!is_marked_ || tag < 0) return;
  Latest& named = points_[static_cast<size_t>(tag)];
  if (named.mark == marks_) return;  // an event may have millions of values
  named.mark = marks_;
  file.marks.back().tags.push_back(tag);
}

Count& Survey::points_of(int32_t tag) {
  std::vector<Count>& counts = files_.back().counts;
  Latest& latest = points_[static_cast<size_t>(tag)];
  if (latest.segment != segment_) {
    latest.segment = segment_;
    latest.count = counts.size();
    counts.push_back({.segment = static_cast<int32_t>(files_.back().starts.size()),
                      .tag = tag,
                      .field = FieldId::simple_value,
                      .plugin = 0});
  }
  return counts[latest.count];
}

Count& Survey::count_of(Key key, bool is_empty_summary) {
  std::vector<Count>& counts = files_.back().counts;
  // Few rows come alone: most are of the tag and form of the one before.
  if (latest_.segment == segment_ && latest_key_ == key) return counts[latest_.count];
  const auto [known, fresh] = others_.try_emplace(key, counts.size());
  if (fresh) {
    counts.push_back({.segment = static_cast<int32_t>(files_.back().starts.size()),
                      .tag = key.tag,
                      .field = key.field,
                      .plugin = std::max(key.plugin, 0),
                      .is_empty_summary = is_empty_summary});
  }
  latest_.segment = segment_;
  latest_.count = known->second;
  latest_key_ = key;
  return counts[known->second];
}

int32_t Survey::tag_of(Numbers& numbers, int32_t tag) {
  int32_t& number = numbers.tags[static_cast<size_t>(tag)];
  if (number < 0) number = tag_of(numbers.batch.tags[static_cast<size_t>(tag)]);
  return number;
}

int32_t Survey::tag_of(Bytes name) {
  const auto [known, fresh] =
      tags_.try_emplace(std::string(name.text()), static_cast<int32_t>(tag_names_.size()));
  if (fresh) {
    tag_names_.push_back(&known->first);
    points_.emplace_back();
  }
  return known->second;
}

int32_t Survey::plugin_of(Numbers& numbers, int32_t metadata) {
  int32_t& number = numbers.plugins[static_cast<size_t>(metadata)];
  if (number < 0) {
    number =
        plugin_of(plugin_name_of(numbers.batch.metadata[static_cast<size_t>(metadata)]));
  }
  return number;
}

int32_t Survey::plugin_of(const std::string& name) {
  const auto [known, fresh] =
      plugins_.try_emplace(name, static_cast<int32_t>(plugin_names_.size()));
  if (fresh) plugin_names_.push_back(&known->first);
  return known->second;
}

}  // namespace tbtools
