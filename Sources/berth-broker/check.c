// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What names and paths may look like. Every check ends the worker when it fails.

#include "broker.h"

#include <string.h>

static bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void check_plain(const char *value, const char *allowed, size_t most, const char *what) {
  size_t length = strlen(value);
  if (length == 0 || length > most) fail_with(EINVAL, "%s: empty or too long", what);
  if (value[0] == '-') fail_with(EINVAL, "%s: begins with '-'", what);
  for (size_t i = 0; i < length; i++) {
    if (!is_alphanumeric(value[i]) && !strchr(allowed, value[i])) fail_with(EINVAL, "%s: character not allowed", what);
  }
}

// One component of a path that the host chose.
void check_name(const char *name, const char *what) {
  check_plain(name, "._-", 128, what);
  if (name[0] == '.') fail_with(EINVAL, "%s: begins with '.'", what);
}

void check_lvm_name(const char *name, const char *what) {
  check_plain(name, "+._-", 127, what);
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) fail_with(EINVAL, "%s: reserved name", what);
}

void check_tag(const char *tag) { check_plain(tag, "_+.-/=!:&#", 128, "tag"); }

void check_plugin(void) {
  bool known = request.uid >= first_uid && request.uid <= last_uid;
  if (!known || request.uid == 0 || request.gid != request.uid) {
    fail_with(EPERM, "%u:%u is no plugin's user: those are %u to %u", request.uid, request.gid, first_uid, last_uid);
  }
}

static bool is_beneath(const char *path, const char *directory) {
  size_t length = strlen(directory);
  return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

// Absolute, in its only spelling, no place of the system, and one that this launcher may work in.
void check_directory(const char *path, const char *what) {
  static const char *const system[] = {"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc",
                                       "/root/.ssh", "/sbin", "/sys", "/usr", "/var/lib/dpkg", "/var/spool/cron"};
  size_t length = strlen(path);
  if (length < 2 || length > 1023 || path[0] != '/') fail_with(EINVAL, "%s: not absolute", what);
  const char *part = path + 1;
  for (size_t i = 1; i <= length; i++) {
    unsigned char c = (unsigned char)path[i];
    if (c == '/' || c == 0) {
      size_t size = (size_t)(path + i - part);
      bool dots = (size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.');
      if (size == 0 || size > 255 || dots) fail_with(EINVAL, "%s: not canonical", what);
      part = path + i + 1;
    } else if (c < 0x20 || c == 0x7f) {
      fail_with(EINVAL, "%s: control character", what);
    }
  }
  for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
    if (is_beneath(path, system[i]) || is_beneath(system[i], path)) fail_with(EPERM, "%s: belongs to the system", what);
  }
  bool allowed = writable_count == 0;
  for (int i = 0; i < writable_count; i++) allowed |= is_beneath(path, writable[i]);
  if (!allowed) fail_with(EPERM, "%s: outside the directories that the launcher was given with --writable", what);
}
