# Where the built and downloaded programs are. Sourced, never run. `prepare` fills these folders.
source "$CLUSTER_HOME/lib/cache.sh"

KUBERNETES_VERSION=1.35.4
HELM_LAYERS="v35@2.2.2 v32@2.1.0"

# module_folder MODULE: the cache folder of the programs built from go/MODULE.
module_folder() { echo "$CACHE/go/$1-$(key "$CLUSTER_HOME/go/$1" "$CLUSTER_HOME/prepare.d/40-go" -- "$KUBERNETES_VERSION")"; }

# binary NAME: path of a program of the cluster.
binary() {
  case $1 in
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | hyperkube)
      echo "$(module_folder kubernetes)/$1" ;;
    pause | probe | gateway) echo "$(module_folder tools)/$1" ;;
    kubectl) echo "$CACHE/kubectl-v35@2.2.2/kubectl" ;;
    helm) echo "$CACHE/kubectl-v35@2.2.2/helm" ;;
    helm3) echo "$CACHE/kubectl-v32@2.1.0/helm" ;;
    envoy) echo "$CACHE/envoy-1.40.0/envoy" ;;
    *) echo "$(module_folder "$1")/$1" ;;
  esac
}
