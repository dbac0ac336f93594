// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// A plugin that costs next to nothing: it greets as its manifest says and answers every other request with its params.
// Like answer.c it relies on the order of members in which the host writes, and is no example of how to read JSON.

enum { MAX_LINE = 1 << 20 };

static char input[2 * MAX_LINE];
static char output[2 * MAX_LINE];

static const char greeting[] =
    "{\"protocol\":\"1.0\",\"plugin\":{\"id\":\"org.berth.bench\",\"version\":\"1.0.0\"},\"methods\":["
    "\"activate_storage\",\"status\",\"list_images\",\"alloc_image\",\"free_image\",\"volume_size_info\"],"
    "\"concurrency\":\"parallel\",\"fencing\":\"none\"}}";

int peer_answer_line(const char *line, size_t length) {
  const char *id = memmem(line, length, "\"id\":", 5);
  const char *params = memmem(line, length, "\"params\":", 9);
  if (!id || !params || id > params) return 0; // a notification
  id += 5;
  params += 9;
  int greets = memmem(line, (size_t)(params - line), "\"initialize\"", 12) != NULL;
  const char *result = greets ? greeting : params;
  size_t rest = greets ? sizeof greeting - 1 : length - (size_t)(params - line); // with the closing brace
  char *next = mempcpy(output, "{\"jsonrpc\":\"2.0\",\"id\":", 22);
  next = mempcpy(next, id, strspn(id, "0123456789"));
  next = mempcpy(next, ",\"result\":", 10);
  next = mempcpy(next, result, rest);
  *next++ = '\n';
  for (const char *from = output; from < next;) {
    ssize_t put = write(1, from, (size_t)(next - from));
    if (put <= 0) return -1;
    from += put;
  }
  return 0;
}

int peer_plugin(void) {
  size_t held = 0;
  for (;;) {
    ssize_t got = read(0, input + held, sizeof input - held);
    if (got <= 0) return 0;
    held += (size_t)got;
    char *line = input;
    char *end;
    while ((end = memchr(line, '\n', held - (size_t)(line - input)))) {
      if (peer_answer_line(line, (size_t)(end - line)) < 0) return 1;
      line = end + 1;
    }
    held -= (size_t)(line - input);
    memmove(input, line, held);
    if (held == sizeof input) return 1;
  }
}
