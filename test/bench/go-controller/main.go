// A controller as one would write it by hand with controller-runtime: the rival of the benchmark. It does what ours does for an object that
// is created or edited: reads its Secrets, GETs the interface, PUTs it where it differs, and writes status and an event.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

type Reference struct {
	Name string `json:"name"`
	Key  string `json:"key,omitempty"`
}

type Spec struct {
	Agent struct {
		URL       string    `json:"url"`
		SecretRef Reference `json:"secretRef"`
	} `json:"agent"`
	Interface struct {
		Name                string    `json:"name"`
		PrivateKeySecretRef Reference `json:"privateKeySecretRef"`
		MTU                 *int      `json:"mtu,omitempty"`
		Addresses           []string  `json:"addresses,omitempty"`
	} `json:"interface"`
	Management struct {
		IntervalSeconds int `json:"intervalSeconds"`
	} `json:"management"`
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration"`
	Conditions         []metav1.Condition `json:"conditions"`
}

type WireGuardNode struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitempty"`
}

type WireGuardNodeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WireGuardNode `json:"items"`
}

func (in *WireGuardNode) DeepCopyObject() runtime.Object {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	out.Spec.Interface.Addresses = append([]string(nil), in.Spec.Interface.Addresses...)
	return &out
}

func (in *WireGuardNodeList) DeepCopyObject() runtime.Object {
	out := *in
	out.Items = make([]WireGuardNode, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopyObject().(*WireGuardNode)
	}
	return &out
}

type Reconciler struct {
	client.Client
	recorder record.EventRecorder
	mutex    sync.Mutex
	agents   map[string]*http.Client
	etags    sync.Map
	started  time.Time
	first    sync.Once
}

func (r *Reconciler) agent(url string, ca []byte) *http.Client {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if known := r.agents[url]; known != nil {
		return known
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	made := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 1, IdleConnTimeout: 120 * time.Second,
	}}
	r.agents[url] = made
	return made
}

// call signs as scheme v1 says: HMAC-SHA256 over method, path, body hash and time.
func (r *Reconciler) call(ctx context.Context, node *WireGuardNode, secret *corev1.Secret, method, path string, body []byte, etag string) (int, string, []byte, error) {
	r.first.Do(func() { fmt.Fprintf(os.Stderr, "first call after %d ms\n", time.Since(r.started).Milliseconds()) })
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(node.Spec.Agent.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret.Data["hmac-key"])
	fmt.Fprintf(mac, "%s|%s|%s|%s", method, path, body, stamp)
	request.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-Timestamp", stamp)
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	response, err := r.agent(node.Spec.Agent.URL, secret.Data["ca.crt"]).Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("ETag"), text, err
}

func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var node WireGuardNode
	if err := r.Get(ctx, request.NamespacedName, &node); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var agentSecret, keySecret corev1.Secret
	if err := r.Get(ctx, client.ObjectKey{Namespace: node.Namespace, Name: node.Spec.Agent.SecretRef.Name}, &agentSecret); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Get(ctx, client.ObjectKey{Namespace: node.Namespace, Name: node.Spec.Interface.PrivateKeySecretRef.Name}, &keySecret); err != nil {
		return ctrl.Result{}, err
	}
	path := "/v1/wg/" + node.Spec.Interface.Name + "/config"
	mark := fmt.Sprintf("%s/%d", node.UID, node.Generation)
	etag := ""
	if known, ok := r.etags.Load(mark); ok {
		etag = known.(string)
	}
	code, newEtag, text, err := r.call(ctx, &node, &agentSecret, http.MethodGet, path, nil, etag)
	if err != nil {
		return ctrl.Result{}, err
	}
	again := ctrl.Result{RequeueAfter: time.Duration(node.Spec.Management.IntervalSeconds) * time.Second}
	if code == http.StatusNotModified {
		return again, nil
	}
	changed := false
	if code == http.StatusNotFound || differs(text, &node) {
		put := map[string]any{
			"private_key": strings.TrimSpace(string(keySecret.Data["privateKey"])), "listen_port": nil, "address": node.Spec.Interface.Addresses,
			"mtu": node.Spec.Interface.MTU, "dns": nil, "table": nil, "post_up": nil, "pre_down": nil, "pre_up": nil, "post_down": nil, "fw_mark": nil,
			"options": map[string]any{"state": "up", "read_back": true, "request_id": strconv.FormatInt(time.Now().UnixNano(), 10)},
		}
		body, _ := json.Marshal(put)
		code, _, text, err = r.call(ctx, &node, &agentSecret, http.MethodPut, path, body, "")
		if err != nil {
			return ctrl.Result{}, err
		}
		if code != http.StatusOK {
			return ctrl.Result{}, fmt.Errorf("PUT was answered with %d: %.200s", code, text)
		}
		var answer struct {
			After json.RawMessage `json:"after"`
		}
		if err := json.Unmarshal(text, &answer); err != nil || differs(answer.After, &node) {
			return ctrl.Result{}, fmt.Errorf("the read-back differs")
		}
		changed = true
	} else {
		r.etags.Store(mark, newEtag)
	}
	if node.Status.ObservedGeneration != node.Generation || changed {
		patched := node.DeepCopyObject().(*WireGuardNode)
		now := metav1.NewTime(time.Now().Truncate(time.Second))
		patched.Status.ObservedGeneration = node.Generation
		patched.Status.Conditions = nil
		for kind, reason := range map[string]string{"Ready": "InSync", "Reachable": "Connected", "Synced": "InSync"} {
			patched.Status.Conditions = append(patched.Status.Conditions, metav1.Condition{
				Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: "File and kernel are as wanted", LastTransitionTime: now, ObservedGeneration: node.Generation})
		}
		if err := r.Status().Patch(ctx, patched, client.MergeFrom(&node)); err != nil {
			return ctrl.Result{}, err
		}
		if changed {
			r.recorder.Event(&node, corev1.EventTypeNormal, "Applied", "the interface was set up; proven by read-back")
		}
	}
	return again, nil
}

func differs(text []byte, node *WireGuardNode) bool {
	var view struct {
		Spec struct {
			MTU     *int     `json:"mtu"`
			Address []string `json:"address"`
		} `json:"spec"`
		State string `json:"state"`
	}
	if json.Unmarshal(text, &view) != nil || view.State != "up" {
		return true
	}
	if (view.Spec.MTU == nil) != (node.Spec.Interface.MTU == nil) || (view.Spec.MTU != nil && *view.Spec.MTU != *node.Spec.Interface.MTU) {
		return true
	}
	return strings.Join(view.Spec.Address, ",") != strings.Join(node.Spec.Interface.Addresses, ",")
}

func main() {
	started := time.Now()
	workers := flag.Int("workers", 128, "reconciles at the same time")
	flag.Parse()
	log.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	group := schema.GroupVersion{Group: "wgnode.dev", Version: "v1alpha1"}
	kinds := runtime.NewScheme()
	_ = corev1.AddToScheme(kinds)
	kinds.AddKnownTypes(group, &WireGuardNode{}, &WireGuardNodeList{})
	metav1.AddToGroupVersion(kinds, group)
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: kinds, Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		panic(err)
	}
	reconciler := &Reconciler{Client: manager.GetClient(), recorder: manager.GetEventRecorderFor("go-controller"), agents: map[string]*http.Client{}, started: started}
	err = ctrl.NewControllerManagedBy(manager).
		For(&WireGuardNode{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: *workers}).
		Complete(reconciler)
	if err != nil {
		panic(err)
	}
	if err := manager.Start(ctrl.SetupSignalHandler()); err != nil {
		panic(err)
	}
}
