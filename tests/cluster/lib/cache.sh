# One folder of the cache per set of inputs, so a changed input never meets an old output. Sourced, never run.

# key PATH... [-- WORD...]: the hash of the files' contents (folders: every file below) and of the words.
key() {
  local path
  while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    path=$1
    shift
    [ -e "$path" ] || fail "no input $path"
    if [ -d "$path" ]; then
      (cd "$path" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
    else
      sha256sum <"$path"
    fi
  done | sha256sum - <(while [ "$#" -gt 0 ] && [ "$1" != -- ]; do shift; done; printf '%s\n' "$@") | sha256sum | cut -c1-16
}

# cached TEXT PATH COMMAND...: runs COMMAND with a temporary path as last argument unless PATH exists, then moves it there.
# Two scripts that want the same PATH at once wait for each other. Of a PATH that ends in a key the three used last are kept.
cached() {
  local text=$1 path=$2
  shift 2
  if [ -e "$path" ]; then
    touch -c "$path"
    return
  fi
  mkdir -p "$(dirname "$path")"
  (
    flock 8
    [ -e "$path" ] && exit
    rm -rf "$path.part"
    step "$text" "$@" "$path.part"
    mv -T "$path.part" "$path"
  ) 8>"$path.lock"
  rm -f "$path.lock"
  keep_newest "$path"
}

keep_newest() {
  local key=[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f] name
  name=$(basename "$1")
  [[ $name =~ -[0-9a-f]{16}(\.tar)?$ ]] || return 0
  find "$(dirname "$1")" -maxdepth 1 -name "${name%-*}-$key$key${BASH_REMATCH[1]}" -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- |
    xargs -r rm -rf
}
