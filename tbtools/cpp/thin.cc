#include "thin.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tbtools {
namespace {

constexpr uint64_t kFarthest = std::numeric_limits<uint64_t>::max();

// The sum of values that a double does not hold is one of them times this.
constexpr double kScale = 0x1p-64;

constexpr const char* kUnknown = "a series that was not counted";
constexpr const char* kTooMany = "more rows than were counted";

// A number in [0, 1), the same on every machine. Source: Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators" (2014), as in Vigna's splitmix64.c.
double next_random(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// How much later a step is than another; exact below 2^53, wherever both are.
double between(int64_t from, int64_t to) {
  const uint64_t by = static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  return to >= from ? static_cast<double>(by) : -static_cast<double>(0 - by);
}

int64_t moved(int64_t step, double by) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (std::abs(by) >= 0x1p62) {  // too far to be exact
    const double there = static_cast<double>(step) + by;
    return there >= 0x1p63 ? kMost : there <= -0x1p63 ? kLeast : static_cast<int64_t>(there);
  }
  const int64_t whole = std::llround(by);
  if (whole > 0 && step > kMost - whole) return kMost;
  if (whole < 0 && step < kLeast - whole) return kLeast;
  return step + whole;
}

size_t same_from(const NumbersOf<int64_t>& series, size_t begin) {
  size_t end = begin + 1;
  while (end < series.size() && series[end] == series[begin]) ++end;
  return end;
}

}  // namespace

void Thinner::Stride::plan(uint64_t of, uint64_t stay) {
  count = of;
  kept = std::min(of, stay);
  done = 0;
  next = kept == 0 ? kFarthest : 0;
}

bool Thinner::Stride::take(uint64_t place) {
  if (place != next) return false;
  ++done;
  next = done < kept ? done * (count - 1) / (kept - 1) : kFarthest;
  return true;
}

// --- counting ------------------------------------------------------------------------------------

const char* Thinner::count(NumbersOf<int64_t> series, NumbersOf<double> value) {
  if (value.size() != series.size()) return "columns of different lengths";
  for (size_t i = 0; i < series.size();) {
    const size_t end = same_from(series, i);
    // Series are numbered in the order in which they appear.
    if (series[i] < 0 || static_cast<uint64_t>(series[i]) > series_.size()) return kUnknown;
    const auto number = static_cast<size_t>(series[i]);
    if (number == series_.size()) series_.emplace_back();
    uint64_t finite = 0;
    for (size_t k = i; k < end; ++k) finite += std::isfinite(value[k]) ? 1 : 0;
    series_[number].finite += finite;
    series_[number].odd += (end - i) - finite;
    i = end;
  }
  return nullptr;
}

const char* Thinner::count_events(NumbersOf<int64_t> series, NumbersOf<int64_t> index,
                                  bool has_index) {
  if (has_index && index.size() != series.size()) return "columns of different lengths";
  for (size_t i = 0; i < series.size(); ++i) {
    if (series[i] < 0 || static_cast<uint64_t>(series[i]) > series_.size()) return kUnknown;
    const auto number = static_cast<size_t>(series[i]);
    if (number == series_.size()) series_.emplace_back();
    Series& each = series_[number];
    if (!has_index || index[i] == 0 || each.finite == 0) ++each.finite;
  }
  return nullptr;
}

// --- planning ------------------------------------------------------------------------------------

uint64_t Thinner::odd_kept(const Series& series) const {
  const uint64_t quarter = std::max<uint64_t>(2, points_ / 4);
  const uint64_t free = points_ > series.finite ? points_ - series.finite : 0;
  return std::min(series.odd, std::max(quarter, free));
}

const char* Thinner::begin(const std::vector<uint64_t>& seeds, const std::vector<size_t>& groups) {
  if (seeds.size() != series_.size() || groups.size() != series_.size()) {
    return "seeds and groups need an element for each of the series";
  }
  for (size_t i = 0; i < series_.size(); ++i) {
    if (groups[i] > left_.size()) return "groups have to be numbered in their order";
    if (groups[i] == left_.size()) {
      left_.push_back(0);
      members_.emplace_back();
    }
    series_[i].group = groups[i];
    left_[groups[i]] += series_[i].finite + series_[i].odd;
    members_[groups[i]].push_back(i);
    plan(series_[i], seeds[i]);
  }
  return nullptr;
}

void Thinner::plan(Series& series, uint64_t seed) const {
  const uint64_t odd = odd_kept(series);
  const uint64_t budget = points_ > odd ? points_ - odd : 0;
  series.odd_stride.plan(series.odd, odd);
  series.stride.plan(series.finite, budget);
  series.method = Thinning::stride;
  if (series.finite <= budget || budget < 2) return;
  series.random = seed;
  series.needed = budget - 2;
  const uint64_t size = method_ == Thinning::m4 ? 4 : method_ == Thinning::minmax ? 2 : 1;
  series.buckets = (method_ == Thinning::m4 ? budget : budget - 2) / size;
  if (series.buckets == 0) {
    series.stride.plan(series.finite, 2);
    return;
  }
  series.method = method_;
  series.bucket_end = end_of(series, 0);
}

