// Why a payload is not what its plugin promises: the reasons that the decoders of payloads give.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tbtools {

// The order is that of kRefusals.
enum class Refusal : int8_t {
  none,
  no_payload,
  no_tensor,
  no_histogram,
  not_float,
  not_strings,
  unknown_shape,
  not_rows_of_three,
  wrong_count,
  unequal_lengths,
  not_utf8,
};

// In plain words, for the table `events`.
constexpr std::array<std::string_view, 11> kRefusals = {
    "",
    "metadata without a value",
    "not a tensor",
    "not a histogram",
    "values that are neither float32 nor float64",
    "values that are not strings",
    "the shape is not known",
    "a tensor that is not of shape [k, 3]",
    "the tensor holds more or fewer values than its shape declares",
    "bucket_limit and bucket are not equally long",
    "text that is not UTF-8",
};

}  // namespace tbtools
