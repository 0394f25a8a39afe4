# What the test groups share: counting, progress, the tests' executables, the cluster. Sourced, never run.
set -euo pipefail
shopt -s inherit_errexit

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPOSITORY=$(cd "$HERE/.." && pwd)
cd "$REPOSITORY"
export EXTRACTION_CACHE=${EXTRACTION_CACHE:-$HOME/.cache/extraction-operator}
# The same folder that the images are built in, so that nothing is compiled twice.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$EXTRACTION_CACHE/target}
export LC_ALL=C.UTF-8 CARGO_TERM_COLOR=never
export TEST_STARTED=${TEST_STARTED:-$EPOCHREALTIME}
LOGS=$REPOSITORY/target/test-logs
GROUP=$(basename "$0")
COUNTS=${COUNTS:-/dev/null}
# The demo's cluster has another name, so that both run beside each other.
TEST_CLUSTER=test

elapsed() { awk -v a="${1:-$TEST_STARTED}" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }'; }
say() { printf '[%5ss] %s\n' "$(elapsed)" "$*"; }
stamped() { while IFS= read -r line; do printf '[%5ss] %s\n' "$(elapsed)" "$line"; done; }

# count GROUP PASSED FAILED [WHAT FAILED]
count() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-}" >>"$COUNTS"; }

# holds TEXT COMMAND...: one test; shows the end of its output when it fails, and goes on.
holds() {
  local text=$1 log
  shift
  log=$(mktemp)
  if (set -e; "$@") >"$log" 2>&1; then
    echo "ok    $text"
    count "$GROUP" 1 0
  else
    tail -n 60 "$log"
    echo "FAILED $text"
    count "$GROUP" 0 1 "$text"
  fi
  rm -f "$log"
}

# Builds all tests once per run, in the profile of the images, and lists them as PACKAGE<TAB>KIND<TAB>NAME<TAB>EXECUTABLE.
build_tests() {
  local list=$LOGS/executables
  [ ! -e "$list" ] || return 0
  mkdir -p "$LOGS"
  echo "building the tests"
  cargo test --release --workspace --locked --lib --bins --test '*' --no-run --message-format json-render-diagnostics >"$LOGS/build.json"
  python3 - "$LOGS/build.json" >"$list.part" <<'PYTHON'
import json, sys
for line in open(sys.argv[1]):
    message = json.loads(line)
    if message.get("executable") and message["profile"]["test"]:
        package = message["manifest_path"].split("/")[-2]
        print(package, message["target"]["kind"][0], message["target"]["name"], message["executable"], sep="\t")
PYTHON
  mv "$list.part" "$list"
}

# Names of test files by what must be running; any other name needs nothing.
CLAIMED='(chart|documents|postgres|emulators|cluster)(_.*)?'

# run_tests KIND NAME-PATTERN [ARGUMENT...]: runs the executables of that kind (lib, bin, test) whose name matches; the
# pattern `unclaimed` stands for all that no group claims.
run_tests() {
  local kinds=$1 pattern=$2 package kind name executable log failed passed failures
  shift 2
  build_tests
  log=$(mktemp)
  while IFS=$'\t' read -r package kind name executable; do
    [[ $kind =~ ^($kinds)$ ]] || continue
    if [ "$pattern" = unclaimed ]; then
      if [[ $name =~ ^($CLAIMED)$ ]]; then continue; fi
    else
      [[ $name =~ ^($pattern)(_.*)?$ ]] || continue
    fi
    echo "-- $package: $name"
    # As cargo does it: the working folder is the package's.
    (cd "$(package_folder "$package")" && "$executable" "$@" </dev/null) 2>&1 | tee "$log" || true
    failed=$(awk '/^test .* \.\.\. FAILED/ { print $2 }' "$log" | sort -u | paste -sd' ')
    # What each failed test said, for the end of the run.
    awk '/^---- .* stdout ----$/ { said = 1; lines = 0 } /^failures:$/ { said = 0 } said && lines++ < 30' "$log" >>"$LOGS/failures"
    if ! awk '/^test result:/ { passed += $4; failed += $6; seen = 1 } END { print passed + 0, failed + 0; exit !seen }' "$log" >"$log.sum"; then
      count "$GROUP" 0 1 "$name ended without a result"
    else
      read -r passed failures <"$log.sum"
      count "$GROUP" "$passed" "$failures" "$failed"
    fi
    rm -f "$log.sum"
  done <"$LOGS/executables"
  rm -f "$log"
}

