// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Linked into the launcher in place of the C library's allocator: whoever asks for memory once the library itself has
// started ends the process.
// With BERTH_CONTROL, a program that does.

#include <stddef.h>
#include <unistd.h>

static char early[4096]; // glibc's own start wants some
static size_t used;
static int armed;

__attribute__((constructor)) static void arm(void) { armed = 1; }

static void *refuse(size_t size) {
  size = (size + 15) & ~(size_t)15;
  if (!armed && size <= sizeof early - used) return early + (used += size) - size;
  static const char text[] = "memory was asked for\n";
  if (write(2, text, sizeof text - 1) < 0) _exit(86);
  _exit(86);
}

void *malloc(size_t size) { return refuse(size); }
void *calloc(size_t count, size_t size) { return refuse(count * size); }
void *realloc(void *old, size_t size) { return (void)old, refuse(size); }
void *memalign(size_t alignment, size_t size) { return (void)alignment, refuse(size); }
void *aligned_alloc(size_t alignment, size_t size) { return (void)alignment, refuse(size); }
void free(void *old) { (void)old; }

#ifdef BERTH_CONTROL
int main(int argc, char **argv) { return malloc((size_t)argc) == argv; }
#endif
