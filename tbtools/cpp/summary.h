// What the points of a batch come to, tag by tag: for a pass that counts and keeps nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "batch.h"

namespace tbtools {

// "First" and "last" are as written. NaN counts as no time unless there is nothing else.
struct TagSummary {
  int64_t points = 0;
  int64_t first_step = 0, last_step = 0, min_step = 0, max_step = 0;
  double first_time = 0, last_time = 0, min_time = 0, max_time = 0;
};

// One entry per tag of the batch, in the order of their numbers.
std::vector<TagSummary> summarize(const Batch& batch);

// Whether the steps ever go back, the first one seen from `before`.
bool steps_fall(const Points& points, int64_t before);

}  // namespace tbtools
