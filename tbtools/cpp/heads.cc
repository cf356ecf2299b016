#include "heads.h"

#include <algorithm>

#include "wire.h"

namespace tbtools {
namespace {

bool begins_with(Bytes string, std::string_view magic) { return string.text().starts_with(magic); }

uint16_t big_endian(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }

// Up to the size in the frame header (ITU-T T.81, B.2.2), or to where header_of() gives up.
size_t jpeg_head_size(Bytes image) {
  constexpr int kMostSegments = 1000;
  constexpr size_t kPrefix = 4;      // marker and length of a segment
  constexpr size_t kFrameSize = 9;  // these, precision, height and width
  size_t at = 2;
  size_t read = 0;
  for (int i = 0; i < kMostSegments && at + kPrefix <= image.size; ++i) {
    const uint16_t marker = big_endian(image.data + at);
    const uint16_t length = big_endian(image.data + at + 2);
    read = at + kPrefix;
    if (marker == 0xFFFF) {
      ++at;
    } else if (marker >= 0xFFC0 && marker <= 0xFFCF && marker != 0xFFC4 && marker != 0xFFC8 &&
               marker != 0xFFCC) {
      return std::min(at + kFrameSize, image.size);
    } else if (marker < 0xFF02 || (marker >= 0xFFD0 && marker <= 0xFFDA) || length < 2) {
      break;
    } else {
      at += 2 + size_t{length};
    }
  }
  return read;
}

// encoded_image_string and encoded_audio_string, string_val of TensorProto, and run_metadata.
uint32_t string_key(FieldId field) {
  if (field == FieldId::tagged_run_metadata) return key_of(2, Wire::bytes);
  return field == FieldId::tensor ? key_of(8, Wire::bytes) : key_of(4, Wire::bytes);
}

void append_varint(Strings& payloads, uint64_t value) {
  uint8_t encoded[10];
  size_t size = 0;
  for (; value > 0x7F; value >>= 7) encoded[size++] = static_cast<uint8_t>(value | 0x80);
  encoded[size++] = static_cast<uint8_t>(value);
  payloads.append({encoded, size});
}

}  // namespace

size_t head_size(Bytes string) {
  if (string.size <= kHead) return string.size;
  return begins_with(string, "\xFF\xD8\xFF") ? std::max(kHead, jpeg_head_size(string)) : kHead;
}

void push_head(Strings& payloads, FieldId field, Bytes payload) {
  const uint32_t key = string_key(field);
  const uint8_t* copied = payload.data;  // up to here
  const uint8_t* begin = payload.data;   // of the field
  Cursor fields(payload);
  while (fields.next()) {
    const Bytes string = fields.bytes();
    if (fields.key() == key && string.size > kHead) {
      const size_t size = head_size(string);
      if (size < string.size) {
        payloads.append({copied, static_cast<size_t>(begin - copied)});
        append_varint(payloads, key);
        append_varint(payloads, size);
        payloads.append({string.data, size});
        copied = fields.position();
      }
    }
    begin = fields.position();
  }
  if (fields.ok()) {
    payloads.append({copied, static_cast<size_t>(payload.end() - copied)});
    payloads.end_value();
  } else {
    payloads.forget_appended();
    payloads.push(payload);
  }
}

}  // namespace tbtools
