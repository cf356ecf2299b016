// The instructions for CRC-32C of x86-64 (SSE4.2) and ARMv8, a word at a time, for functions that
// are marked TBTOOLS_CRC_TARGET and called only where crc32c().has_hardware.
#pragma once

#include <cstdint>

#include "bytes.h"

#if defined(__x86_64__) || defined(_M_X64)
#define TBTOOLS_CRC_X86 1
#include <nmmintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define TBTOOLS_CRC_ARM 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <arm_acle.h>
#endif
#endif

#if defined(TBTOOLS_CRC_X86) || defined(TBTOOLS_CRC_ARM)
#define TBTOOLS_CRC_HARDWARE 1
#endif

#if defined(__GNUC__) && defined(TBTOOLS_CRC_X86)
#define TBTOOLS_CRC_TARGET __attribute__((target("sse4.2")))
#elif defined(__clang__) && defined(TBTOOLS_CRC_ARM)
#define TBTOOLS_CRC_TARGET __attribute__((target("crc")))
#elif defined(__GNUC__) && defined(TBTOOLS_CRC_ARM)
#define TBTOOLS_CRC_TARGET __attribute__((target("+crc")))
#else
#define TBTOOLS_CRC_TARGET
#endif

#if defined(TBTOOLS_CRC_HARDWARE)

namespace tbtools {

#if defined(TBTOOLS_CRC_X86)

TBTOOLS_CRC_TARGET inline uint32_t step8(uint32_t crc, uint64_t word) {
  return static_cast<uint32_t>(_mm_crc32_u64(crc, word));
}
TBTOOLS_CRC_TARGET inline uint32_t step4(uint32_t crc, uint32_t word) {
  return _mm_crc32_u32(crc, word);
}
TBTOOLS_CRC_TARGET inline uint32_t step2(uint32_t crc, uint16_t word) {
  return _mm_crc32_u16(crc, word);
}
TBTOOLS_CRC_TARGET inline uint32_t step1(uint32_t crc, uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}

#else

TBTOOLS_CRC_TARGET inline uint32_t step8(uint32_t crc, uint64_t word) {
  return __crc32cd(crc, word);
}
TBTOOLS_CRC_TARGET inline uint32_t step4(uint32_t crc, uint32_t word) {
  return __crc32cw(crc, word);
}
TBTOOLS_CRC_TARGET inline uint32_t step2(uint32_t crc, uint16_t word) {
  return __crc32ch(crc, word);
}
TBTOOLS_CRC_TARGET inline uint32_t step1(uint32_t crc, uint8_t byte) {
  return __crc32cb(crc, byte);
}

#endif

// What `crc` becomes over these bytes, in one lane: for short ones.
TBTOOLS_CRC_TARGET TBTOOLS_INLINE uint32_t steps(uint32_t crc, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) crc = step8(crc, load<uint64_t>(data));
  if (size & 4) {
    crc = step4(crc, load<uint32_t>(data));
    data += 4;
  }
  if (size & 2) {
    crc = step2(crc, load<uint16_t>(data));
    data += 2;
  }
  if (size & 1) crc = step1(crc, *data);
  return crc;
}

}  // namespace tbtools

#endif
