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

# ticking TEXT BEGUN LOG: says every ten seconds that the work goes on, with the last line of its log. Ends with the script.
ticking() {
  local idle
  # A pipe that nobody writes to, since a `sleep` would outlive us.
  exec {idle}<> <(:)
  while kill -0 $$ 2>/dev/null; do
    read -rt 10 -u "$idle" || true
    say "$1: $(elapsed "$2") s: $(tail -c 400 "$3" | tr '\r' '\n' | grep -v '^ *$' | tail -n 1 | cut -c 1-80)"
  done
}

# step TEXT COMMAND...: announces the command, keeps its output in a log, shows the log's end when it fails.
step() {
  local text=$1 log begun=$EPOCHREALTIME code took ticker
  shift
  log=$(mktemp)
  say "$text ..."
  ticking "$text" "$begun" "$log" &
  ticker=$!
  # Not `|| code=$?`: bash would ignore every failure but the last inside the command.
  set +e
  (set -e; "$@") >"$log" 2>&1
  code=$?
  set -e
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
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
