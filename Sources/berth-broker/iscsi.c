// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// iSCSI through its administration tool. The tool reads how to log in from a record in a file; it finds a directory for
// records that only this worker and the tool can see, in memory: the host's own records stay as they are, and a secret
// is in no argument, no environment, on no disk and gone with the worker. The session's daemon has what it needs by then.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define SESSIONS "/sys/class/iscsi_session"
#define CONNECTIONS "/sys/class/iscsi_connection"

static const char *const program[] = {"/usr/sbin/iscsiadm", "/sbin/iscsiadm", NULL};
// Where releases of the tool keep records of targets.
static const char *const records[] = {"/etc/iscsi/nodes", "/var/lib/iscsi/nodes"};
// The tool's exit codes.
enum { REFUSED = 24, EXISTS = 15, NO_DAEMON = 20, NO_SESSION = 21 };

// Whether this is a session with the request's target at the request's portal.
static bool is_asked(unsigned session) {
  char name[64], found[256], port[32];
  if (request.size && request.size - 1 != session) return false;
  snprintf(name, sizeof name, "session%u", session);
  if (!read_attribute(SESSIONS, name, "targetname", found, sizeof found) || strcmp(found, text(request.target)) != 0) {
    return false;
  }
  snprintf(name, sizeof name, "connection%u:0", session);
  // As it was asked for; the target may have sent us on.
  return read_attribute(CONNECTIONS, name, "persistent_address", found, sizeof found) &&
         read_attribute(CONNECTIONS, name, "persistent_port", port, sizeof port) && is_portal(found, port);
}

static bool find_session(unsigned *number) {
  DIR *directory = opendir(SESSIONS);
  bool found = false;
  for (struct dirent *entry; directory && !found && (entry = readdir(directory));) {
    found = sscanf(entry->d_name, "session%u", number) == 1 && is_asked(*number);
  }
  if (directory) closedir(directory);
  return found;
}

static bool belongs(const char *disk) {
  char path[512], real[1024];
  snprintf(path, sizeof path, "/sys/block/%s", disk);
  ssize_t size = readlink(path, real, sizeof real - 1);
  if (size <= 0) return false;
  real[size] = 0;
  const char *session = strstr(real, "/session");
  unsigned number;
  unsigned long long lun;
  if (!session || sscanf(session, "/session%u/target%*u:%*u:%*u/%*u:%*u:%*u:%llu/", &number, &lun) != 2) return false;
  if (!is_asked(number) || (request.offset && request.offset - 1 != lun)) return false;
  reply.number = number;
  return true;
}

static void hide_records(void) {
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail("mount namespace");
  if (access("/etc/iscsi", F_OK) == 0 && mkdir(records[0], 0700) < 0 && errno != EEXIST) fail("%s", records[0]);
  for (int i = 0; i < 2; i++) {
    // Memory that is never swapped out.
    if (mount("berth", records[i], "ramfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0 && errno != ENOENT) {
      fail("%s", records[i]);
    }
  }
}

// The only record: a file in directories that are called after target and portal.
static int open_record(int directory, int depth) {
  DIR *list = depth < 4 ? fdopendir(directory) : NULL;
  int found = -1;
  for (struct dirent *entry; list && found < 0 && (entry = readdir(list));) {
    if (entry->d_name[0] == '.') continue;
    found = openat(directory, entry->d_name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (found >= 0 || errno != EISDIR) continue;
    int inner = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner >= 0) found = open_record(inner, depth + 1);
  }
  if (list) closedir(list);
  return found;
}

static void append(int record, const char *key, const char *value) {
  char line[512];
  int size = snprintf(line, sizeof line, "%s = %s\n", key, value);
  bool bad = size >= (int)sizeof line || write(record, line, (size_t)size) != size;
  explicit_bzero(line, sizeof line);
  if (bad) fail_with(EIO, "the record of %s", text(request.target));
}

static void check_word(const char *value, const char *what) {
  size_t length = strlen(value);
  if (length == 0 || length > 255) fail_with(EINVAL, "%s: empty or too long", what);
  for (size_t i = 0; i < length; i++) {
    if (value[i] <= ' ' || value[i] > '~') fail_with(EINVAL, "%s: character not allowed", what);
  }
}

static void complete_record(void) {
  int record = -1;
  for (int i = 0; i < 2 && record < 0; i++) {
    int directory = open(records[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) record = open_record(directory, 0);
  }
  if (record < 0) fail_with(EIO, "iscsiadm left no record of %s", text(request.target));
  append(record, "node.session.initial_login_retry_max", "1");
  if (request.option_count) {
    const char *name = text(request.options[0].key), *secret = text(request.options[0].value);
    check_word(name, "CHAP name");
    check_word(secret, "CHAP secret");
    append(record, "node.session.auth.authmethod", "CHAP");
    append(record, "node.session.auth.username", name);
    append(record, "node.session.auth.password", secret);
  }
  close(record);
}

static void log_in(void) {
  char portal[96];
  unsigned number;
  bool six = strchr(text(request.source), ':');
  snprintf(portal, sizeof portal, six ? "[%s]:%u" : "%s:%u", text(request.source), request.number);
  const char *target = text(request.target);
  const char *const make[] = {"iscsiadm", "-m", "node", "-T", target, "-p", portal, "-o", "new", NULL};
  const char *const login[] = {"iscsiadm", "-m", "node", "-T", target, "-p", portal, "--login", NULL};
  // Somebody else's session serves as well, but is theirs to end.
  reply.id = find_session(&number);
  if (!reply.id) {
    hide_records();
    run(program, make);
    if (reply.status) fail_with(EIO, "iscsiadm could not record %s (status %d)", target, reply.status);
    complete_record();
    run(program, login);
    if (reply.status == NO_DAEMON) fail_with(EOPNOTSUPP, "iscsid does not answer: start the service iscsid");
    if (reply.status == REFUSED) {
      fail_with(EKEYREJECTED, "%s refused the login: it wants another CHAP name or secret, or does not know this host's "
                              "initiator name", target);
    }
    if (reply.status == EXISTS) reply.id = 1;
    if (reply.status && reply.status != EXISTS) {
      fail_with(EIO, "iSCSI login to %s failed (status %d)", target, reply.status);
    }
  }
  await_disk("sd", belongs);
}

static void log_out(void) {
  unsigned number;
  char session[16];
  if (!find_session(&number)) return;
  check_idle();
  snprintf(session, sizeof session, "%u", number);
  const char *const logout[] = {"iscsiadm", "-m", "session", "-r", session, "--logout", NULL};
  hide_records();
  run(program, logout);
  if (reply.status && reply.status != NO_SESSION) {
    fail_with(EIO, "iSCSI logout of %s failed (status %d)", text(request.target), reply.status);
  }
}

void op_iscsi(void) {
  unsigned number;
  check_remote();
  if (request.flags & BB_F_LOOK) {
    reply.id = *text(request.node) ? is_disk(belongs) : find_session(&number);
    return;
  }
  switch ((enum bb_iscsi)request.verb) {
    case BB_ISCSI_LOGIN: log_in(); break;
    case BB_ISCSI_LOGOUT: log_out(); break;
    case BB_ISCSI_COUNT: default: fail_with(EINVAL, "iSCSI operation");
  }
  reply.status = 0;
}