// Buckets have equal numbers of points, whatever the steps: these may fall where a run was resumed.
// Those of m4 are `buckets`; others have one with the first point before them, and one with the
// last behind.
uint64_t Thinner::end_of(const Series& series, uint64_t bucket) const {
  const uint64_t count = series.finite;
  const auto part = [&](uint64_t of, uint64_t number) {
    const double every = static_cast<double>(of) / static_cast<double>(series.buckets);
    return static_cast<uint64_t>(std::floor(static_cast<double>(number) * every));
  };
  if (method_ == Thinning::m4) {
    return bucket + 1 >= series.buckets ? count : part(count, bucket + 1);
  }
  if (bucket > series.buckets) return count;
  // Only lttb takes what the rounding of its last bucket leaves to the one behind it, as published.
  if (bucket == series.buckets && method_ != Thinning::lttb) return count - 1;
  return part(count - 2, bucket) + 1;
}

// --- adding --------------------------------------------------------------------------------------

const char* Thinner::add(NumbersOf<int64_t> series, NumbersOf<int64_t> step,
                         NumbersOf<double> wall_time, NumbersOf<double> value) {
  if (step.size() != series.size() || wall_time.size() != series.size() ||
      value.size() != series.size()) {
    return "columns of different lengths";
  }
  const Rows rows{step, wall_time, value, added_};
  for (size_t i = 0; i < series.size();) {
    const size_t end = same_from(series, i);
    if (static_cast<uint64_t>(series[i]) >= series_.size()) return kUnknown;
    Series& each = series_[static_cast<size_t>(series[i])];
    if (each.group >= left_.size() || left_[each.group] < end - i) return kTooMany;
    for (size_t k = i; k < end;) {
      if (!std::isfinite(value[k])) {
        if (each.odd_at >= each.odd) return kTooMany;
        if (each.odd_stride.take(each.odd_at++)) each.kept.push_back(rows[k]);
        ++k;
        continue;
      }
      size_t odd = k + 1;
      while (odd < end && std::isfinite(value[odd])) ++odd;
      if (odd - k > each.finite - each.at) return kTooMany;
      add_finite(each, rows, k, odd);
      k = odd;
    }
    left_[each.group] -= end - i;
    if (left_[each.group] == 0) complete_.push_back(each.group);
    i = end;
  }
  added_ += static_cast<int64_t>(series.size());
  return nullptr;
}

// Whether the next of the finite values stays, if that does not depend on them. A reservoir is a
// sample without replacement of what is between the first and the last. Source: Knuth, The Art of
// Computer Programming 2, 3.4.2, algorithm S; since the number of rows is known, nothing that was
// chosen has to be given up again.
bool Thinner::chosen(Series& series) const {
  const uint64_t place = series.at++;
  if (series.method == Thinning::stride) return series.stride.take(place);
  if (place == 0 || place + 1 == series.finite) return true;
  const auto left = static_cast<double>(series.finite - 1 - place);
  if (next_random(series.random) * left >= static_cast<double>(series.needed)) return false;
  --series.needed;
  return true;
}

void Thinner::add_finite(Series& series, const Rows& rows, size_t begin, size_t end) const {
  if (series.method == Thinning::stride || series.method == Thinning::reservoir) {
    for (size_t i = begin; i < end; ++i) {
      if (chosen(series)) series.kept.push_back(rows[i]);
    }
    return;
  }
  while (begin < end) {
    const auto left = static_cast<size_t>(series.bucket_end - series.at);
    const size_t stop = begin + std::min(left, end - begin);
    look(series, rows, begin, stop);
    series.at += stop - begin;
    begin = stop;
    if (series.at == series.bucket_end) {
      close_bucket(series);
      ++series.bucket;
      series.bucket_begin = series.bucket_end;
      series.bucket_end = end_of(series, series.bucket);
    }
  }
}

// Takes rows of one bucket into account.
void Thinner::look(Series& series, const Rows& rows, size_t begin, size_t end) const {
  if (series.at == series.bucket_begin) {
    series.first = rows[begin];
    if (series.at == 0) series.origin = series.first.step;
    series.low = series.high = series.first;
    series.value_sum = series.scaled_sum = series.step_sum = series.time_sum = 0;
  }
  if (method_ == Thinning::minmax || method_ == Thinning::m4) {
    double low = series.low.value, high = series.high.value;
    size_t lowest = end, highest = end;
    for (size_t i = begin; i < end; ++i) {
      const double value = rows.value[i];
      if (value < low) low = value, lowest = i;
      if (value > high) high = value, highest = i;
    }
    if (lowest != end) series.low = rows[lowest];
    if (highest != end) series.high = rows[highest];
  } else if (method_ == Thinning::mean) {
    for (size_t i = begin; i < end; ++i) {
      const double value = rows.value[i];
      series.low.value = std::min(series.low.value, value);
      series.high.value = std::max(series.high.value, value);
      series.value_sum += value;
      series.scaled_sum += value * kScale;
      series.step_sum += between(series.first.step, rows.step[i]);
      series.time_sum += rows.wall_time[i] - series.first.wall_time;
    }
  } else {
    for (size_t i = begin; i < end; ++i) {
      const ThinPoint point = rows[i];
      series.step_sum += between(series.origin, point.step);
      series.value_sum += point.value;
      series.current.push_back(point);
    }
  }
  series.last = rows[end - 1];
}

