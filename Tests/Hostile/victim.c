// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Plays the host's other programs: offers every kind of object that a plugin might try to reach, writes their names as
// NAME=VALUE lines and waits until its input ends.

#include "hostile.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_unix(const char *path, int abstract, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  memcpy(address.sun_path + abstract, path, length);
  int fd = socket(AF_UNIX, type, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  if (bind(fd, (struct sockaddr *)&address, size) < 0 || (type != SOCK_DGRAM && listen(fd, 64) < 0)) exit(3);
  if (!abstract) chmod(path, 0666);
  return fd;
}

static int open_port(int type) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, type, 0);
  if (bind(fd, (struct sockaddr *)&address, size) < 0 || (type == SOCK_STREAM && listen(fd, 64) < 0)) exit(3);
  getsockname(fd, (struct sockaddr *)&address, &size);
  return ntohs(address.sin_port);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const char *directory = argv[1];
  char path[512];
  umask(0);
  FILE *out = fopen(argv[2], "we");
  if (!out) return 3;
  fprintf(out, "victim=%d\nvictim_mem=/proc/%d/mem\n", getpid(), getpid());
  int key = 0x42000000 | getpid();
  int shm = shmget(key, 4096, IPC_CREAT | 0666), msg = msgget(key, IPC_CREAT | 0666), sem = semget(key, 1, IPC_CREAT | 0666);
  if (shm < 0 || msg < 0 || sem < 0) return 3;
  fprintf(out, "ipc_key=%d\n", key);
  snprintf(path, sizeof path, "/berth-hostile-%d", getpid());
  if (mq_open(path, O_CREAT | O_RDWR, 0666, NULL) < 0 || shm_open(path, O_CREAT | O_RDWR, 0666) < 0) return 3;
  char objects[sizeof path];
  snprintf(objects, sizeof objects, "%s", path);
  fprintf(out, "mq_name=%s\nshm_name=%s\n", path, path);
  listen_unix(path + 1, 1, SOCK_STREAM);
  fprintf(out, "abstract_socket=%s\n", path + 1);
  char socket_path[512];
  snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
  listen_unix(socket_path, 0, SOCK_STREAM);
  fprintf(out, "path_socket=%s\ntcp_port=%d\nudp_port=%d\n", socket_path, open_port(SOCK_STREAM), open_port(SOCK_DGRAM));
  snprintf(path, sizeof path, "%s/launcher", directory);
  listen_unix(path, 0, SOCK_SEQPACKET);
  fprintf(out, "packet_socket=%s\n", path);
  snprintf(path, sizeof path, "%s/log", directory);
  listen_unix(path, 0, SOCK_DGRAM);
  fprintf(out, "log_socket=%s\n", path);
  snprintf(path, sizeof path, "%s/daemon.log", directory);
  close(open(path, O_WRONLY | O_CREAT, 0666));
  fprintf(out, "log_file=%s\n", path);
  const char *groups[] = {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs"};
  fprintf(out, "cgroup_procs=%s\n", groups[access(groups[0], F_OK) == 0 ? 0 : 1]);
  char name[256];
  gethostname(name, sizeof name);
  fprintf(out, "host_name=%s\n", name);
  fclose(out);
  puts("ready");
  fflush(stdout);
  while (read(0, name, sizeof name) > 0) {}
  shmctl(shm, IPC_RMID, NULL);
  msgctl(msg, IPC_RMID, NULL);
  semctl(sem, 0, IPC_RMID);
  mq_unlink(objects);
  shm_unlink(objects);
  return 0;
}
