// Command node-agent does for the local cluster what a network and a storage plugin do elsewhere: it enforces
// NetworkPolicy on the node's bridge by iptables, and makes volumes for claims of the storage class `local`.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// Events come in bursts; one pass answers all that arrive within this time.
const settle = 50 * time.Millisecond

// A failed pass is repeated, and rules that somebody else removed come back.
const again = 5 * time.Second

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	node := flag.String("node", "", "name of the node")
	machine := flag.String("machine", "", "address of the machine outside the cluster's network: may reach every pod, as the node may")
	folder := flag.String("volumes", "", "folder in which volumes are made")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	factory := informers.NewSharedInformerFactory(client, 0)
	enforcer := newEnforcer(factory, *machine)
	provisioner := newProvisioner(factory, client, *node, *folder)
	changed := make(chan struct{}, 1)
	for _, informer := range append(enforcer.informers(), provisioner.informers()...) {
		notify(informer, changed)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for {
		if err := enforcer.pass(); err != nil {
			log.Printf("network policies: %v", err)
		}
		if err := provisioner.pass(ctx); err != nil {
			log.Printf("volumes: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			time.Sleep(settle)
		case <-time.After(again):
		}
	}
}

func notify(informer cache.SharedIndexInformer, changed chan<- struct{}) {
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(any, any) { tell() },
		DeleteFunc: func(any) { tell() },
	})
	if err != nil {
		log.Fatal(err)
	}
}
