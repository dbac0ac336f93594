// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Granted endpoints: inside the otherwise empty network namespace each gets its address on the loopback device and a
// listener, whose descriptor goes to the daemon. The daemon accepts and connects to exactly the granted host and port.

#include "launcher.h"

#include <arpa/inet.h>
#include <linux/ipv6.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// A server may live in a network of its own (PrivateNetwork= of its unit). The host's, which was granted, is that of
// whoever asks; a plugin that got the other one would find nothing there, and nobody would know why.
void network_check(struct job *job) {
  struct stat own, theirs;
  if (!server.socket_path || !(job->request.flags & BL_F_NET_HOST)) return;
  int network = ioctl(daemon_socket, SIOCGSKNS);
  if (network < 0 || fstat(network, &theirs) < 0 || fstatat(server.proc, "self/ns/net", &own, 0) < 0) {
    die(job, BL_STEP_NETWORK, "net host");
  }
  if (own.st_dev != theirs.st_dev || own.st_ino != theirs.st_ino) {
    die_with(job, BL_STEP_NETWORK, ENONET, "net host: the launcher has a network of its own");
  }
  close(network);
}

static void raise_loopback(struct job *job) {
  struct ifreq interface = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &interface) < 0) die(job, BL_STEP_NETWORK, "lo");
  interface.ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &interface) < 0) die(job, BL_STEP_NETWORK, "lo");
  close(fd);
}

static void add_address(struct job *job, unsigned index) {
  const struct bl_endpoint *e = &job->request.endpoints[index];
  int fd = -1, result = 0;
  if (e->family == 4 && e->address[0] != 127) {
    struct ifreq request = {0};
    struct sockaddr_in address = {.sin_family = AF_INET};
    format(request.ifr_name, sizeof request.ifr_name, "lo:%u", index + 1);
    memcpy(&address.sin_addr, e->address, 4);
    memcpy(&request.ifr_addr, &address, sizeof address);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    result = fd < 0 ? -1 : ioctl(fd, SIOCSIFADDR, &request);
  } else if (e->family == 6 && memcmp(e->address, &in6addr_loopback, 16) != 0) {
    struct in6_ifreq request = {.ifr6_prefixlen = 128, .ifr6_ifindex = 1};
    memcpy(&request.ifr6_addr, e->address, 16);
    fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    result = fd < 0 ? -1 : ioctl(fd, SIOCSIFADDR, &request);
    if (result < 0 && errno == EEXIST) result = 0; // a second port of the same address
  }
  if (result < 0) die(job, BL_STEP_NETWORK, "endpoint address");
  if (fd >= 0) close(fd);
}

static int listen_on(const struct bl_endpoint *e) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(e->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
  memcpy(&v4.sin_addr, e->address, 4);
  memcpy(&v6.sin6_addr, e->address, 16);
  int fd = socket(e->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int one = 1;
  if (e->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof one) < 0) return -1;
  struct sockaddr *address = e->family == 4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  if (bind(fd, address, e->family == 4 ? sizeof v4 : sizeof v6) < 0) return -1;
  return listen(fd, 64) < 0 ? -1 : fd;
}

void network_set_up(struct job *job) {
  if ((job->request.flags & BL_F_NET_HOST) || job->request.endpoint_count == 0) return;
  raise_loopback(job);
  for (unsigned i = 0; i < job->request.endpoint_count; i++) {
    add_address(job, i);
    int fd = listen_on(&job->request.endpoints[i]);
    if (fd < 0) die(job, BL_STEP_NETWORK, "endpoint listener");
    job->listeners[job->listener_count++] = fd;
  }
}
