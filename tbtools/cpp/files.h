// Many small files in one call: Python would need its lock between any two of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tbtools {

struct FileToRead {
  std::string path;
  size_t size;  // bytes of it that are wanted
};

constexpr bool kReadsFiles =
#ifdef _WIN32
    false;
#else
    true;
#endif

// Fills the buffer with the first bytes of these files, one behind the other, and says of which of
// them it got all. The buffer has room for all. Without kReadsFiles, of none.
std::vector<bool> read_files(std::span<const FileToRead> files, uint8_t* buffer);

}  // namespace tbtools
