// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "peer.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINE = 1 << 20 };

static char input[2 * MAX_LINE];
static char output[2 * MAX_LINE];

static const char greeting[] =
    "{\"protocol\":\"1.0\",\"plugin\":{\"id\":\"org.berth.bench\",\"version\":\"1.0.0\"},\"methods\":["
    "\"activate_storage\",\"status\",\"list_images\",\"alloc_image\",\"free_image\",\"volume_size_info\"],"
    "\"concurrency\":\"parallel\",\"fencing\":\"none\"}";

static int is(struct span text, const char *wanted) {
  return text.from && text.count == strlen(wanted) && memcmp(text.from, wanted, text.count) == 0;
}

int peer_answer_line(const char *line, size_t count) {
  struct message message;
  if (message_read(line, count, &message) < 0) return -1;
  if (!message.id.from || !message.method.from) return 0; // a notification
  struct span result = message.params.from ? message.params : (struct span){"{}", 2};
  if (is(message.method, "\"initialize\"")) result = (struct span){greeting, sizeof greeting - 1};
  char *next = mempcpy(output, "{\"jsonrpc\":\"2.0\",\"id\":", 22);
  next = mempcpy(next, message.id.from, message.id.count);
  next = mempcpy(next, ",\"result\":", 10);
  next = mempcpy(next, result.from, result.count);
  next = mempcpy(next, "}\n", 2);
  for (const char *from = output; from < next;) {
    ssize_t put = write(1, from, (size_t)(next - from));
    if (put <= 0) return -1;
    from += put;
  }
  return 0;
}

int peer_plugin(bool polls) {
  if (polls && fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK) < 0) return 1;
  size_t held = 0;
  for (;;) {
    long got = input_read(0, input + held, sizeof input - held, polls);
    if (got <= 0) return got < 0;
    char *line = input;
    char *end = memchr(input + held, '\n', (size_t)got);
    held += (size_t)got;
    for (; end; end = memchr(line, '\n', held - (size_t)(line - input))) {
      if (peer_answer_line(line, (size_t)(end - line)) < 0) return 1;
      line = end + 1;
    }
    held -= (size_t)(line - input);
    memmove(input, line, held);
    if (held == sizeof input) return 1;
  }
}
