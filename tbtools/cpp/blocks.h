// Memory for columns. A window's columns are the same few hundred kilobytes each time, and malloc
// would get them from the system and give them back for every window: touching new pages costs more
// than filling them. So a few blocks are kept for the next window, whichever thread reads it.
#pragma once

#include <cstddef>

namespace tbtools {

// At least `size` bytes, as they were left; `size` becomes what there is. Throws std::bad_alloc.
void* take_block(size_t& size);

// `size` is what take_block said.
void return_block(void* block, size_t size) noexcept;

}  // namespace tbtools
