// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The mount options that exist. What is not in this list cannot be set, whoever asks: nothing here names a file, changes
// a security label or lets devices or set-user-id programs work.

#include "broker.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum shape { FLAG, WORD, ADDRESS, SECRET };

static const struct rule {
  const char *type, *key;
  enum shape shape;
} rules[] = {
    {"ext4", "noatime", FLAG}, {"ext4", "discard", FLAG}, {"ext4", "data", WORD}, {"ext4", "commit", WORD},
    {"xfs", "noatime", FLAG}, {"xfs", "discard", FLAG}, {"xfs", "norecovery", FLAG}, {"xfs", "nouuid", FLAG},
    {"btrfs", "noatime", FLAG}, {"btrfs", "discard", WORD}, {"btrfs", "compress", WORD}, {"btrfs", "commit", WORD},
    {"nfs", "addr", ADDRESS}, {"nfs", "mountaddr", ADDRESS}, {"nfs", "clientaddr", ADDRESS}, {"nfs", "vers", WORD},
    {"nfs", "proto", WORD}, {"nfs", "mountproto", WORD}, {"nfs", "port", WORD}, {"nfs", "mountport", WORD},
    {"nfs", "mountvers", WORD}, {"nfs", "rsize", WORD}, {"nfs", "wsize", WORD}, {"nfs", "timeo", WORD},
    {"nfs", "retrans", WORD}, {"nfs", "acregmin", WORD}, {"nfs", "acregmax", WORD}, {"nfs", "acdirmin", WORD},
    {"nfs", "acdirmax", WORD}, {"nfs", "actimeo", WORD}, {"nfs", "nconnect", WORD}, {"nfs", "sec", WORD},
    {"nfs", "lookupcache", WORD}, {"nfs", "local_lock", WORD}, {"nfs", "soft", FLAG}, {"nfs", "hard", FLAG},
    {"nfs", "softerr", FLAG}, {"nfs", "nolock", FLAG}, {"nfs", "noac", FLAG}, {"nfs", "nordirplus", FLAG},
    {"nfs", "noresvport", FLAG}, {"nfs", "noatime", FLAG},
    {"cifs", "ip", ADDRESS}, {"cifs", "user", WORD}, {"cifs", "domain", WORD}, {"cifs", "password", SECRET},
    {"cifs", "vers", WORD}, {"cifs", "sec", WORD}, {"cifs", "port", WORD}, {"cifs", "uid", WORD},
    {"cifs", "gid", WORD}, {"cifs", "file_mode", WORD}, {"cifs", "dir_mode", WORD}, {"cifs", "iocharset", WORD},
    {"cifs", "cache", WORD}, {"cifs", "rsize", WORD}, {"cifs", "wsize", WORD}, {"cifs", "actimeo", WORD},
    {"cifs", "seal", FLAG}, {"cifs", "nobrl", FLAG}, {"cifs", "mfsymlinks", FLAG}, {"cifs", "soft", FLAG},
    {"cifs", "hard", FLAG}, {"cifs", "noserverino", FLAG}, {"cifs", "forceuid", FLAG}, {"cifs", "forcegid", FLAG},
    {"cifs", "guest", FLAG},
    {"ceph", "name", WORD}, {"ceph", "secret", SECRET}, {"ceph", "mds_namespace", WORD}, {"ceph", "fs", WORD},
    {"ceph", "noatime", FLAG},
};

static const struct rule *find(const char *type, const char *key) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    if (strcmp(rules[i].type, type) == 0 && strcmp(rules[i].key, key) == 0) return &rules[i];
  }
  fail_with(EINVAL, "mount option not allowed for %s", type);
}

void set_options(int fs, const char *type) {
  // A referral would take the mount, and its credentials, to a server that nobody granted.
  if (strcmp(type, "cifs") == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "nodfs", NULL, 0) < 0) {
    fail("mount option nodfs");
  }
  for (unsigned i = 0; i < request.option_count; i++) {
    const char *key = text(request.options[i].key), *value = text(request.options[i].value);
    const struct rule *rule = find(type, key);
    switch (rule->shape) {
      case FLAG: if (*value) fail_with(EINVAL, "mount option %s takes no value", rule->key); break;
      case WORD: check_plain(value, "._:@+", 128, rule->key); break;
      case ADDRESS: check_plain(value, ".:%", 64, rule->key); break;
      case SECRET: if (!*value) fail_with(EINVAL, "mount option %s is empty", rule->key); break;
    }
    bool flag = rule->shape == FLAG;
    long result = syscall(SYS_fsconfig, fs, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key, flag ? NULL : value, 0);
    if (result < 0) fail("mount option %s", rule->key);
  }
}
