#include "files.h"

#ifndef _WIN32
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#endif

namespace tbtools {

#ifdef _WIN32

std::vector<bool> read_files(std::span<const FileToRead> files, uint8_t*) {
  return std::vector<bool>(files.size(), false);
}

int list_folder(const std::string&, std::vector<FolderEntry>&) { return 0; }

#else

namespace {

int open_to_read(const char* path, int flags) {
  int file;
  do {
    file = ::open(path, O_RDONLY | O_CLOEXEC | flags);
  } while (file < 0 && errno == EINTR);
  return file;
}

bool read_file(const FileToRead& file, uint8_t* to) {
  const int number = open_to_read(file.path.c_str(), 0);
  if (number < 0) return false;
  size_t left = file.size;
  while (left > 0) {
    const ssize_t got = ::read(number, to, left);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    to += got;
    left -= static_cast<size_t>(got);
  }
  ::close(number);
  return left == 0;
}

}  // namespace

std::vector<bool> read_files(std::span<const FileToRead> files, uint8_t* buffer) {
  std::vector<bool> whole;
  whole.reserve(files.size());
  for (const FileToRead& file : files) {
    whole.push_back(read_file(file, buffer));
    buffer += file.size;
  }
  return whole;
}

int list_folder(const std::string& path, std::vector<FolderEntry>& entries) {
  const int number = open_to_read(path.c_str(), O_DIRECTORY);
  if (number < 0) return errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(number), ::closedir);
  if (folder == nullptr) {
    const int why = errno;
    ::close(number);
    return why;
  }
  for (;;) {
    errno = 0;
    const dirent* const item = ::readdir(folder.get());
    if (item == nullptr) return errno;
    const std::string_view name(item->d_name);
    if (name == "." || name == "..") continue;
    // By its place in the folder: a whole path would be walked again for each.
    struct stat status;
    bool is_link = item->d_type == DT_LNK;
    if (item->d_type == DT_UNKNOWN) {  // a file system that does not say
      if (::fstatat(number, item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      is_link = S_ISLNK(status.st_mode);
    }
    // A dangling link, a loop of links, or gone since.
    if (::fstatat(number, item->d_name, &status, 0) != 0) continue;
    entries.push_back({std::string(name), S_ISDIR(status.st_mode), is_link,
                       static_cast<uint64_t>(status.st_size), static_cast<uint64_t>(status.st_dev),
                       static_cast<uint64_t>(status.st_ino)});
  }
}

#endif

}  // namespace tbtools
