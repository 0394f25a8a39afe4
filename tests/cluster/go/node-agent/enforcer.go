package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	networklisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

// enforcer keeps the iptables rules of the node equal to what the policies say.
type enforcer struct {
	machine    string
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networklisters.NetworkPolicyLister
	watched    []cache.SharedIndexInformer
	chains     []string
	rules      string
}

func newEnforcer(factory informers.SharedInformerFactory, machine string) *enforcer {
	pods, namespaces, policies := factory.Core().V1().Pods(), factory.Core().V1().Namespaces(), factory.Networking().V1().NetworkPolicies()
	return &enforcer{
		machine: machine, pods: pods.Lister(), namespaces: namespaces.Lister(), policies: policies.Lister(),
		watched: []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()},
	}
}

func (e *enforcer) informers() []cache.SharedIndexInformer { return e.watched }

func (e *enforcer) pass() error {
	world, err := e.observe()
	if err != nil {
		return err
	}
	chains, lines := world.rules()
	rules := strings.Join(lines, "\n")
	if rules != e.rules || e.chains == nil {
		if err := restore(chains, e.chains, rules); err != nil {
			return err
		}
		e.chains, e.rules = chains, rules
	}
	return hook()
}

func (e *enforcer) observe() (world, error) {
	w := world{machine: e.machine, namespaces: map[string]labels.Set{}}
	pods, err := e.pods.List(labels.Everything())
	if err != nil {
		return w, err
	}
	for _, p := range pods {
		if p.Status.PodIP == "" || p.Spec.HostNetwork || p.Status.Phase == core.PodSucceeded || p.Status.Phase == core.PodFailed {
			continue
		}
		ports := map[string]int32{}
		for _, c := range p.Spec.Containers {
			for _, port := range c.Ports {
				ports[port.Name] = port.ContainerPort
			}
		}
		w.pods = append(w.pods, pod{namespace: p.Namespace, address: p.Status.PodIP, labels: p.Labels, ports: ports})
	}
	slices.SortFunc(w.pods, func(a, b pod) int { return strings.Compare(a.address, b.address) })
	namespaces, err := e.namespaces.List(labels.Everything())
	if err != nil {
		return w, err
	}
	for _, n := range namespaces {
		w.namespaces[n.Name] = n.Labels
	}
	policies, err := e.policies.List(labels.Everything())
	if err != nil {
		return w, err
	}
	for _, p := range policies {
		w.policies = append(w.policies, *p)
	}
	slices.SortFunc(w.policies, func(a, b policy) int { return strings.Compare(string(a.UID), string(b.UID)) })
	return w, nil
}

// restore replaces our chains in one transaction and removes those no longer wanted.
func restore(chains, old []string, rules string) error {
	var text strings.Builder
	text.WriteString("*filter\n")
	gone := slices.DeleteFunc(slices.Clone(old), func(c string) bool { return slices.Contains(chains, c) })
	for _, c := range append(slices.Clone(chains), gone...) {
		fmt.Fprintf(&text, ":%s - [0:0]\n", c)
	}
	text.WriteString(rules + "\n")
	for _, c := range gone {
		fmt.Fprintf(&text, "-X %s\n", c)
	}
	text.WriteString("COMMIT\n")
	command := exec.Command("iptables-restore", "-w", "-n")
	command.Stdin = strings.NewReader(text.String())
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("iptables-restore: %w: %s", err, out)
	}
	return nil
}

// hook sends traffic through our chains: between pods (FORWARD) and from pods to the node itself (INPUT).
func hook() error {
	for _, h := range [][2]string{{"FORWARD", ingressChain}, {"FORWARD", egressChain}, {"INPUT", egressChain}} {
		if exec.Command("iptables", "-w", "-C", h[0], "-j", h[1]).Run() == nil {
			continue
		}
		if out, err := exec.Command("iptables", "-w", "-I", h[0], "1", "-j", h[1]).CombinedOutput(); err != nil {
			return fmt.Errorf("iptables: %w: %s", err, out)
		}
	}
	return nil
}
