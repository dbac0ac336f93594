// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Logical volumes, through the LVM tools with arguments that are put together here from checked names and numbers.

#include "broker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const program[] = {"/usr/sbin/lvm", "/sbin/lvm", NULL};
static const char *argv[BB_MAX_ARGS * 2 + 32];
static int argc;

static void add(const char *argument) {
  if (argc + 1 >= (int)(sizeof argv / sizeof *argv)) fail_with(E2BIG, "arguments");
  argv[argc++] = argument;
}

// `command`, and what no file may change: logical volumes (guests' disks) are never searched for volume groups, and
// without udev the tools look after the nodes themselves.
static void begin(const char *command) {
  add("lvm");
  add(command);
  add("--config");
  add(access("/run/udev/control", F_OK) == 0
          ? "devices{scan_lvs=0} activation{monitoring=0} report{output_format=\"basic\" time_format=\"%s\"}"
          : "devices{scan_lvs=0 obtain_device_list_from_udev=0} activation{udev_sync=0 udev_rules=0 monitoring=0 "
            "verify_udev_operations=1} report{output_format=\"basic\" time_format=\"%s\"}");
}

static const char *volume(uint32_t name) {
  static char names[2][280];
  static int next;
  char *out = names[next++ % 2];
  check_lvm_name(text(name), "logical volume");
  snprintf(out, sizeof names[0], "%s/%s", text(request.vg), text(name));
  return out;
}

static const char *bytes(void) {
  static char out[32];
  if (request.size == 0) fail_with(EINVAL, "size");
  snprintf(out, sizeof out, "%llub", (unsigned long long)request.size);
  return out;
}

static void report(const char *command, const char *fields) {
  begin(command);
  add("--reportformat"), add("json"), add("--units"), add("b"), add("--nosuffix"), add("--options"), add(fields);
  add(text(request.vg));
}

static void create(void) {
  begin("lvcreate");
  add("--yes"), add("--name"), check_lvm_name(text(request.lv), "logical volume"), add(text(request.lv));
  if (*text(request.pool)) {
    check_lvm_name(text(request.pool), "thin pool");
    add("--virtualsize"), add(bytes()), add("--thinpool"), add(text(request.pool));
  } else {
    bool wipe = request.flags & BB_F_WIPE;
    add("--size"), add(bytes()), add("--wipesignatures"), add(wipe ? "y" : "n"), add("--zero"), add(wipe ? "y" : "n");
  }
  for (unsigned i = 0; i < request.arg_count; i++) {
    check_tag(text(request.args[i]));
    add("--addtag"), add(text(request.args[i]));
  }
  add(text(request.vg));
}

static void change_tags(void) {
  if (request.arg_count == 0) fail_with(EINVAL, "tags");
  begin("lvchange");
  for (unsigned i = 0; i < request.arg_count; i++) {
    const char *change = text(request.args[i]);
    if (*change != '+' && *change != '-') fail_with(EINVAL, "tag");
    check_tag(change + 1);
    add(*change == '+' ? "--addtag" : "--deltag"), add(change + 1);
  }
  add(volume(request.lv));
}

void op_lvm(void) {
  check_lvm_name(text(request.vg), "volume group");
  switch ((enum bb_lvm)request.verb) {
    case BB_LVM_GROUP: report("vgs", "vg_name,vg_size,vg_free,vg_extent_size"); break;
    case BB_LVM_VOLUMES:
      report("lvs", "lv_name,lv_size,pool_lv,origin,data_percent,lv_tags,lv_time,lv_active,lv_attr,segtype,lv_merging");
      break;
    case BB_LVM_CREATE: create(); break;
    case BB_LVM_REMOVE: begin("lvremove"), add("--force"), add(volume(request.lv)); break;
    case BB_LVM_RENAME: begin("lvrename"), add(volume(request.lv)), add(volume(request.other)); break;
    case BB_LVM_EXTEND: begin("lvextend"), add("--size"), add(bytes()), add(volume(request.lv)); break;
    case BB_LVM_SNAPSHOT:
      // Not --snapshot: that wants the module of old, copying snapshots before it looks what the origin is.
      begin("lvcreate"), add("--yes"), add("--type"), add("thin"), add("--setactivationskip"), add("n");
      add("--permission"), add(request.flags & BB_F_READ_ONLY ? "r" : "rw");
      check_lvm_name(text(request.other), "logical volume"), add("--name"), add(text(request.other));
      add(volume(request.lv));
      break;
    case BB_LVM_MERGE: begin("lvconvert"), add("--yes"), add("--merge"), add(volume(request.other)); break;
    case BB_LVM_ACTIVATE:
      begin("lvchange"), add("--activate"), add("y"), add("--ignoreactivationskip"), add(volume(request.lv));
      break;
    case BB_LVM_DEACTIVATE: begin("lvchange"), add("--activate"), add("n"), add(volume(request.lv)); break;
    case BB_LVM_TAG: change_tags(); break;
    case BB_LVM_COUNT: default: fail_with(EINVAL, "LVM operation");
  }
  add(NULL);
  run(program, argv);
}
