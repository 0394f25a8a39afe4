# Everything that must differ between two clusters on one machine, derived from the cluster's name. Sourced, never run.
# The number behind a name is kept in a registry, because addresses need a small integer.

use_cluster() {
  NAME=$1
  [[ $NAME =~ ^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$ ]] || fail "cluster name $NAME: must be 1 to 20 of a-z, 0-9 and -"
  DIR=$STATE/$NAME
  RUN=$DIR/run LOG=$DIR/log PKI=$DIR/pki
  CGROUP=extraction-$NAME
  NODE=extraction-$NAME
  CONTAINERD=$DIR/run/containerd.sock
  export KUBECONFIG=$DIR/kubeconfig
  INDEX=$(index_of "$NAME")
  [ -n "$INDEX" ] || return 0
  local net=10.$((64 + INDEX))
  NETWORK=$net.0.0/16
  POD_CIDR=$net.0.0/20 POD_GATEWAY=$net.0.1
  SERVICE_CIDR=$net.128.0/18 API_SERVICE_IP=$net.128.1 DNS_IP=$net.128.10
  HOST_IP=$net.255.1 NODE_IP=$net.255.2
  HOST_LINK=extraction$INDEX
}

index_of() { awk -v n="$1" '$2 == n { print $1 }' "$STATE/registry" 2>/dev/null || true; }

# Takes the first number whose addresses nobody on this machine routes.
register() {
  mkdir -p "$STATE"
  (
    flock 9
    [ -z "$(index_of "$1")" ] || exit 0
    local i
    for i in $(seq 0 31); do
      if ! grep -q "^$i " "$STATE/registry" 2>/dev/null && [ -z "$(ip route show root "10.$((64 + i)).0.0/16")" ]; then
        echo "$i $1" >>"$STATE/registry"
        exit 0
      fi
    done
    fail "no free address range for another cluster"
  ) 9>"$STATE/registry.lock"
}

unregister() {
  (
    flock 9
    sed -i "/^[0-9]* $1\$/d" "$STATE/registry"
  ) 9>"$STATE/registry.lock"
}
