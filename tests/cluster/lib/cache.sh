# One folder of the cache per set of inputs, so a changed input never meets an old output. Sourced, never run.

# key PATH... [-- WORD...]: the hash of the files' contents (folders: every file below) and of the words.
key() {
  local path
  while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    path=$1
    shift
    if [ -d "$path" ]; then
      (cd "$path" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
    else
      sha256sum <"$path"
    fi
  done | sha256sum - <(while [ "$#" -gt 0 ] && [ "$1" != -- ]; do shift; done; printf '%s\n' "$@") | sha256sum | cut -c1-16
}

# cached TEXT PATH COMMAND...: runs COMMAND with a temporary path as last argument unless PATH exists, then moves it there.
# Two scripts that want the same PATH at once wait for each other.
cached() {
  local text=$1 path=$2
  shift 2
  [ -e "$path" ] && return
  mkdir -p "$(dirname "$path")"
  (
    flock 8
    [ -e "$path" ] && exit
    rm -rf "$path.part"
    step "$text" "$@" "$path.part"
    mv -T "$path.part" "$path"
  ) 8>"$path.lock"
  rm -f "$path.lock"
}
