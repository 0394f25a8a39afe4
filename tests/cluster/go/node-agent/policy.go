package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	network "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The pure part: from pods, namespaces and policies to lines of iptables-restore. Only IPv4.

const (
	ingressChain = "POLICY-IN"
	egressChain  = "POLICY-OUT"
	anywhere     = "0.0.0.0/0"
)

type policy = network.NetworkPolicy

type pod struct {
	namespace, address string
	labels             labels.Set
	ports              map[string]int32
}

type world struct {
	machine    string
	pods       []pod
	namespaces map[string]labels.Set
	policies   []policy
}

// rule is one direction of one policy's rule, in the same shape for both directions.
type rule struct {
	peers []network.NetworkPolicyPeer
	ports []network.NetworkPolicyPort
}

// rules gives each pod that a policy selects a chain of its own per direction; what no rule lets return is dropped there.
func (w world) rules() (chains, lines []string) {
	chains = []string{ingressChain, egressChain}
	for _, c := range chains {
		lines = append(lines, fmt.Sprintf("-A %s -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN", c))
	}
	if w.machine != "" {
		lines = append(lines, fmt.Sprintf("-A %s -s %s -j RETURN", ingressChain, w.machine))
	}
	for _, p := range w.pods {
		var in, out []rule
		var isolatedIn, isolatedOut bool
		for _, q := range w.policies {
			if q.Namespace != p.namespace || !selects(&q.Spec.PodSelector, p.labels) {
				continue
			}
			if slices.Contains(q.Spec.PolicyTypes, network.PolicyTypeIngress) {
				isolatedIn = true
				for _, r := range q.Spec.Ingress {
					in = append(in, rule{r.From, withNumbers(r.Ports, p)})
				}
			}
			if slices.Contains(q.Spec.PolicyTypes, network.PolicyTypeEgress) {
				isolatedOut = true
				for _, r := range q.Spec.Egress {
					out = append(out, rule{r.To, r.Ports})
				}
			}
		}
		name := strings.ReplaceAll(p.address, ".", "-")
		if isolatedIn {
			chain := "IN-" + name
			chains = append(chains, chain)
			lines = append(lines, fmt.Sprintf("-A %s -d %s -j %s", ingressChain, p.address, chain))
			lines = append(lines, w.ingress(chain, p.namespace, in)...)
		}
		if isolatedOut {
			chain := "OUT-" + name
			chains = append(chains, chain)
			lines = append(lines, fmt.Sprintf("-A %s -s %s -j %s", egressChain, p.address, chain))
			lines = append(lines, w.egress(chain, p.namespace, out)...)
		}
	}
	return chains, lines
}

func (w world) ingress(chain, namespace string, rules []rule) (lines []string) {
	for _, r := range rules {
		for _, source := range w.addresses(r.peers, namespace) {
			for _, match := range matches(r.ports) {
				lines = append(lines, fmt.Sprintf("-A %s -s %s%s -j RETURN", chain, source, match))
			}
		}
	}
	return append(lines, fmt.Sprintf("-A %s -j DROP", chain))
}

func (w world) egress(chain, namespace string, rules []rule) (lines []string) {
	for _, r := range rules {
		for _, destination := range w.addresses(r.peers, namespace) {
			for _, match := range matches(numbered(r.ports)) {
				lines = append(lines, fmt.Sprintf("-A %s -d %s%s -j RETURN", chain, destination, match))
			}
		}
		// A named port means another number in each pod that it leads to.
		for _, p := range w.pods {
			if named := withNumbers(namedOnly(r.ports), p); len(named) > 0 && w.reaches(r.peers, namespace, p) {
				for _, match := range matches(named) {
					lines = append(lines, fmt.Sprintf("-A %s -d %s%s -j RETURN", chain, p.address, match))
				}
			}
		}
	}
	return append(lines, fmt.Sprintf("-A %s -j DROP", chain))
}

