package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// driver is the name that the storage class gives to us.
const driver = "extraction.dev/local"

// The controller manager puts this on a claim when it is our turn.
const turn = "volume.kubernetes.io/storage-provisioner"

// madeBy marks our volumes, so that we never remove another's.
const madeBy = "pv.kubernetes.io/provisioned-by"

// provisioner makes a folder and a volume for each claim that waits for one, and removes both with the claim.
type provisioner struct {
	client  kubernetes.Interface
	node    string
	folder  string
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	watched []cache.SharedIndexInformer
}

func newProvisioner(factory informers.SharedInformerFactory, client kubernetes.Interface, node, folder string) *provisioner {
	claims, volumes := factory.Core().V1().PersistentVolumeClaims(), factory.Core().V1().PersistentVolumes()
	return &provisioner{
		client: client, node: node, folder: folder, claims: claims.Lister(), volumes: volumes.Lister(),
		watched: []cache.SharedIndexInformer{claims.Informer(), volumes.Informer()},
	}
}

func (p *provisioner) informers() []cache.SharedIndexInformer { return p.watched }

func (p *provisioner) pass(ctx context.Context) error {
	claims, err := p.claims.List(labels.Everything())
	if err != nil {
		return err
	}
	var problems []error
	for _, c := range claims {
		if c.Annotations[turn] == driver && c.Spec.VolumeName == "" && c.DeletionTimestamp == nil {
			problems = append(problems, p.make(ctx, c))
		}
	}
	volumes, err := p.volumes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.Annotations[madeBy] == driver && v.Status.Phase == core.VolumeReleased {
			problems = append(problems, p.remove(ctx, v))
		}
	}
	return errors.Join(problems...)
}

func (p *provisioner) make(ctx context.Context, c *core.PersistentVolumeClaim) error {
	name := "pvc-" + string(c.UID)
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	// The process's umask took bits away; pods run as any user.
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	here := core.NodeSelectorRequirement{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{p.node}}
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{madeBy: driver}},
		Spec: core.PersistentVolumeSpec{
			Capacity:                      core.ResourceList{core.ResourceStorage: c.Spec.Resources.Requests[core.ResourceStorage]},
			AccessModes:                   c.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			StorageClassName:              *c.Spec.StorageClassName,
			VolumeMode:                    c.Spec.VolumeMode,
			ClaimRef:                      &core.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name, UID: c.UID},
			PersistentVolumeSource:        core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{here}}},
			}},
		},
	}
	_, err := p.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (p *provisioner) remove(ctx context.Context, v *core.PersistentVolume) error {
	if err := os.RemoveAll(v.Spec.Local.Path); err != nil {
		return err
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, v.Name, meta.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
