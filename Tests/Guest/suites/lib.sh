# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
#
# What the guest's suites share; sourced. A suite's beginning and end are marked on the console for scripts/test-guest.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
worst=0

# Everything where the build expects it: the checkout at its own path, libraries known to the loader.
prepare() {
  root=$(cat /berth/root)
  mkdir -p "$root"
  mount --bind /berth/checkout "$root"
  echo /berth/lib >/etc/ld.so.conf.d/berth.conf
  ldconfig
  # No udev here: LVM makes its device nodes itself.
  echo 'activation { udev_sync=0 udev_rules=0 verify_udev_operations=1 } devices { obtain_device_list_from_udev=0 }' \
    >/etc/lvm/lvmlocal.conf
  touch /root/something # the hostile corpus looks for root's files
  # What the hostile corpus needs to succeed outside; with it every control that a stock kernel can show must. And the
  # scheduler by which this kernel gives shares of busy disks.
  modprobe -a tun kvm_amd bfq
  export BERTH_BIN=$root/.build/debug BERTH_GUEST=1
}

# A host as there were before version 2: every controller in a hierarchy of its own, no unified one.
version_one() {
  umount /sys/fs/cgroup
  mount -t tmpfs cgroups /sys/fs/cgroup
  for controller in memory pids cpu,cpuacct devices freezer; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller"
  done
}

# A program that sees no terminal and so prints no colours; its status goes to /run/status.
run() {
  { "$@" 2>&1; echo $? >/run/status; } </dev/null | cat
}

ended() {
  # On a line of its own, also after a suite that was stopped in the middle of one.
  printf '\nGUEST-END %s %s\n' "$1" "$2"
  [ "$2" -eq 0 ] || worst=1
}

# swift_suite NAME FILTER [SKIP]
swift_suite() {
  echo "GUEST-BEGIN swift $1"
  run timeout 600 "$BERTH_BIN/berthPackageTests.xctest" --testing-library swift-testing --no-parallel \
    --filter "$2" --skip "${3:-^$}"
  ended "$1" "$(cat /run/status)"
}

# python_suite NAME [ARGUMENT]: runs /berth/test_NAME.py, which counts on its last line.
python_suite() {
  [ -f "/berth/test_$1.py" ] || return 0
  echo "GUEST-BEGIN counted $1"
  run timeout 900 python3 "/berth/test_$1.py" ${2:-}
  ended "$1" "$(cat /run/status)"
}
