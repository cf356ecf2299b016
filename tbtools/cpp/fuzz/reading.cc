#include "reading.h"

#include <algorithm>
#include <bit>

#include "check.h"
#include "frame.h"
#include "utf8.h"

namespace tbtools {
namespace {

Loss loss_of(Stop stop) {
  if (stop == Stop::bad_event) return Loss::bad_event;
  return stop == Stop::bad_data ? Loss::bad_data : Loss::bad_length;
}

template <class Column>
bool is_null(const Column& column, size_t i) {
  const uint8_t* bits = column.validity().data();
  return bits != nullptr && (bits[i / 8] >> (i % 8) & 1) == 0;
}

uint64_t bits_of(double value) { return value != value ? 1 : std::bit_cast<uint64_t>(value); }

void append_points(const Batch& batch, size_t begin, size_t end, std::vector<ReadValue>& values) {
  const Points& points = batch.points;
  for (size_t i = begin; i < end; ++i) {
    const size_t tag = static_cast<size_t>(points.tag()[i]);
    CHECK(tag < batch.tags.size());
    values.push_back({points.offset()[i], points.step()[i], bits_of(points.wall_time()[i]), -1,
                      std::string(batch.tags[tag].text()), "", "", bits_of(points.value()[i]), 0});
  }
}

// Points and rows in the order of the file.
void append_values(const Batch& batch, std::vector<ReadValue>& values) {
  const Rows& rows = batch.rows;
  size_t points = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t before = static_cast<size_t>(rows.points_before[i]);
    CHECK(points <= before && before <= batch.points.size());
    append_points(batch, points, before, values);
    points = before;
    const bool no_tag = is_null(rows.tag, i);
    const bool no_metadata = is_null(rows.metadata, i);
    const size_t tag = static_cast<size_t>(rows.tag.data()[i]);
    const size_t metadata = static_cast<size_t>(rows.metadata.data()[i]);
    CHECK(no_tag || tag < batch.tags.size());
    CHECK(no_metadata || metadata < batch.metadata.size());
    values.push_back(
        {rows.offset[i], rows.step[i], bits_of(rows.wall_time[i]), rows.field[i],
         std::string(no_tag ? "" : batch.tags[tag].text()),
         std::string(no_metadata ? "" : batch.metadata[metadata].text()),
         std::string(rows.payload[i].text()), bits_of(rows.value.data()[i]),
         no_tag | no_metadata << 1 | is_null(rows.payload, i) << 2 | is_null(rows.value, i) << 3});
  }
  append_points(batch, points, batch.points.size(), values);
}

// What must be true of any batch.
void check(const Batch& batch, Bytes window, size_t begin, const Options& options) {
  const uint64_t from = options.position + begin;
  const uint64_t end = options.position + window.size;
  CHECK(from <= batch.offset && batch.offset <= end);
  CHECK(batch.stop == Stop::lost || (from <= batch.found && batch.found <= batch.offset));
  CHECK(batch.stop == Stop::cut || batch.stop == Stop::full || batch.skip_to > batch.offset ||
        (batch.stop == Stop::end && batch.offset == end) ||
        (batch.stop == Stop::lost && window.size - begin < kHeaderSize));
  CHECK((batch.stop == Stop::cut) == (batch.need > 0));
  CHECK(batch.stop != Stop::cut || batch.need > end - batch.offset);
  CHECK((batch.stop == Stop::unwanted) == (batch.unread > 0));
  CHECK(batch.stop != Stop::unwanted || batch.skip_to == batch.offset + batch.unread);
  CHECK(batch.framed || batch.stop == Stop::bad_data || batch.stop == Stop::bad_length);
  CHECK(batch.stop == Stop::lost || !batch.lost);
  CHECK(options.salvage || (!batch.lost && batch.damages.bytes == 0));
  CHECK(batch.resume == 0 || batch.stop == Stop::full);
  uint64_t damaged = 0;
  uint64_t behind = from;
  for (size_t i = 0; i < batch.damages.offset.size(); ++i) {
    const uint64_t offset = static_cast<uint64_t>(batch.damages.offset[i]);
    CHECK(behind <= offset && batch.damages.size[i] > 0);
    behind = offset + static_cast<uint64_t>(batch.damages.size[i]);
    damaged += static_cast<uint64_t>(batch.damages.size[i]);
  }
  CHECK(behind <= end && damaged == batch.damages.bytes);
  CHECK(batch.points.has_offsets() == options.offsets);
  CHECK(batch.first_metadata.size() == batch.tags.size());
  for (size_t i = 0; i < batch.tags.size(); ++i) CHECK(is_utf8(batch.tags[i]));
}

}  // namespace

std::vector<ReadValue> values_of(const Batch& batch) {
  std::vector<ReadValue> values;
  append_values(batch, values);
  return values;
}

void NameLists::note(const Batch& batch) {
  for (size_t i = 0; i < batch.tags.size(); ++i) {
    if (is_null(batch.first_metadata, i)) continue;
    const Bytes metadata = batch.metadata[static_cast<size_t>(batch.first_metadata.data()[i])];
    const std::string plugin = plugin_name_of(metadata);
    const std::string tag(batch.tags[i].text());
    if (plugin.empty() || std::find(declared_.begin(), declared_.end(), tag) != declared_.end()) {
      continue;
    }
    declared_.push_back(tag);
    if (plugin == "scalars") scalars_.push_back(tag);
  }
}

