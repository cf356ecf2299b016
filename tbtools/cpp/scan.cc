#include "scan.h"

#include <algorithm>
#include <optional>

#include "claims.h"
#include "frame.h"
#include "values.h"

namespace tbtools {

namespace {

// A batch never holds more bytes than were scanned for it, and Arrow's offsets have 32 bits.
constexpr uint64_t kMaxScan = 0x7FFFFFFF;

class Scanner {
 public:
  Scanner(Bytes window, const Options& options, Batch& batch, Dictionaries& dictionaries)
      : window_(window),
        options_(options),
        crc_(*options.crc),
        batch_(batch),
        values_(batch, dictionaries, options),
        claims_(crc_, window) {}

  void run(size_t at) {
    read(at);
    values_.finish();
  }

 private:
  uint64_t position_of(size_t at) const { return options_.position + at; }

  bool stop(Stop why, size_t at, uint64_t skip_to, uint64_t need = 0) {
    batch_.stop = why;
    batch_.offset = position_of(at);
    batch_.skip_to = skip_to;
    batch_.need = need;
    return false;
  }

  // Each step reads a record, or steps over what is damaged, and moves `at` behind it. False: stop()
  // says why.
  void read(size_t at) {
    if (options_.search && !search(at)) return;
    batch_.found = position_of(at);
    begin_ = at;
    if (options_.resume > 0 && !read_rest(at)) return;
    while (window_.size - at >= kHeaderSize && step(at)) {
    }
    if (batch_.stop != Stop::end) return;
    if (at == window_.size) {
      stop(Stop::end, at, position_of(at));
    } else {
      stop(Stop::cut, at, position_of(at), kHeaderSize);
    }
  }

  bool step(size_t& at) {
    if (crc_.has_hardware && may_repeat(values_.tags(), window_, at)) {
      const Bytes most{window_.data, std::min<size_t>(window_.size, begin_ + kMaxScan)};
      at = read_repeats(most, at, options_.position, values_.tags(), batch_.points,
                        batch_.records);
      if (window_.size - at < kHeaderSize) return true;
    }
    const std::optional<uint64_t> length = read_header(crc_, window_.data + at);
    if (!length) {
      batch_.framed = false;
      return lose(at, at + 1, Stop::bad_length, Loss::bad_length);
    }
    const uint64_t size = kHeaderSize + *length + kFooterSize;
    if (size > window_.size - at) return step_over_cut(at, *length);
    if (is_full() || (at > begin_ && at - begin_ + size > kMaxScan)) {
      return stop(Stop::full, at, position_of(at));
    }
    const Bytes payload{window_.data + at + kHeaderSize, static_cast<size_t>(*length)};
    const size_t next = at + static_cast<size_t>(size);
    if (!claims_.data_is_good(payload)) return step_over_bad_data(at, next);
    if (!values_.read(payload, position_of(at))) {
      if (!options_.salvage) return stop(Stop::bad_event, at, position_of(next));
      batch_.damages.push(position_of(at), size, Loss::bad_event);
      at = next;
      return true;
    }
    return go_behind(at, next);
  }

  bool go_behind(size_t& at, size_t next) {
    if (values_.resume() > 0) {
      batch_.resume = values_.resume();
      return stop(Stop::full, at, position_of(at));
    }
    ++batch_.records;
    at = next;
    return true;
  }

  // The rest of a record of which the scan before told the beginning: its caller's word is taken
  // for what was checked then, but not for where anything lies.
  bool read_rest(size_t& at) {
    const size_t left = window_.size - at;
    const uint64_t length = left < kHeaderSize ? UINT64_MAX : load<uint64_t>(window_.data + at);
    if (length > kMaxLength || kHeaderSize + length + kFooterSize > left) return true;
    const Bytes payload{window_.data + at + kHeaderSize, static_cast<size_t>(length)};
    values_.read_rest(payload, position_of(at), options_.resume);
    return go_behind(at, at + kHeaderSize + payload.size + kFooterSize);
  }

  bool is_full() const {
    return batch_.rows.size() >= options_.most_rows ||
           batch_.damages.offset.size() >= kMostDamages;
  }

  // --- damage: docs/format.md says what each costs ----------------------------------------------

  // Moves to the next believable header. False if there is none in the window.
  bool search(size_t& at) {
    if (const std::optional<size_t> header = find_header(crc_, window_, at)) {
      at = *header;
      return true;
    }
    // A header may begin in the last bytes and be completed by the next window.
    const size_t rest = options_.at_end ? 0 : kHeaderSize - 1;
    const size_t searched = std::max(at, window_.size > rest ? window_.size - rest : 0);
    return stop(Stop::lost, at, position_of(searched));
  }

