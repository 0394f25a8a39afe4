// Command etcd is the key-value store behind the API server (Debian's 3.4 is too old for watch progress and streaming lists).
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
