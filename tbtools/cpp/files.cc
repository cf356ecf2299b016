#include "files.h"

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace tbtools {

#ifdef _WIN32

std::vector<bool> read_files(std::span<const FileToRead> files, uint8_t*) {
  return std::vector<bool>(files.size(), false);
}

#else

namespace {

int open_file(const char* path) {
  int file;
  do {
    file = ::open(path, O_RDONLY | O_CLOEXEC);
  } while (file < 0 && errno == EINTR);
  return file;
}

bool read_file(const FileToRead& file, uint8_t* to) {
  const int number = open_file(file.path.c_str());
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

#endif

}  // namespace tbtools
