// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_epoll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int berth_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.data.u64 = data};
  if (events & BERTH_EPOLL_IN) event.events |= EPOLLIN;
  if (events & BERTH_EPOLL_OUT) event.events |= EPOLLOUT;
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int berth_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, data);
}

int berth_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, data);
}

int berth_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

// epoll_wait counts in milliseconds; epoll_pwait2 (Linux 5.11) in nanoseconds. EPERM is what a filter of system calls
// says that does not know it, such as a plugin's sandbox.
static int wait_events(int epoll, struct epoll_event *events, int count, int64_t timeout_ns) {
#ifdef SYS_epoll_pwait2
  struct timespec time = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  long ready = syscall(SYS_epoll_pwait2, epoll, events, count, timeout_ns < 0 ? NULL : &time, NULL, (size_t)0);
  if (ready >= 0 || (errno != ENOSYS && errno != EPERM)) return (int)ready;
#endif
  int64_t milliseconds = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
  return epoll_wait(epoll, events, count, milliseconds > 3600000 ? 3600000 : (int)milliseconds);
}

int berth_epoll_wait(int epoll, struct berth_epoll_event *events, int count, int64_t timeout_ns) {
  struct epoll_event ready[BERTH_EPOLL_BATCH];
  if (count > BERTH_EPOLL_BATCH) count = BERTH_EPOLL_BATCH;
  int found = wait_events(epoll, ready, count, timeout_ns);
  if (found < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < found; i++) {
    uint32_t bits = ready[i].events;
    events[i].data = ready[i].data.u64;
    events[i].events = ((bits & EPOLLIN) ? BERTH_EPOLL_IN : 0) | ((bits & EPOLLOUT) ? BERTH_EPOLL_OUT : 0) |
                       ((bits & (EPOLLHUP | EPOLLERR)) ? BERTH_EPOLL_HANGUP : 0);
  }
  return found;
}
