# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
#
# What the scripts share; sourced, never run. Sets BERTH_ROOT (the checkout) and goes there.

set -euo pipefail
export LC_ALL=C.UTF-8
BERTH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$BERTH_ROOT"

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n== %s\n' "$*" >&2; }

# die WHAT [NEXT STEP]
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  next: %s\n' "$2" >&2
  exit 1
}

# Where `scripts/run` keeps its daemon: state, run directory, plugin bundles, log, a sample storage.
berth_home() {
  BERTH_HOME=${BERTH_HOME:-$BERTH_ROOT/.berth}
  mkdir -p "$BERTH_HOME"
  BERTH_HOME=$(cd "$BERTH_HOME" && pwd -P)
  BERTH_STATE=$BERTH_HOME/state
  BERTH_RUN=$BERTH_HOME/run
  # A socket's path holds at most 107 bytes (sun_path), so a deep checkout keeps its run directory elsewhere.
  if [ ${#BERTH_RUN} -gt 90 ]; then
    BERTH_RUN=${XDG_RUNTIME_DIR:-/tmp}/berth-$(printf '%s' "$BERTH_HOME" | cksum | cut -d' ' -f1)-$(id -u)
  fi
  BERTH_PLUGINS=$BERTH_HOME/plugins
  BERTH_LOG=$BERTH_HOME/berthd.log
  BERTH_PIDFILE=$BERTH_HOME/berthd.pid
  export BERTH_SOCKET=$BERTH_RUN/berth.sock
}

# The pid of the daemon that scripts/run started, if it still lives. The pid alone proves nothing (numbers are
# used again), so the program behind it is looked at too.
berth_daemon_pid() {
  local pid
  [ -r "$BERTH_PIDFILE" ] || return 1
  pid=$(cat "$BERTH_PIDFILE")
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  case $(readlink "/proc/$pid/exe" 2>/dev/null) in
    */berthd | */berthd\ \(deleted\)) printf '%s\n' "$pid" ;;
    *) return 1 ;;
  esac
}

# swift build, a second time if it fails: the build system is known to crash once on a loaded machine, and a second
# run goes on where the first one stopped. A real error fails both times.
swift_build() {
  swift build "$@" || { say "the build failed; once more in case the build system itself fell over"; swift build "$@"; }
}
