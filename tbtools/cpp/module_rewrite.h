// The bindings of rewrite.h.
#pragma once

#include "binding.h"

namespace tbtools {

void bind_rewrite(nb::module_& m);

}  // namespace tbtools
