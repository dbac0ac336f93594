// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "berth_notify.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

int berth_notify_receive(int listener, struct berth_notice *notice) {
  struct seccomp_notif request;
  memset(&request, 0, sizeof request); // the kernel refuses anything else
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) return -errno;
  notice->id = request.id;
  notice->thread = request.pid;
  notice->number = (uint32_t)request.data.nr;
  for (int i = 0; i < 6; i++) notice->args[i] = request.data.args[i];
  return 0;
}

int berth_notify_valid(int listener, uint64_t id) {
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? -errno : 0;
}

static int answer(int listener, uint64_t id, int error, int64_t value, uint32_t flags) {
  struct seccomp_notif_resp response = {.id = id, .val = value, .error = error, .flags = flags};
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 ? -errno : 0;
}

int berth_notify_continue(int listener, uint64_t id) {
  return answer(listener, id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

int berth_notify_answer(int listener, uint64_t id, int error, int64_t value) {
  return answer(listener, id, error, value, 0);
}
