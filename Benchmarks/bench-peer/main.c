// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What the benchmarks measure against, in C: one small file a command.

#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  if (strcmp(command, "copy") == 0 && argc == 5) return peer_copy(argv[2], argv[3], argv[4]);
  if (strcmp(command, "pingpong") == 0 && argc == 3) return peer_pingpong(strtoul(argv[2], NULL, 10));
  if (strcmp(command, "place") == 0 && argc == 4) return peer_place(argv[2], argv[3]);
  if (strcmp(command, "plugin") == 0 && argc == 3) {
    if (strcmp(argv[2], "polls") == 0) return peer_plugin(true);
    if (strcmp(argv[2], "sleeps") == 0) return peer_plugin(false);
  }
  if (strcmp(command, "fuse") == 0 && argc == 3) return peer_fuse(argv[2]);
  if (strcmp(command, "neighbour") == 0 && argc == 3) return peer_neighbour(argv[2]);
  fprintf(
      stderr,
      "usage: bench-peer copy FILE FIFO none|crc32\n"
      "       bench-peer pingpong SIZE <MILLISECONDS\n"
      "       bench-peer place one|all|apart PID\n"
      "       bench-peer plugin polls|sleeps\n"
      "       bench-peer fuse DIR\n"
      "       bench-peer neighbour flood|fork|hog|hang|crowd\n");
  return 2;
}
