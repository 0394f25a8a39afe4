# Starting and ending the cluster's own processes. Sourced, never run.
# Each one runs in the cluster's network namespace and is kept track of twice: by its recorded pid, and by a cgroup that its
# children cannot leave. Nothing is ever looked up by name.

MEMBERS=/sys/fs/cgroup/pids

# start NAME COMMAND...: does nothing when NAME already runs.
start() {
  local name=$1
  shift
  is_running "$name" && return
  (
    echo "$BASHPID" >"$MEMBERS/$CGROUP/daemons/cgroup.procs"
    echo "$BASHPID" >"/sys/fs/cgroup/cpu/$CGROUP/daemons/cgroup.procs"
    cd "$DIR"
    exec 3>&- 8>&- 9>&-
    exec setsid nsenter --net="$DIR/netns" -- "$@" </dev/null >>"$LOG/$name.log" 2>&1
  ) &
  echo "$!" >"$RUN/$name.pid"
}

pid_of() { cat "$RUN/$1.pid" 2>/dev/null; }

# A recorded pid counts only while it is a member of our cgroup: the number may have been given to a stranger.
is_running() {
  local pid
  pid=$(pid_of "$1") && [ -n "$pid" ] && grep -qx "$pid" "$MEMBERS/$CGROUP/daemons/cgroup.procs" 2>/dev/null
}

# stop NAME [SECONDS [SIGNAL]]: asks, waits, then kills.
stop() {
  local pid limit=${2:-5} begun=$EPOCHREALTIME
  is_running "$1" || { rm -f "$RUN/$1.pid"; return 0; }
  pid=$(pid_of "$1")
  kill -"${3:-TERM}" "$pid" 2>/dev/null || true
  while is_running "$1"; do
    if [ "$(printf '%.0f' "$(elapsed "$begun")")" -ge "$limit" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
    sleep 0.05
  done
  rm -f "$RUN/$1.pid"
}

# Every process of the cluster, pods and shims too.
members() { find "$MEMBERS/$CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null || true; }

in_network() { nsenter --net="$DIR/netns" -- "$@"; }
