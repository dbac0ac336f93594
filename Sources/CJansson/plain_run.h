// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// How many of the bytes stand before the first block of 16 that holds a quote, a backslash or a control character; a
/// multiple of 16. Sets `*ascii` to false when one of those bytes is over 0x7F. In C since vector comparisons of the
/// standard library are no vector instructions.
static inline size_t berth_plain_blocks(const uint8_t *bytes, size_t count, bool *ascii) {
  typedef uint8_t block __attribute__((vector_size(16)));
  typedef uint64_t halves __attribute__((vector_size(16)));
  block all = {0};
  size_t place = 0;
  for (; count - place >= 16; place += 16) {
    block part;
    memcpy(&part, bytes + place, 16);
    halves stops = (halves)((part < 0x20) | (part == '"') | (part == '\\'));
    if (stops[0] | stops[1]) break;
    all |= part;
  }
  halves seen = (halves)all;
  if ((seen[0] | seen[1]) & 0x8080808080808080) *ascii = false;
  return place;
}
