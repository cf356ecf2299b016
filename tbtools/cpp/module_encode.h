// The part of the border to Python that is about writing.
#pragma once

#include <nanobind/nanobind.h>

namespace tbtools {

// Adds encode_events() and merge_records() to the module.
void bind_encode(nanobind::module_& m);

}  // namespace tbtools
