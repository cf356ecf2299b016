#include "batch.h"

namespace tbtools {

void Points::reserve(size_t rows) {
  const auto grow = [&](auto& column) {
    column.truncate(size_);
    column.reserve(rows);
  };
  grow(tag_);
  grow(step_);
  grow(wall_time_);
  grow(value_);
  capacity_ = rows;
}

void Points::shrink() {
  const auto shrink = [&](auto& column) {
    column.truncate(size_);
    column.shrink();
  };
  shrink(tag_);
  shrink(step_);
  shrink(wall_time_);
  shrink(value_);
  capacity_ = size_;
}

void Rows::truncate(size_t rows) {
  offset.truncate(rows);
  tag.truncate(rows);
  step.truncate(rows);
  wall_time.truncate(rows);
  field.truncate(rows);
  metadata.truncate(rows);
  value.truncate(rows);
  payload.truncate(rows);
  points_before.truncate(rows);
}

}  // namespace tbtools
