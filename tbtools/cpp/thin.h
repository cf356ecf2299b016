// Fewer points of the same shape: series of scalars, thinned while they stream by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytes.h"

namespace tbtools {

enum class Thinning { lttb, minmax, m4, stride, mean, reservoir };

// Numbers of eight bytes in memory of somebody else's, wherever it begins.
template <class T>
class NumbersOf {
 public:
  NumbersOf() = default;
  explicit NumbersOf(Bytes bytes) : data_(bytes.data), size_(bytes.size / sizeof(T)) {}

  T operator[](size_t i) const { return load<T>(data_ + i * sizeof(T)); }
  size_t size() const { return size_; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

struct ThinPoint {
  int64_t row = 0;  // of all that were added; of a mean, that of the middle of its bucket
  int64_t step = 0;
  double wall_time = 0;
  double value = 0;
};

// Columns of the points that stay, in the order of their rows.
struct Thinned {
  std::vector<int64_t> series;
  std::vector<int64_t> row;
  std::vector<int64_t> step;
  std::vector<double> wall_time;
  std::vector<double> value;
};

// Leaves at most `points` of each series, in two passes: every row is counted, then every row is
// added in the same order. Between two rows of a series may be any of others.
//
// A series is two: that of its finite values, which the method thins, and that of all others. Of
// these, a quarter of the points or as many as the finite leave free stay, evenly spaced, the first
// and the last at least; so no spike is hidden by an infinity, and no NaN is lost among numbers.
// docs/design.md has the reasons, and tests/thinning_oracle.py the same in plain Python.
//
// Memory: what stays, and for lttb two buckets of each series that is not complete.
class Thinner {
 public:
  Thinner(Thinning method, size_t points) : method_(method), points_(points) {}

  // Null if all is well, else what is wrong; then the Thinner is of no further use.
  const char* count(NumbersOf<int64_t> series, NumbersOf<double> value);
  const char* begin(const std::vector<uint64_t>& seeds, const std::vector<size_t>& groups);
  const char* add(NumbersOf<int64_t> series, NumbersOf<int64_t> step, NumbersOf<double> wall_time,
                  NumbersOf<double> value);

  // What stays of the groups of which every row was added, group by group; then it is forgotten.
  Thinned take();

  // The same for what has no value: rows of which those with the index 0 begin an event, and the
  // others belong to the one before. Without an index, each is an event.
  const char* count_events(NumbersOf<int64_t> series, NumbersOf<int64_t> index, bool has_index);
  const char* keep_events(NumbersOf<int64_t> series, NumbersOf<int64_t> index, bool has_index,
                          std::vector<int64_t>& rows);

  // How many values that are not finite do not stay.
  uint64_t dropped_odd() const;

 private:
  // Which of `count` places stay, evenly spaced, the first and the last among them.
  struct Stride {
    uint64_t count = 0, kept = 0, done = 0, next = 0;

    void plan(uint64_t of, uint64_t stay);
    bool take(uint64_t place);
  };

  struct Series {
    uint64_t finite = 0, odd = 0;      // rows, as they were counted
    uint64_t at = 0, odd_at = 0;       // those that were added
    Thinning method = Thinning::stride;
    Stride stride, odd_stride;
    uint64_t random = 0, needed = 0;   // of a reservoir
    uint64_t buckets = 0, bucket = 0, bucket_begin = 0, bucket_end = 0;
    ThinPoint first, last, low, high;  // of the bucket
    int64_t origin = 0;                // lttb: the first step, from which steps are counted
    double value_sum = 0, scaled_sum = 0, step_sum = 0, time_sum = 0;
    ThinPoint anchor;                  // lttb: what was chosen of the bucket before `pending`
    std::vector<ThinPoint> pending, current;
    std::vector<ThinPoint> kept;
    size_t group = 0;
    bool keeps_event = false;
  };

  struct Rows {
    NumbersOf<int64_t> step;
    NumbersOf<double> wall_time, value;
    int64_t first = 0;

    ThinPoint operator[](size_t i) const {
      return {first + static_cast<int64_t>(i), step[i], wall_time[i], value[i]};
    }
  };

  void plan(Series& series, uint64_t seed) const;
  uint64_t odd_kept(const Series& series) const;
  uint64_t end_of(const Series& series, uint64_t bucket) const;
  bool chosen(Series& series) const;
  void add_finite(Series& series, const Rows& rows, size_t begin, size_t end) const;
  void look(Series& series, const Rows& rows, size_t begin, size_t end) const;
  void close_bucket(Series& series) const;
  void choose_of_pending(Series& series) const;

  Thinning method_;
  size_t points_;
  int64_t added_ = 0;
  std::vector<Series> series_;
  std::vector<uint64_t> left_;                // rows of each group
  std::vector<std::vector<size_t>> members_;  // series of each group
  std::vector<size_t> complete_;              // groups
};

}  // namespace tbtools
