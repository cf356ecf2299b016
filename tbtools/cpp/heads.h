// Heads: payloads with no more of their strings than it takes to tell what each of them is, for a
// caller that wants the size of pictures and not the pictures.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "column.h"
#include "event.h"

namespace tbtools {

// Strings of this size and less are kept whole. It is enough for the headers of PNG, GIF, BMP and
// WebP files; that of a JPEG file may stand anywhere.
constexpr size_t kHead = 64;

// How many of its first bytes a string is kept with: what tbtools/decode/image_headers.py reads.
size_t head_size(Bytes string);

// The fields of which there are heads: those that hold strings of any size.
constexpr uint32_t kHeadFields = bit(FieldId::image) | bit(FieldId::audio) |
                                 bit(FieldId::tensor) | bit(FieldId::tagged_run_metadata);

// Appends the payload of a row of this field with its strings cut to their heads, and the lengths
// that stand before them made right; whole if it is no message.
void push_head(Strings& payloads, FieldId field, Bytes payload);

}  // namespace tbtools
