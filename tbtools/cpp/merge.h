// Several sequences of records → one, in the order of their wall_time.
#pragma once

#include <optional>
#include <vector>

#include "column.h"

namespace tbtools {

// Records that lie one behind the other, as encode_events() makes them, from `begin` on. The time
// of a record is its wall_time or that of one before it, if that is later: records keep their
// order. A NaN counts as the time before, as does what has no wall_time of its own.
struct Sequence {
  Bytes window;
  size_t begin = 0;
  double time = 0;       // of the record before
  bool is_last = false;  // nothing follows the window
};

struct Merged {
  Column<uint8_t> records;
  std::optional<size_t>
      needs;  // the sequence of which more has to be known; else all are at their end
};

// Merges as far as the windows tell what comes next; of equal times, the first sequence comes
// first. `begin` and `time` of each are brought up to date.
Merged merge_records(std::vector<Sequence>& sequences);

}  // namespace tbtools