# counted COMMAND...: a script that prints `ok TEXT` or `FAILED TEXT` for each of its own tests.
counted() {
  local log
  log=$(mktemp)
  if ! "$@" 2>&1 | tee "$log" && ! grep -q '^FAILED ' "$log"; then count "$GROUP" 0 1 "$1 ended early"; fi
  count "$GROUP" "$(grep -c '^ok ' "$log")" "$(grep -c '^FAILED ' "$log")" "$(sed -n 's/^FAILED *//p' "$log" | paste -sd';')"
  rm -f "$log"
}

package_folder() {
  case $1 in contract) echo extractor/contract ;; external-metrics) echo operator/external-metrics ;; *) echo "$1" ;; esac
}

# Starts the tests' own cluster with the services beside it, and exports how to reach them.
use_own_cluster() {
  local lines
  touch "$LOGS/cluster-is-ours"
  EXTRACTION_CLUSTER=$TEST_CLUSTER tests/cluster/cluster up
  lines=$(EXTRACTION_CLUSTER=$TEST_CLUSTER tests/cluster/cluster env)
  eval "$lines"
  export EXTRACTION_TEST_KUBECONFIG=$KUBECONFIG
  export EXTRACTION_TEST_POSTGRES_URL="postgres://$EXTRACTION_TEST_POSTGRES_USER:$EXTRACTION_TEST_POSTGRES_PASSWORD@$EXTRACTION_TEST_POSTGRES_HOST:$EXTRACTION_TEST_POSTGRES_PORT/postgres"
}

stop_cluster() {
  [ -e "$LOGS/cluster-is-ours" ] && [ -z "${EXTRACTION_TEST_KEEP:-}" ] || return 0
  say "stopping the cluster of the tests"
  EXTRACTION_CLUSTER=$TEST_CLUSTER tests/cluster/cluster down || say "the cluster did not stop cleanly"
  rm -f "$LOGS/cluster-is-ours"
}

# Puts helm and kubectl on the PATH without building a cluster.
use_helm() {
  tests/cluster/prepare.d/10-packages
  tests/cluster/prepare.d/30-kubectl-helm
  HELM=$(program helm) HELM3=$(program helm3)
  export HELM HELM3 PATH=$(dirname "$HELM"):$PATH EXTRACTION_TEST_HELM3=$HELM3
}
program() { bash -c 'source tests/cluster/lib/common.sh; source "$CLUSTER_HOME/lib/binaries.sh"; binary "$1"' - "$1"; }

# The table at the end; fails when anything failed.
summary() {
  local group passed failed all_passed=0 all_failed=0
  printf '\n%-12s %8s %8s %9s\n' group passed failed seconds
  for group in "$@"; do
    read -r passed failed < <(awk -F'\t' -v g="$group" '$1 == g { p += $2; f += $3 } END { print p + 0, f + 0 }' "$COUNTS")
    # A group in which nothing ran proves nothing.
    if [ $((passed + failed)) = 0 ]; then failed=1; count "$group" 0 1 "no test ran in group $group"; fi
    printf '%-12s %8s %8s %9s\n' "$group" "$passed" "$failed" "$(cat "$LOGS/$group.seconds")"
    all_passed=$((all_passed + passed)) all_failed=$((all_failed + failed))
  done
  cat "$LOGS/failures" 2>/dev/null || true
  awk -F'\t' '$3 > 0 { print "failed: " $1 ": " $4 }' "$COUNTS"
  printf '\n%d passed, %d failed in %s s\n' "$all_passed" "$all_failed" "$(elapsed)"
  [ "$all_failed" = 0 ]
}
