// A record batch of another Arrow library → the rows that encode_events() takes.
#pragma once

#include "arrow.h"
#include "encode.h"

namespace tbtools {

// Columns are found by their names, those of EventRows: tag and metadata are dictionaries with
// codes of int32, of utf8 and of binary; step is int64, wall_time and number are float64, member is
// uint8 and payload binary. tag, step, wall_time and member or number have to be there. Returns
// null, or else what is wrong. The rows borrow the memory of the batch.
const char* rows_of(const ArrowSchema& schema, const ArrowArray& batch, EventRows& rows);

}  // namespace tbtools
