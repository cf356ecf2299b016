// Folders, and many small files, each in one call: Python would need its lock between any two system
// calls, and makes objects of what each gives.
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

// What stands in a folder under a name, links followed.
struct FolderEntry {
  std::string name;
  bool is_folder;
  bool is_link;
  uint64_t size;
  uint64_t device;
  uint64_t inode;
};

// Lists a folder; dangling links are left out. Gives the errno if it cannot be listed, else 0.
// Without kReadsFiles, nothing.
int list_folder(const std::string& path, std::vector<FolderEntry>& entries);

}  // namespace tbtools
