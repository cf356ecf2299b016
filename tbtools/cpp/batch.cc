#include "batch.h"

namespace tbtools {

void Points::reserve(size_t rows) {
  tag_.reserve(rows);
  step_.reserve(rows);
  wall_time_.reserve(rows);
  value_.reserve(rows);
  capacity_ = rows;
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
