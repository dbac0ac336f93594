// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Where `btrfs receive` looks for a base: not where it is told, but at the path of the first subvolume on the file
// system that was received under the sender's id. Of two copies of one snapshot that may be the other one, another
// storage's even; the named base is shown at its path too.

#include "broker.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { DEEPEST = 64 };

// The first item of a tree with this object and type and an offset from `offset` to `last`; its size, or 0.
static size_t find(int fd, uint64_t tree, uint64_t object, uint32_t type, uint64_t *offset, uint64_t last,
                   void *out, size_t most) {
  struct btrfs_ioctl_search_args args = {
      .key = {.tree_id = tree, .min_objectid = object, .max_objectid = object, .min_offset = *offset,
              .max_offset = last, .max_transid = UINT64_MAX, .min_type = type, .max_type = type, .nr_items = 1}};
  if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0 || args.key.nr_items == 0) return 0;
  struct btrfs_ioctl_search_header header;
  memcpy(&header, args.buf, sizeof header);
  size_t size = header.len < most ? header.len : most;
  if (header.objectid != object || header.type != type || size > sizeof args.buf - sizeof header) return 0;
  *offset = header.offset;
  memcpy(out, args.buf + sizeof header, size);
  return size;
}

// The path of a subvolume from the top of the file system, with no '/' at either end.
static bool path_of(int fd, uint64_t id, char *out, size_t size) {
  *out = 0;
  for (int depth = 0; id != BTRFS_FS_TREE_OBJECTID; depth++) {
    unsigned char item[sizeof(struct btrfs_root_ref) + 256];
    uint64_t parent = 0;
    size_t found =
        find(fd, BTRFS_ROOT_TREE_OBJECTID, id, BTRFS_ROOT_BACKREF_KEY, &parent, UINT64_MAX, item, sizeof item);
    struct btrfs_root_ref ref;
    if (depth > DEEPEST || found < sizeof ref) return false;
    memcpy(&ref, item, sizeof ref);
    struct btrfs_ioctl_ino_lookup_args lookup = {.treeid = parent, .objectid = ref.dirid};
    if (found < sizeof ref + ref.name_len || ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) < 0) return false;
    char longer[4096];
    int length = snprintf(longer, sizeof longer, "%s%.*s%s%s", lookup.name, (int)ref.name_len,
                          (const char *)item + sizeof ref, *out ? "/" : "", out);
    if (length >= (int)sizeof longer || (size_t)length >= size) return false;
    memcpy(out, longer, (size_t)length + 1);
    id = parent;
  }
  return true;
}

bool other_place(int fd, const uint8_t uuid[16], uint64_t root, char *out, size_t size) {
  static const uint8_t none[16];
  if (memcmp(uuid, none, 16) == 0) return false;
  uint64_t object, offset, id;
  memcpy(&object, uuid, 8);
  memcpy(&offset, uuid + 8, 8);
  uint64_t first = offset;
  size_t found =
      find(fd, BTRFS_UUID_TREE_OBJECTID, object, BTRFS_UUID_KEY_RECEIVED_SUBVOL, &first, offset, &id, 8);
  if (found < 8) return false;
  char top[4096], path[4096];
  if (!path_of(fd, id, path, sizeof path) || !path_of(fd, root, top, sizeof top)) return false;
  size_t length = strlen(top);
  if (length && (strncmp(path, top, length) != 0 || path[length] != '/')) return false;
  return snprintf(out, size, "%s", path + length + (length ? 1 : 0)) < (int)size;
}
