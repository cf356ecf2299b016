// The part of the border to Python that is about thinning.
#pragma once

#include <nanobind/nanobind.h>

namespace tbtools {

// Adds Thinner to the module.
void bind_thin(nanobind::module_& m);

}  // namespace tbtools
