# Heavy work beside a running cluster. Sourced, never run.

# gently COMMAND...: with a small share of the processor. `nice` is not enough: pods sit in cgroups of their own.
gently() {
  local cgroup=/sys/fs/cgroup/cpu/extraction-build code
  mkdir -p "$cgroup" && echo 1024 >"$cgroup/cpu.shares"
  set +e
  (echo "$BASHPID" >"$cgroup/cgroup.procs"; set -e; exec "$@")
  code=$?
  set -e
  # Another build may still be in it.
  rmdir "$cgroup" 2>/dev/null || true
  return "$code"
}
