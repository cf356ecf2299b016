// What is damaged in a file, found as simply as can be: the rules of docs/format.md, "Damage", as
// tests/oracle.py has them. It shares nothing with scan() but the check of a header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crc32c.h"
#include "frame.h"
#include "reading.h"
#include "utf8.h"

namespace tbtools {

struct Field {
  uint64_t number;
  uint64_t wire;
  Bytes bytes;  // of a length-delimited one
};

inline bool read_plain_varint(Bytes message, size_t& at, uint64_t& value) {
  value = 0;
  for (unsigned i = 0; i < 10; ++i) {
    if (at >= message.size) return false;
    const uint64_t byte = message.data[at++];
    value |= (byte & 0x7F) << 7 * i;
    if (byte < 0x80) return true;
  }
  return false;
}

// The fields of a message; nothing if it is malformed. What stands in groups is left out.
inline std::optional<std::vector<Field>> fields_of(Bytes message) {
  std::vector<Field> fields;
  std::vector<uint64_t> groups;
  for (size_t at = 0; at < message.size;) {
    uint64_t key;
    uint64_t size = 0;
    if (!read_plain_varint(message, at, key)) return std::nullopt;
    const uint64_t number = key >> 3;
    const uint64_t wire = key & 7;
    if (number == 0 || number >= uint64_t{1} << 29) return std::nullopt;
    if (wire == 0) {
      if (!read_plain_varint(message, at, key)) return std::nullopt;
    } else if (wire == 1 || wire == 5) {
      size = wire == 1 ? 8 : 4;
    } else if (wire == 2) {
      if (!read_plain_varint(message, at, size)) return std::nullopt;
    } else if (wire == 3) {
      if (groups.size() == 100) return std::nullopt;
      groups.push_back(number);
    } else if (wire == 4) {
      if (groups.empty() || groups.back() != number) return std::nullopt;
      groups.pop_back();
    } else {
      return std::nullopt;
    }
    if (size > message.size - at) return std::nullopt;
    const bool counts = groups.empty() && wire != 4;
    if (counts) fields.push_back({number, wire, {message.data + at, static_cast<size_t>(size)}});
    at += static_cast<size_t>(size);
  }
  if (!groups.empty()) return std::nullopt;
  return fields;
}

inline bool is_value(Bytes message) {
  const auto fields = fields_of(message);
  if (!fields) return false;
  Bytes tag;
  Bytes node_name;
  uint64_t member = 0;
  for (const Field& field : *fields) {
    if (field.number == 2 && field.wire == 5) member = 2;
    if (field.wire != 2) continue;
    if (field.number == 1) tag = field.bytes;
    if (field.number == 7) node_name = field.bytes;
    if ((field.number >= 3 && field.number <= 6) || field.number == 8) member = field.number;
  }
  return is_utf8(tag.size == 0 && member == 8 ? node_name : tag);
}

inline bool is_event(Bytes message) {
  const auto fields = fields_of(message);
  if (!fields) return false;
  uint64_t what = 0;
  std::string summary;
  for (const Field& field : *fields) {
    if (field.wire != 2 || field.number < 3 || field.number > 9) continue;
    if (what != 5) summary.clear();
    if (field.number == 5) summary += field.bytes.text();
    what = field.number;
  }
  if (what != 5) return true;
  const auto values = fields_of({reinterpret_cast<const uint8_t*>(summary.data()), summary.size()});
  if (!values) return false;
  for (const Field& value : *values) {
    if (value.number == 1 && value.wire == 2 && !is_value(value.bytes)) return false;
  }
  return true;
}

// The damages, the number of good records and the size of the unfinished tail; no values.
inline Reading find_damage(Bytes file) {
  Reading reading;
  const auto length_at = [&](size_t at) -> std::optional<uint64_t> {
    if (file.size - at < kHeaderSize) return std::nullopt;
    return read_header(portable_crc32c(), file.data + at);
  };
  const auto find = [&](size_t at) {
    while (at < file.size && !length_at(at)) ++at;
    return at;
  };
  for (size_t at = 0; at < file.size;) {
    const auto lose = [&](size_t until, Loss why) {
      reading.damages.push_back({at, until - at, why});
      at = until;
    };
    const std::optional<uint64_t> length = length_at(at);
    if (!length) {
      if (file.size - at < kHeaderSize) {
        reading.pending = file.size - at;
        return reading;
      }
      lose(find(at + 1), Loss::bad_length);
      continue;
    }
    const uint64_t size = kHeaderSize + *length + kFooterSize;
    if (size > file.size - at) {
      const size_t found = find(at + kHeaderSize);
      if (found >= file.size) {
        reading.pending = file.size - at;
        return reading;
      }
      lose(found, Loss::torn);
      continue;
    }
    const Bytes payload{file.data + at + kHeaderSize, static_cast<size_t>(*length)};
    const size_t next = at + static_cast<size_t>(size);
    if (mask(portable_crc32c().of(payload.data, payload.size)) != load<uint32_t>(payload.end())) {
      const bool framed = file.size - next < kHeaderSize || length_at(next);
      lose(framed ? next : find(at + kHeaderSize), Loss::bad_data);
    } else if (!is_event(payload)) {
      lose(next, Loss::bad_event);
    } else {
      ++reading.records;
      at = next;
    }
  }
  return reading;
}

}  // namespace tbtools
