// What a file of damage may cost: every byte is worked through a bounded number of times, wherever
// headers stand and whatever they claim.
#pragma once

#include <algorithm>
#include <cstdio>
#include <vector>

#include "check.h"
#include "crc32c.h"
#include "scan.h"
#include "work.h"

namespace tbtools {

// The CRC that counts the bytes that it is of.
inline const Crc32c& counting_crc32c() {
  static constexpr Crc32c counting{"counting", false,
                                   [](const uint8_t* data, size_t size) {
                                     count_work(size);
                                     return portable_crc32c().of(data, size);
                                   },
                                   [](uint64_t word) {
                                     count_work(sizeof word);
                                     return portable_crc32c().of8(word);
                                   },
                                   [](uint32_t crc, const uint8_t* data, size_t size) {
                                     count_work(size);
                                     return portable_crc32c().extend(crc, data, size);
                                   }};
  return counting;
}

// Two headers of twelve bytes that both claim what is worked through again rather than looked up
// (claims.cc) are the worst that is known, with 30. In a small file a square would not stand out.
constexpr size_t kMostWork = 48;  // per byte
constexpr size_t kEnough = size_t{1} << 14;

inline void check_work(Bytes file, Options options) {
  if (file.size == 0) return;
  std::vector<uint8_t> repeated;
  while (repeated.size() < kEnough) repeated.insert(repeated.end(), file.data, file.end());
  options.crc = &counting_crc32c();
  options.salvage = true;
  options.at_end = true;
  const uint64_t before = work_done;
  const auto batch = scan({repeated.data(), repeated.size()}, 0, options);
  const uint64_t work = work_done - before;
  if (work > kMostWork * repeated.size()) {
    std::fprintf(stderr, "%zu bytes cost %zu each\n", repeated.size(),
                 static_cast<size_t>(work / repeated.size()));
  }
  CHECK(work <= kMostWork * repeated.size());
}

}  // namespace tbtools
