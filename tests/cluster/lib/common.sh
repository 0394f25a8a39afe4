# Paths, progress lines and failure, shared by every script of this folder. Sourced, never run.
set -euo pipefail
shopt -s inherit_errexit

CLUSTER_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPOSITORY=$(cd "$CLUSTER_HOME/../.." && pwd)
CACHE=${EXTRACTION_CACHE:-$HOME/.cache/extraction-operator}
STATE=${EXTRACTION_STATE:-/var/lib/extraction-cluster}
# Nested scripts count from the start of the outermost one.
export EXTRACTION_STARTED=${EXTRACTION_STARTED:-$EPOCHREALTIME}
export LC_ALL=C.UTF-8
mkdir -p "$CACHE"

elapsed() { awk -v a="${1:-$EXTRACTION_STARTED}" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

say() { printf '[%6ss] %s\n' "$(elapsed)" "$*" >&2; }

fail() { say "failed: $*"; exit 1; }

# step TEXT COMMAND...: announces the command, keeps its output in a log, shows the log's end when it fails.
step() {
  local text=$1 log begun=$EPOCHREALTIME code took
  shift
  log=$(mktemp)
  say "$text ..."
  # Not `|| code=$?`: bash would ignore every failure but the last inside the command.
  set +e
  (set -e; "$@") >"$log" 2>&1
  code=$?
  set -e
  took=$(elapsed "$begun")
  if [ "$code" != 0 ]; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    fail "$text (exit $code after $took s)"
  fi
  rm -f "$log"
  if [ "${took%.*}" -ge 2 ]; then say "$text: done in $took s"; fi
}

# wait_for SECONDS TEXT COMMAND...: polls a condition four times a second, up to a limit.
wait_for() {
  local limit=$1 text=$2 begun=$EPOCHREALTIME
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$(printf '%.0f' "$(elapsed "$begun")")" -ge "$limit" ]; then fail "$text: not within $limit s"; fi
    sleep 0.25
  done
}