// --- going on, as tbtools/files/scans.py does ----------------------------------------------------

std::shared_ptr<const Batch> FileReader::scan_at(Bytes file, uint64_t need) {
  CHECK(turn_ <= 8 * file.size + 64);  // else it does not get on
  const size_t wanted = cuts_.sizes[turn_++ % cuts_.sizes.size()];
  const uint64_t size =
      std::min<uint64_t>(std::max<uint64_t>({wanted, need, kHeaderSize}), file.size - at_);
  const size_t begin = static_cast<size_t>(std::min<uint64_t>(cuts_.before, at_));
  // A copy of its own, so that a byte read before or behind it does not go unseen.
  const std::vector<uint8_t> copy(file.data + at_ - begin, file.data + at_ + size);
  const Bytes window{copy.data(), copy.size()};
  const NameSet declared = names_.declared();
  const NameSet scalars = names_.scalars();
  options_.position = at_ - begin;
  options_.at_end = at_ + size == file.size;
  options_.search = lost_.has_value();
  options_.declared = &declared;
  options_.scalars = &scalars;
  std::shared_ptr<const Batch> batch = scan(window, begin, options_);
  check(*batch, window, begin, options_);
  options_.resume = batch->resume;
  return batch;
}

void FileReader::note(const Batch& batch) {
  append_values(batch, reading_.values);
  names_.note(batch);
  reading_.records += batch.records;
  if (lost_ && (batch.stop != Stop::lost || batch.lost)) {
    reading_.damages.push_back({lost_->first, batch.found - lost_->first, lost_->second});
    lost_.reset();
  }
  const Damages& damages = batch.damages;
  for (size_t i = 0; i < damages.offset.size(); ++i) {
    reading_.damages.push_back({static_cast<uint64_t>(damages.offset[i]),
                                static_cast<uint64_t>(damages.size[i]),
                                static_cast<Loss>(damages.kind[i])});
  }
}

void FileReader::read_on(Bytes file) {
  reading_.pending = 0;
  if (open_end_) reading_.damages.pop_back();
  open_end_ = false;
  uint64_t need = 0;
  bool more = true;
  while (more) {
    const std::shared_ptr<const Batch> batch = scan_at(file, need);
    note(*batch);
    more = go_on(*batch, file.size, need);
  }
}

// Moves to where the next scan begins. False if the end of the file is reached.
bool FileReader::go_on(const Batch& batch, uint64_t end, uint64_t& need) {
  need = 0;
  at_ = batch.offset;
  switch (batch.stop) {
    case Stop::end:
      return !options_.at_end;
    case Stop::full:
      return true;
    case Stop::unwanted:
      if (batch.skip_to > end) {
        reading_.pending = end - at_;
        return false;
      }
      at_ = batch.skip_to;
      return true;
    case Stop::lost:
      if (batch.lost) lost_.emplace(batch.offset, *batch.lost);
      at_ = batch.skip_to;
      if (options_.at_end) end_lost(end);
      return !options_.at_end;
    case Stop::cut:
      if (!options_.at_end) {
        need = batch.need;
        return true;
      }
      if (end - at_ < kHeaderSize) {
        reading_.pending = end - at_;
        return false;
      }
      lost_.emplace(at_, Loss::torn);
      at_ += kHeaderSize;
      return true;
    case Stop::bad_data:
    case Stop::bad_event:
    case Stop::bad_length:
      break;
  }
  const Loss why = loss_of(batch.stop);
  at_ = batch.skip_to;
  if (!batch.framed) {
    lost_.emplace(batch.offset, why);
    return true;
  }
  reading_.damages.push_back({batch.offset, at_ - batch.offset, why});
  if (why != Loss::bad_data || !options_.at_end || end - at_ >= kHeaderSize) return true;
  // Whether its length is right shows only when something follows.
  open_end_ = true;
  reading_.pending = end - at_;
  at_ = batch.offset;
  return false;
}

// No believable header up to the end of the file.
void FileReader::end_lost(uint64_t end) {
  const auto [begin, why] = *lost_;
  if (why == Loss::torn) {
    lost_.reset();
    at_ = begin;
    reading_.pending = end - begin;
    return;
  }
  // What follows the last eleven bytes may make a header of them, should the file grow.
  at_ = std::max(begin + 1, end - std::min<uint64_t>(end, kHeaderSize - 1));
  reading_.damages.push_back({begin, end - begin, why});
  open_end_ = true;
}

bool FileReader::gave_up_torn() const {
  return std::any_of(reading_.damages.begin(), reading_.damages.end(),
                     [](const Damage& damage) { return damage.kind == Loss::torn; });
}

Reading read(Bytes file, const Cuts& cuts, const Options& options) {
  FileReader reader(cuts, options);
  reader.read_on(file);
  return reader.reading();
}

}  // namespace tbtools
