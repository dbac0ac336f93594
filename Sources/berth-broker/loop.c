// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Loop devices. The label written into a device tells whose it is, so that a number that the kernel has given to somebody
// else in the meantime is never detached.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef LOOP_CONFIGURE
#define LOOP_CONFIGURE 0x4C0A
struct loop_config {
  uint32_t fd, block_size;
  struct loop_info64 info;
  uint64_t reserved[8];
};
#endif

int loop_attach(int file, const char *label, bool read_only, bool autoclear, unsigned *number, char *path, size_t size) {
  if (strncmp(label, LOOP_LABEL, strlen(LOOP_LABEL)) != 0) fail_with(EINVAL, "label");
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) fail("/dev/loop-control");
  for (int attempt = 0; attempt < 64; attempt++) {
    int free_number = ioctl(control, LOOP_CTL_GET_FREE);
    if (free_number < 0) fail("no loop device is free");
    snprintf(path, size, "/dev/loop%d", free_number);
    int device = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (device < 0) fail("%s", path);
    struct loop_config config = {.fd = (uint32_t)file};
    config.info.lo_offset = request.offset;
    config.info.lo_sizelimit = request.size;
    config.info.lo_flags = (read_only ? LO_FLAGS_READ_ONLY : 0) | (autoclear ? LO_FLAGS_AUTOCLEAR : 0);
    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", label);
    if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
      *number = (unsigned)free_number;
      close(control);
      return device;
    }
    if (errno != EBUSY) fail("%s cannot be configured", path);
    close(device); // somebody else was faster
  }
  fail_with(EBUSY, "no loop device stayed free");
}

void op_loop_attach(void) {
  check_name(text(request.label), "label");
  bool read_only = request.flags & BB_F_READ_ONLY;
  int file = open_image(request.root, request.path, !read_only);
  int device = loop_attach(file, text(request.label), read_only, false, &reply.number, reply.node, sizeof reply.node);
  struct stat status;
  if (fstat(device, &status) < 0) fail("%s", reply.node);
  reply.major = major(status.st_rdev);
  reply.minor = minor(status.st_rdev);
}

static void detach(unsigned number) {
  char path[64];
  snprintf(path, sizeof path, "/dev/loop%u", number);
  int device = open(path, O_RDONLY | O_CLOEXEC);
  if (device < 0 && errno == ENOENT) return;
  if (device < 0) fail("%s", path);
  struct loop_info64 info;
  if (ioctl(device, LOOP_GET_STATUS64, &info) < 0) {
    if (errno != ENXIO) fail("%s", path);
    close(device); // detached already
    return;
  }
  info.lo_file_name[LO_NAME_SIZE - 1] = 0;
  if (strcmp((const char *)info.lo_file_name, text(request.label)) == 0) {
    if (!(request.flags & BB_F_FORCE)) {
      int alone = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
      if (alone < 0) fail("%s is in use", path);
      close(alone);
    }
    if (ioctl(device, LOOP_CLR_FD, 0) < 0 && errno != ENXIO) fail("%s", path);
  }
  close(device);
}

// The device of that number, or with UINT32_MAX whichever carries the label: the number was never told.
void op_loop_detach(void) {
  check_name(text(request.label), "label");
  if (request.number != UINT32_MAX) {
    detach(request.number);
    return;
  }
  DIR *directory = opendir("/sys/block");
  if (!directory) fail("/sys/block");
  for (struct dirent *entry; (entry = readdir(directory));) {
    unsigned number;
    if (sscanf(entry->d_name, "loop%u", &number) == 1) detach(number);
  }
  closedir(directory);
}