void Thinner::close_bucket(Series& series) const {
  const auto by_row = [](const ThinPoint& a, const ThinPoint& b) { return a.row < b.row; };
  const auto keep = [&](std::initializer_list<ThinPoint> points) {
    std::vector<ThinPoint> sorted(points);
    std::sort(sorted.begin(), sorted.end(), by_row);
    int64_t before = -1;  // not the last that was kept: that may be one that is not finite
    for (const ThinPoint& point : sorted) {
      if (point.row != before) series.kept.push_back(point);
      before = point.row;
    }
  };
  if (method_ == Thinning::m4) {
    keep({series.first, series.low, series.high, series.last});
    return;
  }
  if (method_ == Thinning::lttb) {
    if (!series.pending.empty()) choose_of_pending(series);
    if (series.bucket == 0 || series.bucket > series.buckets) {
      series.kept.push_back(series.last);
      series.anchor = series.last;
      series.current.clear();
      return;
    }
    std::swap(series.pending, series.current);
    series.current.clear();
    return;
  }
  if (series.bucket == 0 || series.bucket > series.buckets) {
    keep({series.last});
  } else if (method_ == Thinning::minmax) {
    keep({series.low, series.high});
  } else {
    const auto count = static_cast<double>(series.bucket_end - series.bucket_begin);
    ThinPoint mean = series.first;
    mean.row += (series.last.row - series.first.row) / 2;
    mean.step = moved(series.first.step, series.step_sum / count);
    mean.wall_time += series.time_sum / count;
    const double value = series.value_sum / count;
    // Of equal values the mean is that value, which no rounding may change.
    mean.value = std::clamp(std::isfinite(value) ? value : series.scaled_sum / count / kScale,
                            series.low.value, series.high.value);
    series.kept.push_back(mean);
  }
}

// Of the bucket before this one, the point that makes the largest triangle with the point chosen
// before it and the mean of this bucket; of several the first. Source: Steinarsson, "Downsampling
// Time Series for Visual Representation" (2013), section 4.2, in the form of his flot-downsample.
void Thinner::choose_of_pending(Series& series) const {
  const auto count = static_cast<double>(series.bucket_end - series.bucket_begin);
  const double x = series.step_sum / count, y = series.value_sum / count;
  const double from_x = between(series.origin, series.anchor.step), from_y = series.anchor.value;
  double largest = -1;
  const ThinPoint* best = series.pending.data();
  for (const ThinPoint& point : series.pending) {
    // NaN, where numbers are so large that their product is infinite, is never the largest.
    const double area = std::abs((from_x - x) * (point.value - from_y) -
                                 (from_x - between(series.origin, point.step)) * (y - from_y)) *
                        0.5;
    if (area > largest) largest = area, best = &point;
  }
  series.anchor = *best;
  series.kept.push_back(series.anchor);
  series.pending.clear();
}

// --- what stays ----------------------------------------------------------------------------------

Thinned Thinner::take() {
  Thinned made;
  struct Place {
    ThinPoint point;
    size_t series;
  };
  std::vector<Place> places;
  for (const size_t group : complete_) {
    places.clear();
    for (const size_t number : members_[group]) {
      for (const ThinPoint& point : series_[number].kept) places.push_back({point, number});
      std::vector<ThinPoint>().swap(series_[number].kept);
      std::vector<ThinPoint>().swap(series_[number].pending);
      std::vector<ThinPoint>().swap(series_[number].current);
    }
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.point.row < b.point.row; });
    for (const Place& each : places) {
      made.series.push_back(static_cast<int64_t>(each.series));
      made.row.push_back(each.point.row);
      made.step.push_back(each.point.step);
      made.wall_time.push_back(each.point.wall_time);
      made.value.push_back(each.point.value);
    }
  }
  complete_.clear();
  return made;
}

const char* Thinner::keep_events(NumbersOf<int64_t> series, NumbersOf<int64_t> index,
                                 bool has_index, std::vector<int64_t>& rows) {
  if (has_index && index.size() != series.size()) return "columns of different lengths";
  for (size_t i = 0; i < series.size(); ++i) {
    if (static_cast<uint64_t>(series[i]) >= series_.size()) return kUnknown;
    Series& each = series_[static_cast<size_t>(series[i])];
    if (!has_index || index[i] == 0 || each.at == 0) {
      if (each.at >= each.finite) return kTooMany;
      each.keeps_event = chosen(each);
    }
    if (each.keeps_event) rows.push_back(static_cast<int64_t>(i));
  }
  return nullptr;
}

uint64_t Thinner::dropped_odd() const {
  uint64_t dropped = 0;
  for (const Series& each : series_) dropped += each.odd - odd_kept(each);
  return dropped;
}

}  // namespace tbtools
