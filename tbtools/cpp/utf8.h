// UTF-8 as Arrow and protobuf define it: no surrogates, no overlong forms, nothing over U+10FFFF.
#pragma once

#include "bytes.h"
#include "work.h"

namespace tbtools {

inline bool is_utf8(Bytes text) {
  count_work(text.size);
  const uint8_t* p = text.data;
  const uint8_t* const end = text.end();
  while (p < end) {
    while (end - p >= 8 && (load<uint64_t>(p) & 0x8080'8080'8080'8080) == 0) p += 8;
    if (p == end) break;
    const uint8_t lead = *p++;
    if (lead < 0x80) continue;
    int more;
    uint8_t low = 0x80;   // bounds of the second byte, which exclude overlong forms,
    uint8_t high = 0xBF;  // surrogates and what is over U+10FFFF
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (end - p < more) return false;
    if (*p < low || *p > high) return false;
    for (int i = 1; i < more; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
    }
    p += more;
  }
  return true;
}

}  // namespace tbtools
