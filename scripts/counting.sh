# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
#
# How scripts/test and scripts/soak run tests and count them; sourced after lib.sh, never run. Wants `work`, a directory.

passed=0 failed=0 skipped=0
failures=()

# Tests that start sandboxes, daemons or whole machines' worth of processes run one after another: they share cgroups,
# uids and two cores, and a deadline missed for lack of CPU says nothing about Berth. What they leave of child processes
# when a launcher dies in the middle would also be waited for, without end, by tests of how a process ends.
heavy='^(BrokerTests|PluginSandboxTests|PluginSupervisorTests|StorageHostTests|ConformanceTests|EndToEndTests)\.'

good() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); failures+=("$1"); say "FAILED: $1"; }
skip() { skipped=$((skipped + 1)); say "SKIPPED: $1"; }

finish() {
  step "result"
  for failure in ${failures[@]+"${failures[@]}"}; do say "failed: $failure"; done
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# What killed tests left of control groups: empty ones whose maker (the number in `name.PID.count`) lives no more.
# Thousands of them slow every start on a machine down.
remove_dead_groups() {
  local leaf pid
  for leaf in /sys/fs/cgroup/berth/*/*.*.* /sys/fs/cgroup/*/berth/*/*.*.*; do
    [ -d "$leaf" ] || continue
    pid=${leaf%.*} pid=${pid##*.}
    case $pid in '' | *[!0-9]*) continue ;; esac
    [ -d "/proc/$pid" ] || rmdir "$leaf" "${leaf%/*}" 2>/dev/null || true
  done
}

# swift_tests NAME ARGUMENTS…: a run of the tests that were built, counted one by one. A run that dies (a crash, a hang
# that a time limit ended, no test at all) counts as one more failure. BERTH_TEST_TIMEOUT: seconds it may take, 0 for
# no limit. With `live=yes` its output is shown as it comes.
#
# The test program itself is run: `swift test` plans the whole build again, even to build nothing, and waits without
# end for whoever else uses .build.
swift_tests() {
  local name=$1 log=$work/tests.log status=0 ok ko no program
  shift
  step "tests: $name"
  program=$(echo "$BERTH_ROOT"/.build/debug/*PackageTests.xctest)
  [ -x "$program" ] || die "there is no test program $program" "swift build --build-tests"
  if [ "${live:-no}" = yes ]; then
    NO_COLOR=1 timeout --kill-after=30 "${BERTH_TEST_TIMEOUT:-0}" "$program" --testing-library swift-testing "$@" \
      2>&1 | tee "$log" >&2 || status=${PIPESTATUS[0]}
  else
    NO_COLOR=1 timeout --kill-after=30 "${BERTH_TEST_TIMEOUT:-1500}" "$program" --testing-library swift-testing "$@" \
      >"$log" 2>&1 || status=$?
    grep -vE '^(◇|✔|􀟈|􁁛)' "$log" >&2 || true
  fi
  # Not only where a line begins: what a test prints may stand before it.
  ok=$(grep -aoP '✔ Test (?!run |case ).*? passed after ' "$log" | grep -ac . || true)
  ko=$(grep -aoP '✘ Test (?!run |case ).*? failed after ' "$log" | grep -ac . || true)
  no=$(grep -aoP '➜ Test .*? skipped' "$log" | grep -ac . || true)
  while IFS= read -r line; do say "SKIPPED: ${line#➜ }"; done < <(grep -E '^➜ Test .* skipped' "$log" || true)
  while IFS= read -r line; do failures+=("${line#✘ }"); done \
    < <(grep -E '^✘ Test .* failed after ' "$log" | grep -vE '^✘ Test (run|case) ' || true)
  passed=$((passed + ok)) failed=$((failed + ko)) skipped=$((skipped + no))
  if [ "$status" -ne 0 ] && [ "$ko" = 0 ]; then
    tail -n 40 "$log" >&2
    bad "the run of $name ended with status $status without naming a failed test"
  elif [ "$((ok + ko))" = 0 ]; then
    bad "the run of $name had no test"
  fi
  say "$name: $ok passed, $ko failed, $no skipped"
}

