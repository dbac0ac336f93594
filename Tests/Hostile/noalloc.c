// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Linked into the launcher in place of the C library's allocator: whoever asks for memory ends the process.
// With BERTH_CONTROL, a program that does.

#include <stddef.h>
#include <unistd.h>

static void *refuse(void) {
  static const char text[] = "memory was asked for\n";
  if (write(2, text, sizeof text - 1) < 0) _exit(86);
  _exit(86);
}

void *malloc(size_t size) { return (void)size, refuse(); }
void *calloc(size_t count, size_t size) { return (void)count, (void)size, refuse(); }
void *realloc(void *old, size_t size) { return (void)old, (void)size, refuse(); }
void *memalign(size_t alignment, size_t size) { return (void)alignment, (void)size, refuse(); }
void *aligned_alloc(size_t alignment, size_t size) { return (void)alignment, (void)size, refuse(); }
void free(void *old) { (void)old; }

#ifdef BERTH_CONTROL
int main(int argc, char **argv) { return malloc((size_t)argc) == argv; }
#endif