func (w world) reaches(peers []network.NetworkPolicyPeer, namespace string, p pod) bool {
	for _, a := range w.addresses(peers, namespace) {
		if prefix, err := netip.ParsePrefix(a); err == nil && prefix.Contains(netip.MustParseAddr(p.address)) || a == p.address {
			return true
		}
	}
	return false
}

// addresses lists whom the peers mean; no peers at all means everybody.
func (w world) addresses(peers []network.NetworkPolicyPeer, namespace string) (found []string) {
	if len(peers) == 0 {
		return []string{anywhere}
	}
	for _, peer := range peers {
		if peer.IPBlock != nil {
			found = append(found, block(peer.IPBlock)...)
			continue
		}
		for _, p := range w.pods {
			inNamespace := p.namespace == namespace
			if peer.NamespaceSelector != nil {
				inNamespace = selects(peer.NamespaceSelector, w.namespaces[p.namespace])
			}
			if inNamespace && (peer.PodSelector == nil || selects(peer.PodSelector, p.labels)) {
				found = append(found, p.address)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func selects(selector *meta.LabelSelector, set labels.Set) bool {
	s, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

// matches turns ports into iptables conditions; none means every port.
func matches(ports []network.NetworkPolicyPort) (found []string) {
	if ports == nil {
		return []string{""}
	}
	for _, p := range ports {
		match := " -p tcp"
		if p.Protocol != nil {
			match = " -p " + strings.ToLower(string(*p.Protocol))
		}
		if p.Port != nil {
			match += fmt.Sprintf(" --dport %d", p.Port.IntVal)
		}
		if p.EndPort != nil {
			match += fmt.Sprintf(":%d", *p.EndPort)
		}
		found = append(found, match)
	}
	return found
}

func isNamed(p network.NetworkPolicyPort) bool { return p.Port != nil && p.Port.Type == intstr.String }

func namedOnly(ports []network.NetworkPolicyPort) []network.NetworkPolicyPort {
	return slices.DeleteFunc(slices.Clone(ports), func(p network.NetworkPolicyPort) bool { return !isNamed(p) })
}

// numbered keeps nil as nil (every port), but ports that were all named become an empty list (no port).
func numbered(ports []network.NetworkPolicyPort) []network.NetworkPolicyPort {
	return slices.DeleteFunc(slices.Clone(ports), isNamed)
}

// withNumbers replaces named ports by the pod's numbers and leaves out names that the pod does not have.
func withNumbers(ports []network.NetworkPolicyPort, p pod) []network.NetworkPolicyPort {
	found := slices.Clone(ports)
	for i := range found {
		if !isNamed(found[i]) {
			continue
		}
		if number, ok := p.ports[found[i].Port.StrVal]; ok {
			value := intstr.FromInt32(number)
			found[i].Port = &value
		}
	}
	return numbered(found)
}

// block subtracts the exceptions of an address block from it.
func block(b *network.IPBlock) (found []string) {
	whole, err := netip.ParsePrefix(b.CIDR)
	if err != nil || !whole.Addr().Is4() {
		return nil
	}
	rest := []netip.Prefix{whole.Masked()}
	for _, except := range b.Except {
		hole, err := netip.ParsePrefix(except)
		if err != nil {
			continue
		}
		var next []netip.Prefix
		for _, r := range rest {
			next = append(next, without(r, hole.Masked())...)
		}
		rest = next
	}
	for _, r := range rest {
		found = append(found, r.String())
	}
	return found
}

// without halves a block until the hole is one of the halves.
func without(b, hole netip.Prefix) []netip.Prefix {
	if !b.Overlaps(hole) {
		return []netip.Prefix{b}
	}
	if hole.Bits() <= b.Bits() {
		return nil
	}
	bits := b.Bits() + 1
	low := netip.PrefixFrom(b.Addr(), bits)
	bytes := b.Addr().As4()
	bytes[b.Bits()/8] |= 1 << (7 - b.Bits()%8)
	high := netip.PrefixFrom(netip.AddrFrom4(bytes), bits)
	return append(without(low, hole), without(high, hole)...)
}
