#include "summary.h"

#include <algorithm>
#include <cmath>

namespace tbtools {

std::vector<TagSummary> summarize(const Batch& batch) {
  std::vector<TagSummary> summaries(batch.tags.size());
  const Points& points = batch.points;
  for (size_t i = 0; i < points.size(); ++i) {
    TagSummary& tag = summaries[static_cast<size_t>(points.tag()[i])];
    const int64_t step = points.step()[i];
    const double time = points.wall_time()[i];
    if (tag.points++ == 0) {
      tag.first_step = tag.min_step = tag.max_step = step;
      tag.first_time = tag.min_time = tag.max_time = time;
    }
    tag.last_step = step;
    tag.last_time = time;
    tag.min_step = std::min(tag.min_step, step);
    tag.max_step = std::max(tag.max_step, step);
    tag.min_time = std::fmin(tag.min_time, time);
    tag.max_time = std::fmax(tag.max_time, time);
  }
  return summaries;
}

bool steps_fall(const Points& points, int64_t before) {
  bool falls = false;
  for (size_t i = 0; i < points.size(); ++i) {
    falls |= points.step()[i] < before;
    before = points.step()[i];
  }
  return falls;
}

}  // namespace tbtools
