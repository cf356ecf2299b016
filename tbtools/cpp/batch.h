// What a scan gives: columns, and why it ended.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "column.h"

namespace tbtools {

// Why a scan ended. What each says of going on is policy, and the caller's.
enum class Stop : uint8_t {
  end,         // every record of the window was read; the next one begins at skip_to
  cut,         // the window's end cuts off the record at `offset`, which is `need` bytes long
  unwanted,    // the same, but nobody wants the record: the next one begins at skip_to
  full,        // the batch is full; go on at `offset`, with `resume`
  bad_data,    // the data CRC is wrong; if `framed`, it costs this record and no more
  bad_event,   // both CRCs are right but the payload is not an Event; the same
  bad_length,  // the header is wrong: where the next record begins is unknown
  lost,        // no believable header was found; search on from skip_to
};

// Scalars that need no second look: simple_value, and one-element numeric tensors whose plugin is
// scalars.
class Points {
 public:
  explicit Points(bool has_offsets = false) : has_offsets_(has_offsets) {}

  TBTOOLS_INLINE void push(int32_t tag, int64_t step, double wall_time, double value,
                           int64_t offset) {
    if (size_ == capacity_) reserve(capacity_ == 0 ? 64 : 2 * capacity_);
    if (has_offsets_) offset_.set(size_, offset);
    tag_.set(size_, tag);
    step_.set(size_, step);
    wall_time_.set(size_, wall_time);
    value_.set(size_, value);
    ++size_;
  }
  TBTOOLS_NOINLINE void reserve(size_t rows);
  // For the end: whoever keeps the points shall not keep the room for more.
  void shrink();

  // For a loop that pushes by itself, as far as there is room, and then says the new size.
  struct Room {
    int64_t* offset;
    int32_t* tag;
    int64_t* step;
    double* wall_time;
    double* value;
    size_t size;
    size_t capacity;
  };
  Room room() {
    return {offset_.data(), tag_.data(), step_.data(), wall_time_.data(),
            value_.data(),  size_,       capacity_};
  }
  void set_size(size_t size) { size_ = size; }

  size_t size() const { return size_; }
  bool has_offsets() const { return has_offsets_; }
  const int64_t* offset() const { return offset_.data(); }  // of the record in the file
  const int32_t* tag() const { return tag_.data(); }
  const int64_t* step() const { return step_.data(); }
  const double* wall_time() const { return wall_time_.data(); }
  const double* value() const { return value_.data(); }

 private:
  template <class Each>
  void each_column(Each each);

  bool has_offsets_;
  Column<int64_t> offset_;
  Column<int32_t> tag_;
  Column<int64_t> step_;
  Column<double> wall_time_;
  Column<double> value_;
  size_t size_ = 0;  // one count and one comparison per row instead of five
  size_t capacity_ = 0;
};

// Everything else, a row per Summary.Value or per other Event.
struct Rows {
  Column<int64_t> offset;  // of the record in the file
  Nullable<int32_t> tag;   // null: not of a Summary
  Column<int64_t> step;
  Column<double> wall_time;
  Column<int8_t> field;
  Nullable<int32_t> metadata;     // number of its SummaryMetadata; null: none came with it
  Nullable<double> value;         // of a one-element numeric tensor whose plugin is not known yet
  Strings payload;                // null: not asked for, or the field has none
  Column<int64_t> points_before;  // how many Points came before this row

  size_t size() const { return offset.size(); }
  void truncate(size_t size);
};

// Why a stretch of a file could not be read.
enum class Loss : uint8_t {
  bad_data,    // the data CRC is wrong
  bad_event,   // both CRCs are right but the payload is not an Event
  bad_length,  // the header is wrong
  torn,        // the file ends inside the record, but a believable header stands in what is there
};

// The order is that of Loss.
constexpr std::array<std::string_view, 4> kLossNames = {"bad_data", "bad_event", "bad_length",
                                                        "torn"};

// Stretches that a scan stepped over, in the order of the file.
struct Damages {
  Column<int64_t> offset;  // in the file
  Column<int64_t> size;
  Column<int8_t> kind;  // a Loss
  uint64_t bytes = 0;   // of all

  void push(uint64_t at, uint64_t length, Loss why) {
    offset.push(static_cast<int64_t>(at));
    size.push(static_cast<int64_t>(length));
    kind.push(static_cast<int8_t>(why));
    bytes += length;
  }
};

// What is small whatever the rows hold. It is exported on its own: somebody who keeps a few points
// must not keep the pictures that were written between them.
struct Small {
  explicit Small(bool has_offsets) : points(has_offsets) {}

  Points points;
  Column<int32_t> file_of_points;  // of a group: the number of each point's file
  Strings tags;      // names, by number
  Strings metadata;  // distinct SummaryMetadata, by number
};

// An event whose Summary has no values, so that it gives no row.
struct EmptySummary {
  uint64_t offset;  // of the record in the file
  int64_t step;
  double wall_time;
};

// Where a scan ended, and how much it read.
struct Ending {
  Stop stop = Stop::end;
  bool framed = true;        // the next record begins at skip_to (else: search from there)
  std::optional<Loss> lost;  // if it stopped as lost, why, unless it did nothing but search
  uint64_t resume = 0;   // if it is full inside a record: how much of its Summary was told
  uint64_t offset = 0;   // of the record that stopped the scan; else as skip_to
  uint64_t skip_to = 0;  // where to go on if that record is given up
  uint64_t need = 0;     // bytes from `offset` that have to be in the window to get further
  uint64_t found = 0;    // where the first record of this scan began
  uint64_t records = 0;  // good records read
  uint64_t unread = 0;   // bytes stepped over
};

struct Batch : Ending {
  explicit Batch(bool has_offsets) : small(std::make_shared<Small>(has_offsets)) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  std::shared_ptr<Small> small;
  Points& points = small->points;
  Strings& tags = small->tags;
  Strings& metadata = small->metadata;
  Rows rows;
  std::vector<EmptySummary> empty_summaries;
  Damages damages;  // only with Options::salvage

  // By file (a scan has one): the first, null if there is none.
  Strings file_version;
  Strings source_metadata;  // of whatever event
  // By file and tag: its number, and its first metadata that names a plugin, else the first.
  Column<int32_t> told_tags;
  Nullable<int32_t> first_metadata;

  bool has_metadata() const { return metadata.size() > 0; }
};

// Where the rows of a file end in those of a group.
struct FileEnd {
  size_t points = 0;
  size_t rows = 0;
  size_t empty_summaries = 0;
  size_t told_tags = 0;
  uint64_t records = 0;
  bool whole = false;  // else it gave no rows, and has to be read by itself
};

// Small files that were scanned one after the other into one batch.
struct Group {
  explicit Group(bool has_offsets) : batch(has_offsets) {}

  Batch batch;  // its Ending says nothing
  std::vector<FileEnd> files;
  Column<int32_t> file_of_rows;  // by row: the number of its file
  Column<int32_t> file_of_told_tags;
};

}  // namespace tbtools
