// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// A plugin's state of limited size: an ext4 file system in a file that only the daemon writes (its superblock is never
// the plugin's), on a loop device that the kernel takes away with the last mount.

#include "launcher.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// A free loop device with the file in it; `name` becomes its path. Somebody else may be faster: then once more.
static int attach(int control, int file, char *name, size_t size) {
  struct loop_config config = {.fd = (uint32_t)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
  for (int round = 0; round < 64; round++) {
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) return -1;
    int device = open(format(name, size, "/dev/loop%d", number), O_RDWR | O_CLOEXEC);
    if (device < 0) return -1;
    if (ioctl(device, LOOP_CONFIGURE, &config) == 0) return device;
    int error = errno;
    close(device);
    errno = error;
    if (error != EBUSY) return -1;
  }
  return -1;
}

// A detached mount of the image that came with the request. In the host's mount namespace, for the device's name.
int open_image(struct job *job) {
  int file = job->fds[BL_FD_IMAGE];
  struct stat status;
  if (fstat(file, &status) < 0) die(job, BL_STEP_SOURCE, "state image");
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) die_with(job, BL_STEP_SOURCE, EINVAL, "state image");
  // The loop device keeps this lock as long as it keeps the file: two mounts of one image would destroy it. What an
  // earlier instance leaves goes a moment after its last process.
  int locked = -1;
  for (int waited = 0, pause = 1; waited < 2000; waited += pause, pause += pause < 10) {
    if ((locked = flock(file, LOCK_EX | LOCK_NB)) == 0 || errno != EWOULDBLOCK) break;
    poll(NULL, 0, pause);
  }
  if (locked < 0) die(job, BL_STEP_SOURCE, "state image: in use");
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) die(job, BL_STEP_SOURCE, "/dev/loop-control");
  char name[32];
  int device = attach(control, file, name, sizeof name);
  if (device < 0) die(job, BL_STEP_SOURCE, "loop device");
  close(control);
  struct option options[] = {{"source", name}, {"errors", "remount-ro"}};
  int mount = make_mount("ext4", options, 2, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (mount < 0) die(job, BL_STEP_SOURCE, "state image: ext4");
  close(device); // the mount holds it now; without one it goes with this descriptor
  close(file);
  job->fds[BL_FD_IMAGE] = -1;
  return mount;
}
