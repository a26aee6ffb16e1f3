package pod

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kserve/kserve/pkg/constants"
	"github.com/kserve/kserve/pkg/credentials"
)

// What deploy/kserve/agent-image.patch.yaml says, and a ConfigMap with certificates.
func injector() *AgentInjector {
	agent := &AgentConfig{Image: "sidelight-logger:0.1.0", CpuRequest: "100m", CpuLimit: "1", MemoryRequest: "256Mi", MemoryLimit: "1Gi"}
	logger := &LoggerConfig{DefaultUrl: "http://default-broker", CaBundle: "bundle", CaCertFile: "ca.crt"}
	cm := &corev1.ConfigMap{Data: map[string]string{}}
	return &AgentInjector{credentialBuilder: credentials.NewCredentialBuilder(fake.NewClientBuilder().Build(), k8sfake.NewSimpleClientset(), cm), agentConfig: agent, loggerConfig: logger, batcherConfig: &BatcherConfig{}}
}

func pods() map[string]*corev1.Pod {
	meta := metav1.ObjectMeta{Name: "income-predictor-5d8", Namespace: "shop",
		Labels: map[string]string{constants.InferenceServiceLabel: "income", constants.KServiceComponentLabel: "predictor"},
		Annotations: map[string]string{
			constants.LoggerInternalAnnotationKey:                    "true",
			constants.LoggerSinkUrlInternalAnnotationKey:             "http://broker/",
			constants.LoggerModeInternalAnnotationKey:                "all",
			constants.LoggerMetadataHeadersInternalAnnotationKey:     "x-request-id,x-tenant",
			constants.LoggerMetadataAnnotationsInternalAnnotationKey: "team,missing",
			"team": "risk",
		}}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/v2/health/ready", Port: intstr.FromInt(8080)}}, TimeoutSeconds: 1, PeriodSeconds: 10}
	model := corev1.Container{Name: "kserve-container", ReadinessProbe: probe}
	queue := corev1.Container{Name: "queue-proxy", Env: []corev1.EnvVar{
		{Name: "USER_PORT", Value: "8080"}, {Name: "REVISION_TIMEOUT_SECONDS", Value: "300"}, {Name: "SERVING_POD", Value: "income-0"},
		{Name: "SERVING_READINESS_PROBE", Value: `{"tcpSocket":{"port":8080,"host":"127.0.0.1"},"successThreshold":1}`}}}
	standard := &corev1.Pod{ObjectMeta: *meta.DeepCopy(), Spec: corev1.PodSpec{Containers: []corev1.Container{model}}}
	knative := &corev1.Pod{ObjectMeta: *meta.DeepCopy(), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "kserve-container"}, queue}}}
	own := &corev1.Pod{ObjectMeta: *meta.DeepCopy(), Spec: corev1.PodSpec{Containers: []corev1.Container{model, {Name: "agent", Image: "sidelight-logger:0.1.0"}}}}
	return map[string]*corev1.Pod{"standard": standard, "knative": knative, "own": own}
}

// A pod with an `agent` stays as it is; the agents added to the others are written to INJECTED.
func TestSidelight(t *testing.T) {
	for name, pod := range pods() {
		before := len(pod.Spec.Containers)
		if err := injector().InjectAgent(pod); err != nil {
			t.Fatal(name, err)
		}
		if name == "own" {
			if len(pod.Spec.Containers) != before || len(pod.Spec.Containers[1].Args) != 0 {
				t.Fatal("the webhook touched the pod")
			}
			continue
		}
		agent := pod.Spec.Containers[len(pod.Spec.Containers)-1]
		text, _ := json.MarshalIndent(agent, "", " ")
		if err := os.WriteFile(filepath.Join(os.Getenv("INJECTED"), name+".json"), append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
