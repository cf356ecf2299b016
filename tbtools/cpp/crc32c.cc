#include "crc32c.h"

#include <array>

#include "crc32c_steps.h"

#if defined(TBTOOLS_CRC_ARM) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace tbtools {
namespace {


using Table = std::array<uint32_t, 256>;

// tables[k][b]: what byte b contributes to the CRC when k more bytes follow it.
constexpr std::array<Table, 8> make_slices() {
  std::array<Table, 8> slices{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    slices[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t crc = slices[k - 1][byte];
      slices[k][byte] = (crc >> 8) ^ slices[0][crc & 0xFF];
    }
  }
  return slices;
}

constexpr std::array<Table, 8> kSlices = make_slices();

uint32_t portable_word(uint32_t crc, uint64_t word) {
  word ^= crc;
  crc = 0;
  for (size_t i = 0; i < 8; ++i) crc ^= kSlices[7 - i][(word >> (8 * i)) & 0xFF];
  return crc;
}

uint32_t portable_extend(uint32_t crc, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) crc = portable_word(crc, load<uint64_t>(data));
  for (; size > 0; ++data, --size) crc = (crc >> 8) ^ kSlices[0][(crc ^ *data) & 0xFF];
  return crc;
}

uint32_t portable(const uint8_t* data, size_t size) { return ~portable_extend(~0u, data, size); }

uint32_t portable8(uint64_t word) { return ~portable_word(~0u, word); }

#if defined(TBTOOLS_CRC_X86)

bool have_hardware() {
#if defined(_MSC_VER)
  int info[4];
  __cpuid(info, 1);
  return (info[2] >> 20) & 1;
#else
  return __builtin_cpu_supports("sse4.2");
#endif
}

constexpr const char* kHardwareName = "sse4.2";

#elif defined(TBTOOLS_CRC_ARM)

bool have_hardware() {
#if defined(__linux__)
  constexpr unsigned long kHwcapCrc32 = 1ul << 7;  // HWCAP_CRC32 of asm/hwcap.h
  return (getauxval(AT_HWCAP) & kHwcapCrc32) != 0;
#else
  return true;  // every Apple and Windows machine of this architecture has it
#endif
}

constexpr const char* kHardwareName = "armv8-crc";

#endif

#if defined(TBTOOLS_CRC_HARDWARE)

// The instruction takes three cycles but a new one starts every cycle, so three lanes run at once
// over long data. kShift appends kLane zero bytes to a lane's CRC to join it with the next.
constexpr size_t kLane = 1024;

// Appending zero bytes is linear over GF(2), so the four bytes of a CRC can be looked up apart.
constexpr std::array<Table, 4> make_shift() {
  std::array<uint32_t, 32> image{};  // of each single bit
  for (size_t bit = 0; bit < 32; ++bit) {
    uint32_t crc = uint32_t{1} << bit;
    for (size_t i = 0; i < kLane; ++i) crc = (crc >> 8) ^ kSlices[0][crc & 0xFF];
    image[bit] = crc;
  }
  std::array<Table, 4> shift{};
  for (size_t k = 0; k < 4; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      uint32_t crc = 0;
      for (size_t bit = 0; bit < 8; ++bit) {
        if (byte >> bit & 1) crc ^= image[8 * k + bit];
      }
      shift[k][byte] = crc;
    }
  }
  return shift;
}

constexpr std::array<Table, 4> kShift = make_shift();

inline uint32_t shift(uint32_t crc) {
  return kShift[0][crc & 0xFF] ^ kShift[1][crc >> 8 & 0xFF] ^ kShift[2][crc >> 16 & 0xFF] ^
         kShift[3][crc >> 24];
}

TBTOOLS_CRC_TARGET uint32_t hardware(const uint8_t* data, size_t size) {
  uint32_t crc = ~0u;
  for (; size >= 3 * kLane; data += 3 * kLane, size -= 3 * kLane) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (size_t i = 0; i < kLane; i += 8) {
      crc = step8(crc, load<uint64_t>(data + i));
      second = step8(second, load<uint64_t>(data + kLane + i));
      third = step8(third, load<uint64_t>(data + 2 * kLane + i));
    }
    crc = shift(shift(crc) ^ second) ^ third;
  }
  return ~steps(crc, data, size);
}

TBTOOLS_CRC_TARGET uint32_t extend(uint32_t crc, const uint8_t* data, size_t size) {
  return steps(crc, data, size);
}

TBTOOLS_CRC_TARGET uint32_t hardware8(uint64_t word) { return ~step8(~0u, word); }

#endif

constexpr Crc32c kPortable{"portable", false, portable, portable8, portable_extend};

}  // namespace

const Crc32c& portable_crc32c() { return kPortable; }

const Crc32c& crc32c() {
#if defined(TBTOOLS_CRC_HARDWARE)
  static const Crc32c picked =
      have_hardware() ? Crc32c{kHardwareName, true, hardware, hardware8, extend} : kPortable;
  return picked;
#else
  return kPortable;
#endif
}

}  // namespace tbtools