  // Where the next record begins is unknown: it is searched for from `from` on.
  bool lose(size_t& at, size_t from, Stop why, Loss loss) {
    if (!options_.salvage) return stop(why, at, position_of(from));
    batch_.framed = true;
    const uint64_t begin = position_of(at);
    at = from;
    if (!search(at)) {
      batch_.offset = begin;
      batch_.lost = loss;
      return false;
    }
    batch_.damages.push(begin, position_of(at) - begin, loss);
    return true;
  }

  bool step_over_cut(size_t& at, uint64_t length) {
    const uint64_t size = kHeaderSize + length + kFooterSize;
    const size_t from = at + kHeaderSize;
    const bool is_torn = options_.at_end || position_of(at) + size > options_.file_end;
    if (options_.salvage && is_torn) return lose(at, from, Stop::cut, Loss::torn);
    CutValue value;
    if (options_.may_skip &&
        parse_cut_event({window_.data + from, std::min<size_t>(window_.size - from, length)},
                        length, value) &&
        !values_.wants(value)) {
      batch_.unread += size;
      return stop(Stop::unwanted, at, position_of(at) + size);
    }
    return stop(Stop::cut, at, position_of(at), size);
  }

  // If the length that the header claims is right, a header follows the record (or the file ends).
  // If not, bytes were lost or added, and intact records may stand inside what it claims.
  bool step_over_bad_data(size_t& at, size_t next) {
    const size_t left = window_.size - next;
    if (left < kHeaderSize && !options_.at_end) {
      return stop(Stop::cut, at, position_of(at), next - at + kHeaderSize);
    }
    batch_.framed = left < kHeaderSize || read_header(crc_, window_.data + next).has_value();
    if (!batch_.framed) return lose(at, at + kHeaderSize, Stop::bad_data, Loss::bad_data);
    // At the very end of a file, whether the length is right shows when something follows.
    if (!options_.salvage || left < kHeaderSize) {
      return stop(Stop::bad_data, at, position_of(next));
    }
    batch_.damages.push(position_of(at), next - at, Loss::bad_data);
    at = next;
    return true;
  }

  const Bytes window_;
  const Options options_;
  const Crc32c& crc_;
  Batch& batch_;
  ValueReader values_;
  Claims claims_;
  size_t begin_ = 0;  // of the first record
};

// A scalar's record is 40 bytes and more. Memory that is not written to costs nothing.
void reserve_points(Batch& batch, const Options& options, size_t bytes) {
  constexpr size_t kScalarRecord = 32;
  if ((options.fields & bit(FieldId::simple_value)) == 0) return;
  batch.points.reserve(std::max<size_t>(bytes / kScalarRecord, 64));
}

// Undoes what a file gave to a group.
void take_back(Batch& batch, const FileEnd& before, size_t files) {
  batch.points.set_size(before.points);
  batch.rows.truncate(before.rows);
  batch.empty_summaries.resize(before.empty_summaries);
  batch.told_tags.truncate(before.told_tags);
  batch.first_metadata.truncate(before.told_tags);
  batch.file_version.truncate(files);
  batch.source_metadata.truncate(files);
  batch.file_version.push_null();
  batch.source_metadata.push_null();
}

void push_number(Column<int32_t>& column, size_t upto, size_t number) {
  const size_t more = upto - column.size();
  std::fill_n(column.extend(more), more, static_cast<int32_t>(number));
}

}  // namespace

std::shared_ptr<const Batch> scan(Bytes window, size_t begin, const Options& options) {
  auto batch = std::make_shared<Batch>(options.offsets);
  Dictionaries dictionaries(*batch);
  reserve_points(*batch, options, window.size - begin);
  Scanner(window, options, *batch, dictionaries).run(begin);
  batch->points.shrink();
  return batch;
}

std::shared_ptr<const Group> scan_many(Bytes buffer, std::span<const Extent> extents,
                                       const Options& options) {
  auto group = std::make_shared<Group>(options.offsets);
  Batch& batch = group->batch;
  Dictionaries dictionaries(batch);
  reserve_points(batch, options, buffer.size);
  Options alone = options;
  alone.at_end = true;
  alone.most_rows = kMostRowsOfGroup;
  alone.salvage = alone.search = alone.may_skip = false;
  FileEnd end;
  for (const Extent& extent : extents) {
    static_cast<Ending&>(batch) = {};
    Scanner({buffer.data + extent.begin, extent.size}, alone, batch, dictionaries).run(0);
    const size_t number = group->files.size();
    end.whole = batch.stop == Stop::end;
    end.records = end.whole ? batch.records : 0;
    if (end.whole) {
      end.points = batch.points.size();
      end.rows = batch.rows.size();
      end.empty_summaries = batch.empty_summaries.size();
      end.told_tags = batch.told_tags.size();
    } else {
      take_back(batch, end, number);
    }
    push_number(batch.small->file_of_points, end.points, number);
    push_number(group->file_of_rows, end.rows, number);
    push_number(group->file_of_told_tags, end.told_tags, number);
    group->files.push_back(end);
  }
  batch.points.shrink();
  return group;
}

}  // namespace tbtools
