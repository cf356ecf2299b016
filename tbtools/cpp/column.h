// Growing columns in the layout that Arrow reads: the buffers are handed over, not copied.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "blocks.h"
#include "bytes.h"
#include "work.h"

namespace tbtools {

// A growing array that leaves new memory as it is, so that a page is touched once, when written.
template <class T>
class Column {
 public:
  Column() = default;
  ~Column() { return_block(data_, bytes_); }
  Column(Column&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Column& operator=(Column&&) = delete;

  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    if (capacity > std::numeric_limits<size_t>::max() / 2 / sizeof(T)) throw std::bad_alloc();
    move_to(capacity * sizeof(T));
  }

  void push(T value) {
    if (size_ == capacity_) reserve(capacity_ == 0 ? 64 : 2 * capacity_);
    data_[size_++] = value;
  }

  // For a caller that counts rows itself: it reserves the room, and truncates to what it wrote
  // before it reserves more.
  TBTOOLS_INLINE void set(size_t i, T value) { data_[i] = value; }

  // Room for `count` more values, which the caller writes.
  T* extend(size_t count) {
    if (count > capacity_ - size_) {
      reserve(size_ + count > 2 * capacity_ ? size_ + count : 2 * capacity_);
    }
    size_ += count;
    return data_ + size_ - count;
  }

  void append(const T* values, size_t count) {
    T* const room = extend(count);
    count_work(count * sizeof(T));
    if (count > 0) std::memcpy(room, values, count * sizeof(T));
  }

  void truncate(size_t size) { size_ = size; }

  // Lets go of the room that a much too large guess left behind.
  void shrink() {
    if (size_ * sizeof(T) * 4 >= bytes_) return;
    move_to(size_ == 0 ? sizeof(T) : size_ * sizeof(T));
  }

  size_t size() const { return size_; }
  const T* data() const { return data_; }
  T* data() { return data_; }
  T operator[](size_t i) const { return data_[i]; }

 private:
  void move_to(size_t bytes) {
    count_work(size_ * sizeof(T));
    T* place = static_cast<T*>(take_block(bytes));
    if (size_ > 0) std::memcpy(place, data_, size_ * sizeof(T));
    return_block(data_, bytes_);
    data_ = place;
    bytes_ = bytes;
    capacity_ = bytes / sizeof(T);
  }

  T* data_ = nullptr;
  size_t bytes_ = 0;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Validity: a bit per row, made only when the first null comes.
class Validity {
 public:
  void push(bool valid) {
    if (!valid && nulls_ == 0) fill(size_);
    if (!valid || nulls_ > 0) set(size_, valid);
    nulls_ += !valid;
    ++size_;
  }

  void truncate(size_t size) {
    while (size_ > size) {
      --size_;
      if (nulls_ > 0 && !(bits_[size_ / 8] >> (size_ % 8) & 1)) --nulls_;
    }
    bits_.truncate(nulls_ > 0 ? (size_ + 7) / 8 : 0);
  }

  bool valid(size_t i) const { return nulls_ == 0 || (bits_[i / 8] >> (i % 8) & 1) != 0; }
  int64_t nulls() const { return nulls_; }
  const uint8_t* data() const { return nulls_ > 0 ? bits_.data() : nullptr; }

 private:
  void fill(size_t size) {
    count_work(size / 8);
    bits_.truncate(0);
    for (size_t i = 0; i < (size + 7) / 8; ++i) bits_.push(0xFF);
  }

  // Bits behind the last row may be anything: rows were taken back.
  void set(size_t i, bool valid) {
    if (i / 8 == bits_.size()) bits_.push(0);
    const unsigned place = i % 8;
    const unsigned before = bits_[i / 8] & ((1u << place) - 1);
    bits_.set(i / 8, static_cast<uint8_t>(before | unsigned{valid} << place));
  }

  Column<uint8_t> bits_;
  size_t size_ = 0;
  int64_t nulls_ = 0;
};

// Numbers, some of which may be missing.
template <class T>
class Nullable {
 public:
  void push(T value) {
    values_.push(value);
    validity_.push(true);
  }

  void push_null() {
    values_.push(T{});
    validity_.push(false);
  }

  void truncate(size_t size) {
    values_.truncate(size);
    validity_.truncate(size);
  }

  size_t size() const { return values_.size(); }
  bool valid(size_t i) const { return validity_.valid(i); }
  T operator[](size_t i) const { return values_[i]; }
  const T* data() const { return values_.data(); }
  const Validity& validity() const { return validity_; }

 private:
  Column<T> values_;
  Validity validity_;
};

// Strings of bytes, some of which may be missing; Arrow's utf8 and binary with 32-bit offsets. The
// caller keeps the sum of the sizes under 2 GiB.
class Strings {
 public:
  Strings() { offsets_.push(0); }

  // Room for strings of this size in all.
  void reserve_bytes(size_t size) { bytes_.reserve(size); }

  void push(Bytes value) {
    append(value);
    end_value();
  }

  // A value may come in pieces.
  void append(Bytes piece) { bytes_.append(piece.data, piece.size); }
  void end_value() {
    offsets_.push(static_cast<int32_t>(bytes_.size()));
    validity_.push(true);
  }
  void forget_appended() { bytes_.truncate(static_cast<size_t>(offsets_[size()])); }

  void push_null() {
    offsets_.push(static_cast<int32_t>(bytes_.size()));
    validity_.push(false);
  }

  void truncate(size_t size) {
    offsets_.truncate(size + 1);
    bytes_.truncate(static_cast<size_t>(offsets_[size]));
    validity_.truncate(size);
  }

  size_t size() const { return offsets_.size() - 1; }
  size_t byte_size() const { return bytes_.size(); }
  bool valid(size_t i) const { return validity_.valid(i); }
  Bytes operator[](size_t i) const {
    const size_t begin = static_cast<size_t>(offsets_[i]);
    return {bytes_.data() + begin, static_cast<size_t>(offsets_[i + 1]) - begin};
  }
  const int32_t* offsets() const { return offsets_.data(); }
  const uint8_t* bytes() const { return bytes_.data(); }
  const Validity& validity() const { return validity_; }

 private:
  Column<int32_t> offsets_;
  Column<uint8_t> bytes_;
  Validity validity_;
};

// A borrowed array of binary, as Arrow lays it out: row i is number `begin + i` of the buffers.
class BinaryView {
 public:
  BinaryView(const uint8_t* validity, const int32_t* offsets, const uint8_t* bytes, size_t begin,
             size_t size)
      : validity_(validity), offsets_(offsets), bytes_(bytes), begin_(begin), size_(size) {}

  size_t size() const { return size_; }

  size_t byte_size() const {
    return size_ == 0 ? 0 : static_cast<size_t>(offsets_[begin_ + size_] - offsets_[begin_]);
  }

  bool valid(size_t i) const {
    i += begin_;
    return validity_ == nullptr || (validity_[i / 8] >> (i % 8) & 1) != 0;
  }

  Bytes operator[](size_t i) const {
    i += begin_;
    return {bytes_ + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])};
  }

 private:
  const uint8_t* validity_;  // null if every row is valid
  const int32_t* offsets_;
  const uint8_t* bytes_;
  size_t begin_;
  size_t size_;
};

}  // namespace tbtools
