// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "peer.h"

#include <stdint.h>
#include <string.h>

// A reader that checks the grammar and remembers where three members stand. Every function takes the place where its
// thing begins and returns the place behind it, or NULL.

enum { MAX_DEPTH = 64 };

static const char *value(const char *at, const char *end, int depth);

static const char *space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/// Behind the plain characters of a string; 16 at a time, which a compiler makes one comparison of.
static const char *plain(const char *at, const char *end) {
  for (; end - at >= 16; at += 16) {
    uint8_t found = 0;
    for (int i = 0; i < 16; i++) {
      uint8_t byte = (uint8_t)at[i];
      found |= (uint8_t)((byte < 0x20) | (byte == '"') | (byte == '\\'));
    }
    if (found) break;
  }
  while (at < end && (uint8_t)*at >= 0x20 && *at != '"' && *at != '\\') at++;
  return at;
}

static const char *string(const char *at, const char *end) {
  for (at++;;) {
    at = plain(at, end);
    if (at == end || (uint8_t)*at < 0x20) return NULL;
    if (*at == '"') return at + 1;
    if (++at == end) return NULL;
    if (*at == 'u') {
      if (end - at < 5 || strspn(at + 1, "0123456789abcdefABCDEF") < 4) return NULL;
      at += 5;
    } else if (memchr("\"\\/bfnrt", *at, 8)) {
      at++;
    } else {
      return NULL;
    }
  }
}

static const char *digits(const char *at, const char *end) {
  const char *start = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at > start ? at : NULL;
}

static const char *number(const char *at, const char *end) {
  if (*at == '-') at++;
  const char *start = at;
  if (!(at = digits(at, end)) || (*start == '0' && at > start + 1)) return NULL;
  if (at < end && *at == '.' && !(at = digits(at + 1, end))) return NULL;
  if (at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    at = digits(at, end);
  }
  return at;
}

static const char *word(const char *at, const char *end, const char *word) {
  size_t count = strlen(word);
  return (size_t)(end - at) >= count && memcmp(at, word, count) == 0 ? at + count : NULL;
}

static const char *array(const char *at, const char *end, int depth) {
  at = space(at + 1, end);
  if (at < end && *at == ']') return at + 1;
  while ((at = value(at, end, depth)) && (at = space(at, end)) < end) {
    if (*at == ']') return at + 1;
    if (*at++ != ',') return NULL;
  }
  return NULL;
}

static void note(struct message *message, struct span name, struct span value) {
  if (name.count == 4 && memcmp(name.from, "\"id\"", 4) == 0) message->id = value;
  if (name.count == 8 && memcmp(name.from, "\"method\"", 8) == 0) message->method = value;
  if (name.count == 8 && memcmp(name.from, "\"params\"", 8) == 0) message->params = value;
}

static const char *object(const char *at, const char *end, int depth, struct message *message) {
  at = space(at + 1, end);
  if (at < end && *at == '}') return at + 1;
  while (at < end && *at == '"') {
    struct span name = {at, 0}, content;
    if (!(at = string(at, end))) return NULL;
    name.count = (size_t)(at - name.from);
    at = space(at, end);
    if (at == end || *at != ':') return NULL;
    content.from = at = space(at + 1, end);
    if (!(at = value(at, end, depth))) return NULL;
    content.count = (size_t)(at - content.from);
    if (message) note(message, name, content);
    at = space(at, end);
    if (at == end) return NULL;
    if (*at == '}') return at + 1;
    if (*at != ',') return NULL;
    at = space(at + 1, end);
  }
  return NULL;
}

static const char *value(const char *at, const char *end, int depth) {
  at = space(at, end);
  if (at == end || depth == MAX_DEPTH) return NULL;
  switch (*at) {
  case '"': return string(at, end);
  case '{': return object(at, end, depth + 1, NULL);
  case '[': return array(at, end, depth + 1);
  case 't': return word(at, end, "true");
  case 'f': return word(at, end, "false");
  case 'n': return word(at, end, "null");
  default: return number(at, end);
  }
}

int message_read(const char *line, size_t count, struct message *message) {
  const char *end = line + count;
  *message = (struct message){0};
  const char *at = space(line, end);
  if (at == end || *at != '{' || !(at = object(at, end, 1, message))) return -1;
  return space(at, end) == end ? 0 : -1;
}
