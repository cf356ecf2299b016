#include "claims.h"

#include <algorithm>
#include <array>

#include "frame.h"

namespace tbtools {
namespace {

constexpr size_t kStride = 64;        // bytes
constexpr size_t kSmallPayload = 128;  // is worked through again rather than looked up

// Polynomials over GF(2) modulo that of CRC-32C, in its bit order: the highest bit is x^0.
constexpr uint32_t kOne = 0x80000000u;

constexpr uint32_t times_x(uint32_t a) { return (a >> 1) ^ ((a & 1) != 0 ? kPolynomial : 0); }

constexpr uint32_t product(uint32_t a, uint32_t b) {
  uint32_t sum = 0;
  for (; a != 0; a <<= 1) {
    sum ^= (a & kOne) != 0 ? b : 0;
    b = times_x(b);
  }
  return sum;
}

// What four bits of a product turn into when it is multiplied by x to the power of four.
constexpr std::array<uint32_t, 16> make_quads() {
  std::array<uint32_t, 16> quads{};
  for (uint32_t bits = 0; bits < quads.size(); ++bits) {
    quads[bits] = times_x(times_x(times_x(times_x(bits))));
  }
  return quads;
}

constexpr std::array<uint32_t, 16> kQuads = make_quads();

// [k][digit]: x to the power of 8 * digit * 256^k.
using Powers = std::array<std::array<uint32_t, 256>, 4>;

constexpr Powers make_powers() {
  Powers powers{};
  uint32_t base = kOne >> 8;
  for (auto& digits : powers) {
    digits[0] = kOne;
    for (size_t digit = 1; digit < 256; ++digit) digits[digit] = product(digits[digit - 1], base);
    base = product(digits[255], base);
  }
  return powers;
}

// Made by the compiler: a lock that guards it while it is made could be inherited by a fork.
constexpr Powers kPowers = make_powers();

}  // namespace

void Claims::take_power(size_t size) {
  if (size == size_) return;
  size_ = size;
  uint32_t power = kOne;
  for (size_t k = 0; k < kPowers.size(); ++k) {
    const size_t digit = size >> 8 * k & 0xFF;
    if (digit != 0) power = product(kPowers[k][digit], power);
  }
  multiples_[0] = 0;
  for (size_t bit = 8; bit > 0; bit /= 2, power = times_x(power)) {
    for (size_t i = 0; i < 16; i += 2 * bit) multiples_[i + bit] = multiples_[i] ^ power;
  }
}

// The product with the power that was taken, four bits at a time.
uint32_t Claims::times_power(uint32_t a) const {
  uint32_t sum = 0;
  for (int shift = 0; shift < 32; shift += 4) {
    sum = (sum >> 4) ^ kQuads[sum & 15] ^ multiples_[a >> shift & 15];
  }
  return sum;
}

// The register at `end`, counted from base_.
uint32_t Claims::crc_up_to(const uint8_t* end) {
  const size_t size = static_cast<size_t>(end - base_);
  const size_t strides = size / kStride;
  while (registers_.size() <= strides) {
    const uint8_t* const begin = base_ + (registers_.size() - 1) * kStride;
    registers_.push_back(crc_.extend(registers_.back(), begin, kStride));
  }
  return crc_.extend(registers_[strides], base_ + strides * kStride, size % kStride);
}

bool Claims::overlapping_is_good(Bytes payload) {
  const uint8_t* const begin = payload.data;
  const uint8_t* const end = payload.end();
  const uint32_t stored = load<uint32_t>(end);
  if (payload.size <= kSmallPayload) return mask(crc_.of(begin, payload.size)) == stored;
  if (registers_.empty() || begin < base_ ||
      static_cast<size_t>(begin - base_) > registers_.size() * kStride) {
    base_ = begin;
    registers_.assign(1, 0);
  }
  const uint32_t at_begin = crc_up_to(begin);
  const uint32_t at_end = crc_up_to(end);
  take_power(payload.size);
  const uint32_t crc = ~(at_end ^ times_power(at_begin ^ ~0u));
  worked_ = std::max(worked_, end);
  return mask(crc) == stored;
}

}  // namespace tbtools
